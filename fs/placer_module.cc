// A module that is whole as soon as its directory is there: it gets its name in one rename.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/placer.h"

namespace neffs::fs {

// A module without a completion mark is taken for whole as soon as its directory is there, so it
// gets its name in one rename; only where a local twin exists already, file by file.
void Placer::place_module(const FetchOrder& order) {
  std::vector<StagedFile> files;
  for (const auto& file : order.listing->plan.hit_files)
    if (auto staged = find_staged(join_path(order.module, file));
        staged && rules_.is_wanted(staged->order.path))
      files.push_back(std::move(*staged));
  if (!layer_.stat(order.module) && place_at_once(order.module, files)) return;
  if (gives_way(order)) return;  // whoever made the directory may have gone on
  std::stable_sort(files.begin(), files.end(), [](const StagedFile& a, const StagedFile& b) {
    return place_rank(a.order.path) < place_rank(b.order.path);
  });
  for (const auto& file : files) place(file.order.path);
}

// False if the module is there by now, or nothing of it is wanted any more. Then, and when it throws,
// the files are what they were: staged, each under its partial name.
bool Placer::place_at_once(const std::string& module, const std::vector<StagedFile>& files) {
  const auto folder = new_partial_name();
  if (::mkdirat(partial_.get(), folder.c_str(), 0700) != 0) throw_errno("mkdir");
  try {
    const Layer whole(
        UniqueFd(::openat(partial_.get(), folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (gather(whole, module, files)) {
      index_.sync();  // as for a single file
      if (give_name_to(folder, whole, module, files)) return true;
    }
  } catch (...) {
    scatter(folder, module, files);
    throw;
  }
  scatter(folder, module, files);
  return false;
}

// Moves the files of a module into one directory; false if the name of one has been taken.
bool Placer::gather(const Layer& whole, const std::string& module,
                    const std::vector<StagedFile>& files) {
  for (const auto& file : files) {
    if (!promise(file)) return false;
    const auto inside = file.order.path.substr(module.size() + 1);
    whole.make_directories(std::string(parent_path(inside)), options_.directory_mode, options_.uid,
                           options_.gid);
    const auto parent = whole.parent_of(inside);
    if (::renameat(partial_.get(), file.partial_name.c_str(), parent.fd.get(),
                   parent.name.c_str()) != 0)
      throw_errno("rename");
  }
  if (::fchown(whole.root_fd(), options_.uid, options_.gid) != 0) throw_errno("chown");
  if (::fchmod(whole.root_fd(), options_.directory_mode) != 0) throw_errno("chmod");
  return true;
}

// The last steps to the name of a gathered module.
bool Placer::give_name_to(const std::string& folder, const Layer& whole, const std::string& module,
                          const std::vector<StagedFile>& files) {
  const auto hold = rules_.hold();
  std::vector<StagedFile> wanted;
  for (const auto& file : files) {
    if (rules_.is_wanted(file.order.path)) {
      wanted.push_back(file);
      continue;
    }
    ::unlinkat(whole.root_fd(), file.order.path.substr(module.size() + 1).c_str(), 0);
    unstage(file);
    index_.drop_intent(file.order.path);
  }
  if (wanted.empty()) return false;
  layer_.make_directories(std::string(parent_path(module)), options_.directory_mode, options_.uid,
                          options_.gid);
  const auto parent = layer_.parent_of(module);
  if (::renameat2(partial_.get(), folder.c_str(), parent.fd.get(), parent.name.c_str(),
                  RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return false;
    throw_errno("rename");
  }
  for (const auto& file : wanted) keep_promise(file);
  return true;
}

// Undoes gather(), as far as that came.
void Placer::scatter(const std::string& folder, const std::string& module,
                     const std::vector<StagedFile>& files) {
  const auto in_folder = [&](std::string_view inside) { return join_path(folder, inside); };
  for (const auto& file : files) {
    auto inside = std::string_view(file.order.path).substr(module.size() + 1);
    ::renameat(partial_.get(), in_folder(inside).c_str(), partial_.get(),
               file.partial_name.c_str());
    while (!(inside = parent_path(inside)).empty())  // a directory goes with its last file
      ::unlinkat(partial_.get(), in_folder(inside).c_str(), AT_REMOVEDIR);
  }
  ::unlinkat(partial_.get(), folder.c_str(), AT_REMOVEDIR);
  try {
    for (const auto& file : files) index_.drop_intent(file.order.path);
  } catch (const std::exception& error) {
    spdlog::debug("{}: intents are left for the next start: {}", module, error.what());
  }
}

}  // namespace neffs::fs
