#include "common/runtime/own_program.hpp"

namespace ballast::runtime {

Result<std::filesystem::path> own_program(const std::string& name) {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("/proc/self/exe: {}", error.message());
  const auto folder = own.parent_path();
  for (const auto& candidate : {folder / name, folder.parent_path() / "libexec/ballast" / name}) {
    if (std::filesystem::is_regular_file(candidate, error)) return candidate;
  }
  return fail("{} is neither in {} nor in {}", name, folder.string(),
              (folder.parent_path() / "libexec/ballast").string());
}

}  // namespace ballast::runtime
