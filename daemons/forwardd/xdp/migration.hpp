#pragma once
// Moves connections into a table of another size while packets go on.
//
// copy() may be called any number of times while the program still works on the old table: each time the new one is
// made to agree with it. Then the program is changed for one that works on the new table, and a last copy() brings what
// happened in between. Nobody else writes to the old table from then on.
#include <vector>

#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/object.hpp"

namespace ballast::forwardd::xdp {

class Migration {
 public:
  /// The two objects share all maps but those of connections (load_resized()), and outlive this.
  static Result<Migration> between(const Object& from, const Object& to);

  void copy();

  struct Outcome {
    std::size_t moved = 0;
    std::size_t left = 0;  ///< found no line, or their LIP's port was given away meanwhile
  };
  /// After the last copy(): connections that were left behind are taken out of their servers' counts.
  Outcome finish(LoadTable& load);

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  /// Where a line of the old table went, and what both had then.
  struct Copy {
    std::uint32_t line = none;
    std::uint32_t control = 0;    ///< the old line's
    std::uint32_t last_seen = 0;  ///< the old line's
    std::uint32_t written = 0;    ///< the new line's control
  };

  void visit(std::uint32_t index, bool proved_ones);
  void insert(std::uint32_t index, const layout::flow& flow, Copy& copy);
  void refresh(std::uint32_t index, const layout::flow& flow, Copy& copy);
  void take_back(Copy& copy);
  [[nodiscard]] std::uint64_t hash_of(const layout::flow& flow) const;
  [[nodiscard]] std::uint32_t claim(const layout::flow& flow);
  [[nodiscard]] std::uint64_t hash_of_return(const layout::flow& flow) const;
  bool enter_return(const layout::flow& flow, std::uint32_t line);
  void drop_return(const layout::flow& flow, std::uint32_t line);
  bool copy_detail(std::uint32_t from, std::uint32_t to);

  const Object* from_ = nullptr;
  const Object* to_ = nullptr;
  Constants constants_;
  layout::filters filters_{};
  FlowTable old_;
  FlowTable next_;
  MappedArray<layout::return_line> returns_;
  std::vector<Copy> copies_;
};

}  // namespace ballast::forwardd::xdp
