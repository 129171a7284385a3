#include "tests/publish/modules.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "tests/hub/content.h"
#include "tests/hub/sample_repo.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

constexpr const char* kLock = "model.hlo_module.pb.lock";

std::string binary(std::uint64_t seed, std::uint64_t size) {
  return std::string(16, '\0') + read_all(*generated_content(seed, size));
}

void sync(const std::filesystem::path& path) {
  if (::fsync(open_file(path, O_RDONLY).get()) != 0)
    throw std::system_error(errno, std::generic_category(), "fsync");
}

}  // namespace

MadeModule made_module(unsigned number) {
  MadeModule module;
  module.path = fmt::format("{}/MODULE_{}+e30acd3a", sample::kVersion, 1'000'000 + number);
  module.files["compile_flags.json"] = fmt::format("[\"--number={}\"]", number);
  module.files["model.hlo_module.pb"] = binary(2 * number, 3000 + number);
  module.files["model.neff"] = binary(2 * number + 1, 20'000 + number);
  module.files["model.done"] = "";
  return module;
}

void put_files(const std::filesystem::path& cache, const MadeModule& module) {
  for (const auto& [name, bytes] : module.files) {
    const auto path = cache / module.path / name;
    std::filesystem::create_directories(path.parent_path());
    write_file(path, bytes);
  }
}

void compile_into(const std::filesystem::path& cache, const MadeModule& module,
                  const std::function<void()>& stepped) {
  const auto entry = cache / module.path;
  std::filesystem::create_directories(entry);
  open_file(entry / kLock, O_WRONLY | O_CREAT | O_EXCL);
  stepped();
  constexpr std::array<const char*, 4> kOrder = {"model.hlo_module.pb", "compile_flags.json",
                                                 "model.neff", "model.done"};
  for (const char* name : kOrder) {
    write_file(entry / name, module.files.at(name));
    stepped();
  }
  std::filesystem::remove(entry / kLock);
  stepped();
}

void compile_durably(const std::filesystem::path& cache, const MadeModule& module,
                     const std::function<void()>& stepped) {
  const auto entry = cache / module.path;
  compile_into(cache, module, [&] {
    for (const auto& name : names_in(entry)) sync(entry / name);
    for (const auto& directory : {entry, entry.parent_path(), cache}) sync(directory);
    stepped();
  });
}

std::map<std::string, std::string> files_in(const std::filesystem::path& cache,
                                            const MadeModule& module) {
  std::map<std::string, std::string> files;
  for (const auto& name : files_below(cache / module.path)) {
    const auto bytes = read_file(cache / module.path / name);
    files[name] = bytes.error == 0 ? bytes.text : fmt::format("errno {}", bytes.error);
  }
  return files;
}

}  // namespace neffs::test
