#pragma once
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace ballast::config {

/// A list of values that copies share until one of them changes its own: a copy, and a comparison with one, costs a
/// pointer an element, whatever the elements hold. Reading goes by const references; writing by [], at, front, back and
/// emplace_back of a list that is not const, which take an element of their own first where it is shared.
template <class T>
class SharedList {
 public:
  using value_type = T;
  using Shared = std::shared_ptr<const T>;

  class const_iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;
    using Place = typename std::vector<std::shared_ptr<T>>::const_iterator;

    const_iterator() = default;
    explicit const_iterator(Place place) : place_{place} {}
    reference operator*() const { return **place_; }
    pointer operator->() const { return place_->get(); }
    reference operator[](difference_type n) const { return *place_[n]; }
    const_iterator& operator++() { return ++place_, *this; }
    const_iterator operator++(int) { return const_iterator{place_++}; }
    const_iterator& operator--() { return --place_, *this; }
    const_iterator operator--(int) { return const_iterator{place_--}; }
    const_iterator& operator+=(difference_type n) { return place_ += n, *this; }
    const_iterator& operator-=(difference_type n) { return place_ -= n, *this; }
    friend const_iterator operator+(const_iterator a, difference_type n) { return const_iterator{a.place_ + n}; }
    friend const_iterator operator+(difference_type n, const_iterator a) { return const_iterator{a.place_ + n}; }
    friend const_iterator operator-(const_iterator a, difference_type n) { return const_iterator{a.place_ - n}; }
    friend difference_type operator-(const_iterator a, const_iterator b) { return a.place_ - b.place_; }
    auto operator<=>(const const_iterator&) const = default;

   private:
    Place place_;
  };
  using iterator = const_iterator;

  SharedList() = default;
  SharedList(std::initializer_list<T> values) {
    for (const auto& value : values) push_back(value);
  }

  [[nodiscard]] const_iterator begin() const { return const_iterator{items_.begin()}; }
  [[nodiscard]] const_iterator end() const { return const_iterator{items_.end()}; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] const T& operator[](std::size_t i) const { return *items_[i]; }
  [[nodiscard]] T& operator[](std::size_t i) { return own(items_[i]); }
  [[nodiscard]] const T& at(std::size_t i) const { return *items_.at(i); }
  [[nodiscard]] T& at(std::size_t i) { return own(items_.at(i)); }
  [[nodiscard]] const T& front() const { return *items_.front(); }
  [[nodiscard]] T& front() { return own(items_.front()); }
  [[nodiscard]] const T& back() const { return *items_.back(); }
  [[nodiscard]] T& back() { return own(items_.back()); }
  /// The element itself, to be kept or put into another list.
  [[nodiscard]] Shared shared(std::size_t i) const { return items_[i]; }

  void push_back(T value) { items_.push_back(std::make_shared<T>(std::move(value))); }
  /// An element of another list.
  void push_back(Shared value) { items_.push_back(std::const_pointer_cast<T>(std::move(value))); }
  template <class... Args>
  T& emplace_back(Args&&... args) {
    items_.push_back(std::make_shared<T>(std::forward<Args>(args)...));
    return *items_.back();
  }
  /// Another element in the place of one that copies keep.
  void put(std::size_t i, T value) { items_[i] = std::make_shared<T>(std::move(value)); }
  void reserve(std::size_t count) { items_.reserve(count); }
  void clear() { items_.clear(); }
  void erase(const_iterator place) { items_.erase(items_.begin() + (place - std::as_const(*this).begin())); }
  template <class Predicate>
  friend std::size_t erase_if(SharedList& list, Predicate predicate) {
    return std::erase_if(list.items_, [&](const auto& item) { return predicate(std::as_const(*item)); });
  }

  friend bool operator==(const SharedList& a, const SharedList& b) {
    return std::ranges::equal(a.items_, b.items_, [](const auto& x, const auto& y) { return x == y || *x == *y; });
  }

 private:
  static T& own(std::shared_ptr<T>& item) {
    if (item.use_count() > 1) item = std::make_shared<T>(*item);
    return *item;
  }

  std::vector<std::shared_ptr<T>> items_;
};

}  // namespace ballast::config

NLOHMANN_JSON_NAMESPACE_BEGIN
template <class T>
struct adl_serializer<ballast::config::SharedList<T>> {
  static void to_json(json& out, const ballast::config::SharedList<T>& list) {
    out = json::array();
    for (const auto& value : list) out.push_back(value);
  }
  static void from_json(const json& in, ballast::config::SharedList<T>& list) {
    list.clear();
    for (const auto& value : in.get_ref<const json::array_t&>()) list.push_back(value.get<T>());
  }
};
NLOHMANN_JSON_NAMESPACE_END
