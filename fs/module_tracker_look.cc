// How the tracker looks at one module, or at one file of a registry.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "fs/module_tracker.h"

namespace neffs::fs {
namespace {

// Above what the texts have that decide whether something is whole.
constexpr std::size_t kTextBytes = std::size_t{1} << 20;

LocalFile::Kind kind_of(const struct stat& st) {
  if (S_ISREG(st.st_mode)) return LocalFile::Kind::kRegular;
  return S_ISLNK(st.st_mode) ? LocalFile::Kind::kSymlink : LocalFile::Kind::kOther;
}

std::int64_t ns(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

std::uint64_t size_of(const struct stat& st) {
  return static_cast<std::uint64_t>(st.st_size);
}

bool may_be_published(const LocalModule& module) {
  const auto state = module.publishing.state;
  return module.whose == Whose::kOurs &&
         (state == PublishState::kReady || state == PublishState::kLocked ||
          state == PublishState::kFailed);
}

// The name went, or became another one's, while it was looked at.
bool means_gone(const std::system_error& error) {
  const int code = error.code().value();
  return code == ENOENT || code == ENOTDIR || code == ELOOP || code == EINVAL;
}

// A folder that is there and cannot be read is not empty: what is in it must not be missed.
std::vector<Layer::NameAndStat> list_unless_gone(const Layer& layer, const std::string& path) try {
  return layer.list_stats(path);
} catch (const std::system_error& error) {
  if (means_gone(error)) return {};
  throw;
}

std::string read_start(const Layer& layer, const std::string& path, std::size_t bytes) {
  const auto fd = layer.open_to_look(path);
  const auto size = static_cast<std::size_t>(stat_of(fd.get()).st_size);
  std::string text(std::min(bytes, size), '\0');
  const auto got = ::pread(fd.get(), text.data(), text.size(), 0);
  if (got < 0) throw_errno("read");
  text.resize(static_cast<std::size_t>(got));
  return text;
}

void add_seen(ModuleTracker::Step& step, std::string path, const struct stat& st) {
  const auto snapshot = snapshot_of(st);
  step.changed_ns = std::max({step.changed_ns, snapshot.mtime_ns, snapshot.ctime_ns});
  step.files.push_back({std::move(path), snapshot});
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

index::FileSnapshot snapshot_of(const struct stat& st) {
  return {size_of(st), ns(st.st_mtim), ns(st.st_ctim), st.st_ino};
}

std::optional<std::string> find_bytes(const Layer& layer, const std::string& path,
                                      const std::string& mountpoint) try {
  const auto st = layer.stat(path);
  if (!st) return std::nullopt;
  if (S_ISREG(st->st_mode)) return path;
  if (!S_ISLNK(st->st_mode)) return std::nullopt;
  auto target = alias_target(path, layer.read_link(path), mountpoint);
  if (!target) return std::nullopt;
  const auto reached = layer.stat(*target);
  return reached && S_ISREG(reached->st_mode) ? target : std::nullopt;
} catch (const std::system_error& error) {
  if (means_gone(error)) return std::nullopt;
  throw;
}

struct ModuleTracker::File {
  std::string inside;  // relative to the module
  struct stat st {};
};

ModuleTracker::Step ModuleTracker::look_at(const std::string& path) const {
  Step step;
  step.module = path;
  if (published_ && is_in_registry(path))
    look_at_registry_file(step);
  else
    look_at_module(step);
  return step;
}

void ModuleTracker::look_at_module(Step& step) const {
  const auto& module = step.module;
  const auto st = layer_.stat(module);
  if (!st || !S_ISDIR(st->st_mode)) return;
  std::vector<File> names;
  collect(module, "", names);
  std::vector<File> files;
  std::copy_if(names.begin(), names.end(), std::back_inserter(files),
               [](const File& file) { return S_ISREG(file.st.st_mode); });
  auto& now = step.now.emplace();
  std::vector<ModuleFile> listing;
  for (const auto& file : files) {
    listing.push_back({file.inside, size_of(file.st)});
    if (file.inside.ends_with(".lock")) {
      now.locks.push_back(file.inside);
    } else if (file.inside != kFailureLog) {
      ++now.files;
      now.bytes += size_of(file.st);
    }
  }
  const auto at = locate(module);
  now.state = judge_local(at.version, base_name(module), listing,
                          [&] { return start_of(join_path(module, kNeff), kProbeBytes); });
  const auto origins = origins_in(module);
  now.whose = whose(module, files, origins);
  if (now.whose == Whose::kCopy) add_source(now, module, files, origins);
  if (now.state == LocalState::kFailed) now.failure = read_failure(module, files);
  if (published_) now.publishing = judge(module, now.state, names);
  if (!may_be_published(now)) return;
  add_files(step, files, origins);
  if (!may_have_lost_bytes(step)) return;
  now.whose = Whose::kHeld;
  step.files.clear();
}

// Before a mark gets its name, the files beside it are synced: what has not changed since is on the
// disk, and so is a copy.
void ModuleTracker::add_files(Step& step, const std::vector<File>& files, const Origins& origins) {
  std::int64_t marked_ns = 0;
  for (const auto& file : files)
    if (file.inside == kDoneMark) marked_ns = ns(file.st.st_ctim);
  for (const auto& file : files) {
    if (!is_published_name(file.inside)) continue;
    auto path = join_path(step.module, file.inside);
    const bool is_beside = file.inside.find('/') == std::string::npos;
    const auto origin = origins.find(path);
    const bool is_copy = origin != origins.end() && origin->second.origin == index::Origin::kCopy;
    if (!is_copy && !(is_beside && ns(file.st.st_ctim) <= marked_ns)) step.unsynced.push_back(path);
    add_seen(step, std::move(path), file.st);
  }
  std::sort(step.files.begin(), step.files.end(),
            [](const auto& one, const auto& other) { return one.path < other.path; });
}

// What was queued as it is was synced before.
bool ModuleTracker::may_have_lost_bytes(const Step& step) const {
  if (!published_->booted_s) return false;
  const auto booted_ns = *published_->booted_s * std::int64_t{1'000'000'000};
  std::vector<index::SeenFile> older;
  std::copy_if(step.files.begin(), step.files.end(), std::back_inserter(older),
               [&](const auto& file) {
                 return file.snapshot.ctime_ns < booted_ns &&
                        std::find(step.unsynced.begin(), step.unsynced.end(), file.path) !=
                            step.unsynced.end();
               });
  if (older.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (adopted_.contains(step.module)) return false;
  }
  const auto upload = index_.upload(step.module);
  if (!upload) return true;
  return !std::all_of(older.begin(), older.end(), [&](const auto& file) {
    return std::any_of(upload->files.begin(), upload->files.end(), [&](const auto& queued) {
      return queued.path == file.path && queued.snapshot == file.snapshot;
    });
  });
}

// Each of them is whole by itself, and published by itself.
void ModuleTracker::look_at_registry_file(Step& step) const {
  const auto& path = step.module;
  const auto found = layer_.stat(path);
  if (!found || S_ISDIR(found->st_mode)) return;
  auto& now = step.now.emplace();
  now.state = LocalState::kComplete;
  now.files = 1;
  const auto bytes = find_bytes(layer_, path, published_->mountpoint);
  const auto st = bytes ? layer_.stat(*bytes) : std::nullopt;
  if (!st) {
    now.publishing = {PublishState::kNever, Piece::kRegistry, "leads to no file of a registry"};
    return;
  }
  now.bytes = size_of(*st);
  now.whose = whose_in_registry(path, *bytes);
  if (now.whose == Whose::kCopy)
    if (const auto record = index_.layer_file(path)) now.source = record->source;
  now.publishing = judge_registry_file(path, read_text(*bytes));
  if (!may_be_published(now)) return;
  step.bytes = *bytes;
  add_seen(step, path, *st);
}

// An alias that has no record of its own is as much ours as what it stands for.
Whose ModuleTracker::whose_in_registry(const std::string& path, const std::string& bytes) const {
  auto record = index_.layer_file(path);
  const bool is_copy = record && record->origin == index::Origin::kCopy;
  if (!record) record = index_.layer_file(bytes);
  if (record && record->origin == index::Origin::kOurs) return Whose::kOurs;
  return is_copy ? Whose::kCopy : Whose::kHeld;
}

Publishing ModuleTracker::judge(const std::string& module, LocalState state,
                                const std::vector<File>& files) const {
  std::vector<LocalFile> names;
  names.reserve(files.size());
  for (const auto& file : files) names.push_back({file.inside, kind_of(file.st)});
  const auto ask = [&](bool is_adopted) {
    return judge_module_to_publish(
        {module, state, names, is_adopted},
        [&](std::string_view inside) { return read_text(join_path(module, inside)); });
  };
  auto publishing = ask(false);
  if (publishing.state == PublishState::kWhenAdopted && is_adopted(module)) return ask(true);
  return publishing;
}

bool ModuleTracker::is_adopted(const std::string& module) const {
  {
    const std::lock_guard lock(mutex_);
    if (adopted_.contains(module)) return true;
  }
  return index_.upload(module).has_value();
}

std::vector<std::string> ModuleTracker::files_of(const std::string& module) const {
  if (is_in_registry(module)) return {module};
  std::vector<File> files;
  collect(module, "", files);
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const auto& file : files)
    if (S_ISREG(file.st.st_mode)) paths.push_back(join_path(module, file.inside));
  return paths;
}

void ModuleTracker::collect(const std::string& module, const std::string& inside,
                            std::vector<File>& files) const {
  for (const auto& entry : list_unless_gone(layer_, join_path(module, inside))) {
    auto path = join_path(inside, entry.name);
    if (S_ISDIR(entry.st.st_mode))
      collect(module, path, files);
    else
      files.push_back({std::move(path), entry.st});
  }
}

ModuleTracker::Origins ModuleTracker::origins_in(const std::string& module) const {
  Origins origins;
  for (const auto& record : index_.layer_files_below(module))
    origins.emplace(record.path, Record{record.origin, record.source});
  return origins;
}

void ModuleTracker::add_source(LocalModule& now, const std::string& module,
                               const std::vector<File>& files, const Origins& origins) {
  for (const auto& file : files) {
    const auto record = origins.find(join_path(module, file.inside));
    if (record == origins.end())
      now.has_news |= is_published_name(file.inside) && !is_input(file.inside);
    else if (record->second.origin == index::Origin::kCopy)
      now.source = record->second.source;
  }
}

Whose ModuleTracker::whose(const std::string& module, const std::vector<File>& files,
                           const Origins& origins) {
  bool has_copy = false;
  bool has_ours = false;
  bool has_unknown = false;
  for (const auto& file : files) {
    if (is_input(file.inside)) continue;
    const auto origin = origins.find(join_path(module, file.inside));
    if (origin == origins.end())
      has_unknown = true;
    else
      (origin->second.origin == index::Origin::kCopy ? has_copy : has_ours) = true;
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

// Trouble of the disk is no verdict on the file.
std::string ModuleTracker::read_text(const std::string& path) const try {
  auto text = read_start(layer_, path, kTextBytes + 1);
  if (text.size() > kTextBytes) text.clear();
  return text;
} catch (const std::system_error& error) {
  if (means_gone(error) || error.code().value() == EACCES) return "";
  throw;
}

std::string ModuleTracker::start_of(const std::string& path, std::size_t bytes) const try {
  return read_start(layer_, path, bytes);
} catch (const std::system_error&) {
  return "";
}

}  // namespace neffs::fs
