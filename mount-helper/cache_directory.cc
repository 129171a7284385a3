#include "mount-helper/cache_directory.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "mount-helper/command_error.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

fs::UniqueFd open_cache(const std::filesystem::path& path) {
  fs::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd)
    throw CommandError(path.string(), std::generic_category().message(errno),
                       "run it as who may read and write there");
  const auto type = network_filesystem_of(fd.get());
  if (!type.empty())
    throw CommandError(path.string(),
                       fmt::format("on a network filesystem ({}), where its database cannot be "
                                   "relied on",
                                   type),
                       "copy it to a local directory first");
  return fd;
}

}  // namespace

CacheDirectory::CacheDirectory(const std::filesystem::path& path)
    : layer_(open_cache(path)),
      state_(take_state_directory(
          layer_.root_fd(), path.string(),
          std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()))) {
  for (const auto& name : state_.set_aside) warn("was in the way, and is set aside: " + name);
}

std::unique_ptr<index::Index> CacheDirectory::open_index() const {
  index::OpenReport report;
  auto index = index::Index::open(state_.path_of(kIndexName), report);
  if (report.damaged_copy)
    warn(fmt::format("the index was damaged ({}) and is built anew; the old one is kept as {}",
                     report.damage, report.damaged_copy->filename().string()));
  return index;
}

}  // namespace neffs::mount_helper
