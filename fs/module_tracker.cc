#include "fs/module_tracker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace neffs::fs {
namespace {

bool is_directory(const struct stat& st) {
  return S_ISDIR(st.st_mode);
}

// A name in a log may hold anything, and a terminal obeys what it is sent.
std::string first_line(std::string text) {
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

struct ModuleTracker::File {
  std::string inside;  // relative to the module
  struct stat st {};
};

bool ModuleTracker::changed(const std::string& path) {
  const auto at = locate(path);
  const std::lock_guard lock(mutex_);
  if (at.place == Place::kModule || at.place == Place::kInsideModule)
    changed_.emplace(at.module);
  else if (at.place == Place::kVersion)
    folders_.emplace(path);
  else
    return false;
  return true;
}

void ModuleTracker::begin_scan() {
  for (const auto& entry : layer_.list_if_there(""))
    if (locate(entry.name).place == Place::kVersion) add_folder(entry.name, unscanned_);
}

void ModuleTracker::add_folder(const std::string& version,
                               std::vector<std::string>& modules) const {
  for (const auto& entry : layer_.list_if_there(version)) {
    auto path = join_path(version, entry.name);
    if (locate(path).place == Place::kModule) modules.push_back(std::move(path));
  }
}

// A compiler folder was renamed or removed: the modules it has now, and those it had.
void ModuleTracker::expand_folders() {
  std::set<std::string> folders;
  {
    const std::lock_guard lock(mutex_);
    folders.swap(folders_);
  }
  if (folders.empty()) return;
  std::vector<std::string> modules;
  for (const auto& folder : folders) add_folder(folder, modules);
  const std::lock_guard lock(mutex_);
  changed_.insert(modules.begin(), modules.end());
  for (const auto& folder : folders)
    for (auto it = modules_.lower_bound(folder + "/");
         it != modules_.end() && it->first.starts_with(folder + "/"); ++it)
      changed_.insert(it->first);
}

std::optional<ModuleTracker::Step> ModuleTracker::step() {
  expand_folders();
  if (unscanned_.empty()) is_scanned_ = true;
  Step step;
  {
    const std::lock_guard lock(mutex_);
    if (!changed_.empty()) step.module = std::move(changed_.extract(changed_.begin()).value());
  }
  if (step.module.empty() && !unscanned_.empty()) {
    step.module = std::move(unscanned_.back());
    step.is_of_scan = true;
    unscanned_.pop_back();
  }
  if (step.module.empty()) return std::nullopt;
  step.now = look(step.module);
  const std::lock_guard lock(mutex_);
  if (step.now && step.now->whose != Whose::kCopy)
    modules_.insert_or_assign(step.module, *step.now);
  else
    modules_.erase(step.module);
  return step;
}

std::optional<LocalModule> ModuleTracker::look(const std::string& module) const {
  const auto st = layer_.stat(module);
  if (!st || !is_directory(*st)) return std::nullopt;
  std::vector<File> files;
  collect(module, "", files);
  LocalModule now;
  std::vector<ModuleFile> listing;
  for (const auto& file : files) {
    const auto size = static_cast<std::uint64_t>(file.st.st_size);
    listing.push_back({file.inside, size});
    if (file.inside.ends_with(".lock")) {
      now.locks.push_back(file.inside);
    } else if (file.inside != kFailureLog) {
      ++now.files;
      now.bytes += size;
    }
  }
  const auto at = locate(module);
  now.state = judge_local(at.version, base_name(module), listing,
                          [&] { return start_of(join_path(module, kNeff), kProbeBytes); });
  now.whose = whose(module, files);
  if (now.state == LocalState::kFailed) now.failure = read_failure(module, files);
  return now;
}

std::vector<std::string> ModuleTracker::files_of(const std::string& module) const {
  std::vector<File> files;
  collect(module, "", files);
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const auto& file : files) paths.push_back(join_path(module, file.inside));
  return paths;
}

void ModuleTracker::collect(const std::string& module, const std::string& inside,
                            std::vector<File>& files) const {
  for (const auto& entry : layer_.list_if_there(join_path(module, inside))) {
    auto path = join_path(inside, entry.name);
    const auto st = layer_.stat(join_path(module, path));
    if (!st) continue;
    if (is_directory(*st))
      collect(module, path, files);
    else if (S_ISREG(st->st_mode))
      files.push_back({std::move(path), *st});
  }
}

Whose ModuleTracker::whose(const std::string& module, const std::vector<File>& files) const {
  std::unordered_map<std::string, index::Origin> origins;
  for (const auto& record : index_.layer_files_below(module))
    origins.emplace(record.path, record.origin);
  bool has_copy = false;
  bool has_ours = false;
  bool has_unknown = false;
  for (const auto& file : files) {
    if (is_input(file.inside)) continue;
    const auto origin = origins.find(join_path(module, file.inside));
    if (origin == origins.end())
      has_unknown = true;
    else
      (origin->second == index::Origin::kCopy ? has_copy : has_ours) = true;
  }
  if (has_copy && !has_ours) return Whose::kCopy;
  return has_unknown || !has_ours ? Whose::kHeld : Whose::kOurs;
}

// The oldest compilers wrote the failure in the place of the NEFF.
Failure ModuleTracker::read_failure(const std::string& module,
                                    const std::vector<File>& files) const {
  const auto named = [&](std::string_view name) {
    return std::find_if(files.begin(), files.end(),
                        [&](const File& file) { return file.inside == name; });
  };
  const auto log = named(kFailureLog);
  const auto said = log != files.end() ? log : named(kNeff);
  if (said == files.end()) return {};
  Failure failure;
  failure.text = first_line(start_of(join_path(module, said->inside), kFailureBytes));
  const auto& time = said->st.st_mtim;
  failure.at = std::chrono::sys_time<std::chrono::nanoseconds>(
      std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  if (said == log) failure.log = layer_id(said->st);
  return failure;
}

// O_NONBLOCK: it may have become a pipe meanwhile, which nobody writes to.
std::string ModuleTracker::start_of(const std::string& path, std::size_t bytes) const try {
  const auto fd = layer_.open(path, O_RDONLY | O_NONBLOCK);
  std::string text(bytes, '\0');
  const auto got = ::pread(fd.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
} catch (const std::system_error&) {
  return "";
}

}  // namespace neffs::fs
