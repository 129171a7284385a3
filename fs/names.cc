#include "fs/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <system_error>
#include <unordered_set>

#include <spdlog/spdlog.h>

namespace neffs::fs {
namespace {

// Inode numbers of remote-only names: stable, and out of the way of those that disks use.
ino_t remote_ino(const std::string& path, const hub::ContentId& content) {
  return std::hash<std::string>()(path + '\n' + content.hex) | (ino_t{1} << 63);
}

// Some disks do not say what a name is.
bool is_unknown_directory(const Layer& layer, const std::string& module, const std::string& name,
                          unsigned char type) {
  if (type != DT_UNKNOWN) return false;
  const auto st = layer.stat(join_path(module, name));
  return st && S_ISDIR(st->st_mode);
}

bool is_finished(const ShownModule& module) {
  return module.listing && module.listing->verdict.state == ModuleState::kFinished;
}

// Whether a copy is what the module has in that place.
bool is_in(const ShownModule& module, const index::LayerFile& file, const std::string& path) {
  if (!module.listing) return false;
  const auto& names = module.listing->names;
  const auto name = names.find(std::string_view(file.path).substr(path.size() + 1));
  return name != names.end() && name->second.content.text() == file.content;
}

}  // namespace

Identity Found::identity() const {
  Identity identity;
  identity.is_directory = S_ISDIR(st.st_mode);
  if (kind == Kind::kLocal) identity.layer = layer_id(st);
  if (kind == Kind::kRemote) identity.remote = remote.content.hex;
  identity.ino = st.st_ino;
  identity.is_linked = kind == Kind::kLocal && !identity.is_directory && st.st_nlink > 1;
  return identity;
}

Names::Names(const Layer& layer, index::Index& index, const Sources& sources, Whiteouts& whiteouts,
             NamesOptions options)
    : layer_(layer), index_(index), sources_(sources), whiteouts_(whiteouts), options_(options) {}

struct stat Names::shown(const std::string& path, const RemoteName& name,
                         const RemoteView& from) const {
  struct stat st {};
  const bool is_directory = name.kind == RemoteName::Kind::kDirectory;
  st.st_ino = remote_ino(path, name.content);
  st.st_mode = is_directory ? S_IFDIR | options_.directory_mode : S_IFREG | options_.file_mode;
  st.st_nlink = is_directory ? 2 : 1;
  st.st_uid = options_.uid;
  st.st_gid = options_.gid;
  st.st_size = static_cast<off_t>(name.size);
  st.st_blksize = 4096;
  st.st_blocks = static_cast<blkcnt_t>((name.size + 511) / 512);
  st.st_mtim.tv_sec = from.commit_time_s();
  st.st_atim = st.st_ctim = st.st_mtim;
  return st;
}

Found Names::find(const std::string& path) {
  Found found;
  const auto at = locate(path);
  const bool in_module = at.place == Place::kInsideModule;
  if (at.place == Place::kTopLevel && is_reserved_root_name(path)) {
    found.why = "the name belongs to neffs";
    return found;
  }
  found.is_lasting = at.module.empty() || is_lock(path) || settle_if_possible(at.module);
  if (!at.module.empty() && !is_lock(path)) found.only = owner(at.module);
  if (const auto local = layer_.stat(path)) {
    const bool is_loose_file = at.module.empty() && S_ISREG(local->st_mode) && !is_lock(path);
    if (!is_loose_file || !is_stale(path, found)) {
      found.kind = Found::Kind::kLocal;
      found.st = *local;
      return found;
    }
  }
  found.is_lasting = true;
  if (in_module && is_wholly_local(at.module)) {
    found.kind = Found::Kind::kAbsent;
    found.why = "the module was compiled here";
    return found;
  }
  auto shown = remote(path);
  if (!shown) {
    found.kind = Found::Kind::kUnknown;
    return found;
  }
  found.is_lasting = shown->is_certain;
  if (shown->name.kind == RemoteName::Kind::kAbsent) {
    found.kind = Found::Kind::kAbsent;
    found.why = shown->name.why;
    found.is_by_source = true;
  } else if (is_deleted(path)) {
    found.kind = Found::Kind::kAbsent;
    found.why = "deleted here; `neffs restore` brings it back";
  } else {
    found.kind = Found::Kind::kRemote;
    found.from = shown->from;
    found.st = this->shown(path, shown->name, *shown->from);
    found.remote = std::move(shown->name);
  }
  return found;
}

std::optional<Shown> Names::remote(const std::string& path) {
  auto* only = owner_of(path);
  if (only == nullptr) return sources_.peek(path);
  auto name = only->peek(path);
  return name ? std::optional(Shown{*std::move(name), only, true}) : std::nullopt;
}

ShownModule Names::remote_module(std::string_view module) {
  auto* only = owner(module);
  if (only == nullptr) return sources_.peek_module(module);
  auto listing = only->peek_module(module);
  const bool is_finished = listing && listing->verdict.state == ModuleState::kFinished;
  return is_finished ? ShownModule{std::move(listing), only} : ShownModule{};
}

std::optional<std::vector<Names::Child>> Names::children(const std::string& path, Remotes remotes) {
  std::vector<Child> children;
  std::unordered_set<std::string> local_names;
  const bool is_root = path.empty();
  if (const auto st = layer_.stat(path); st && S_ISDIR(st->st_mode)) {
    for (auto& entry : layer_.list(path)) {
      if (is_root && is_reserved_root_name(entry.name)) continue;
      if (remotes != Remotes::kNone) local_names.insert(entry.name);
      children.push_back({std::move(entry.name), entry.ino, entry.type});
    }
  }
  const auto at = locate(path);
  const bool in_module = at.place == Place::kModule || at.place == Place::kInsideModule;
  if (remotes == Remotes::kNone || (in_module && is_wholly_local(at.module))) return children;
  ShownChildren remote;
  if (auto* only = owner_of(path)) {
    auto names = only->peek_children(path, true);
    remote.is_certain = names.has_value();
    if (names) remote.names = *std::move(names);
  } else {
    remote = sources_.peek_children(path, true);
  }
  if (remotes == Remotes::kAll && !remote.is_certain) return std::nullopt;
  for (const auto& [name, shown] : remote.names) {
    if (is_root && !options_.lists_whole_root && locate(name).place != Place::kVersion) continue;
    if (local_names.contains(name) || is_deleted(join_path(path, name))) continue;
    const bool is_directory = shown.kind == RemoteName::Kind::kDirectory;
    children.push_back({name, remote_ino(join_path(path, name), shown.content),
                        static_cast<unsigned char>(is_directory ? DT_DIR : DT_REG)});
  }
  return children;
}

// --- copies follow their source -------------------------------------------------------------------

// A damaged index must not keep anybody from his local files.
bool Names::settle_if_possible(std::string_view module) {
  try {
    return settle(module);
  } catch (const index::IndexError& error) {
    spdlog::error("{}: {}", module, error.what());
    return false;
  }
}

bool Names::settle(std::string_view module) {
  const std::string key(module);
  std::uint64_t touched = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto& now = modules_[key];
    if (now.settled) return true;
    touched = now.touched;
  }
  auto copies = copies_of(key);
  RemoteView* from = first_of(copies);
  const bool had_copies = from != nullptr;
  if (had_copies) {
    if (!from->peek(key)) return false;
    const ShownModule kept{from->peek_module(module), from};
    std::erase_if(copies, [&](const auto& file) { return is_in(kept, file, key); });
    remove_copies(std::move(copies), Spare::kChanged);
    if (!is_finished(kept)) from = nullptr;  // it is anyone's now
  }
  const std::lock_guard lock(mutex_);
  auto& now = modules_[key];
  now.settled = now.touched == touched;
  if (now.settled && (had_copies || !now.owner)) now.owner = from;
  return true;
}

// Of the mounted sources alone: what came from another is nobody's business but its own.
std::vector<index::LayerFile> Names::copies_of(const std::string& module) {
  auto copies = index_.layer_files_below(module);
  std::erase_if(copies, [this](const auto& file) { return source_of(file) == nullptr; });
  return copies;
}

RemoteView* Names::first_of(const std::vector<index::LayerFile>& copies) const {
  for (auto* view : sources_.views())
    if (std::any_of(copies.begin(), copies.end(),
                    [&](const auto& file) { return source_of(file) == view; }))
      return view;
  return nullptr;
}

RemoteView* Names::owner(std::string_view module) try {
  const std::string key(module);
  std::uint64_t touched = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto& now = modules_[key];
    if (now.owner) return *now.owner;
    touched = now.touched;
  }
  auto* const from = first_of(copies_of(key));
  const std::lock_guard lock(mutex_);
  auto& now = modules_[key];
  if (now.touched == touched && !now.owner) now.owner = from;
  return from;
} catch (const index::IndexError& error) {
  spdlog::error("{}: {}", module, error.what());
  return nullptr;
}

RemoteView* Names::owner_of(const std::string& path) {
  const auto at = locate(path);
  return at.module.empty() || is_lock(path) ? nullptr : owner(at.module);
}

RemoteView* Names::take_from(std::string_view module, RemoteView& from) {
  if (auto* known = owner(module)) return known;
  const std::lock_guard lock(mutex_);
  auto& now = modules_[std::string(module)];
  if (!now.owner || *now.owner == nullptr) now.owner = &from;
  return *now.owner;
}

void Names::forget_judgements() {
  const std::lock_guard lock(mutex_);
  for (auto& [module, now] : modules_) {
    now.settled = false;
    now.owner.reset();
    ++now.touched;
  }
}

RemoteView* Names::source_of(const index::LayerFile& file) const {
  return file.origin == index::Origin::kCopy ? sources_.find(file.source) : nullptr;
}

// Outside modules a copy is compared by itself.
bool Names::is_stale(const std::string& path, Found& found) {
  const auto record = index_.layer_file(path);
  auto* const from = record ? source_of(*record) : nullptr;
  if (from == nullptr) return false;
  const auto remote = from->peek(path);
  if (!remote) {
    found.is_lasting = false;
    found.only = from;
    return false;
  }
  if (remote->kind == RemoteName::Kind::kFile && remote->content.text() == record->content)
    return false;
  remove_copies({*record}, Spare::kChanged);
  return true;
}

// The mark goes first, so that a crash in between leaves no module that looks finished.
void Names::remove_copies(std::vector<index::LayerFile> copies, Spare spare, const char* why) {
  std::stable_partition(copies.begin(), copies.end(),
                        [](const auto& file) { return base_name(file.path) == kDoneMark; });
  for (const auto& file : copies) remove_copy(file, spare, why);
}

bool Names::is_as_promised(const index::LayerFile& file) const {
  const auto st = layer_.stat(file.path);
  return st && S_ISREG(st->st_mode) && promise_of(*st) == CopyPromise{file.size, file.mtime_ns};
}

// What is no copy any more, because somebody wrote there while nothing was mounted, is spared.
// True if the file is gone.
bool Names::remove_copy(const index::LayerFile& file, Spare spare, const char* why) {
  const std::lock_guard claims(claims_);
  const auto record = index_.layer_file(file.path);
  if (!record || record->origin != index::Origin::kCopy) return false;  // a writer has claimed it
  const auto st = layer_.stat(file.path);
  const bool goes =
      is_as_promised(*record) || (spare == Spare::kNothing && st && S_ISREG(st->st_mode));
  if (goes) {
    spdlog::info("{}: the copy is removed, {}", file.path, why);
    const auto parent = layer_.parent_of(file.path);
    if (::unlinkat(parent.fd.get(), parent.name.c_str(), 0) != 0 && errno != ENOENT)
      throw_errno("unlink");
  }
  index_.forget_file(file.path);
  remove_empty_folders(file.path);
  return goes;
}

// Nobody is kept from writing because the index cannot be written, its disk being full, say: the file
// counts as one that was found here then. A copy's record must not stay, though.
void Names::mark_ours(const std::string& path) {
  std::optional<index::LayerFile> record;
  try {
    record = index_.layer_file(path);
    const bool is_ours = record && record->origin == index::Origin::kOurs && !record->is_queued;
    if (!is_ours) index_.mark_ours(path);
  } catch (const index::IndexError& error) {
    if (record) throw;
    spdlog::warn("{}: it is not remembered that it is ours: {}", path, error.what());
  }
}

bool Names::claim(const std::string& path, int fd) {
  if (is_lock(path)) return true;
  touch_output(path, std::nullopt);
  const std::lock_guard claims(claims_);
  mark_ours(path);
  struct stat open {};
  if (::fstat(fd, &open) != 0) throw_errno("fstat");
  const auto named = layer_.stat(path);
  const bool is_named = named && layer_id(*named) == layer_id(open);
  // Who has judged the module in between did not see this.
  touch_output(path, is_named ? std::optional(true) : std::nullopt);
  return is_named;
}

// A module's folder that nothing is left in would look like a module that was there.
void Names::remove_empty_folders(const std::string& path) {
  for (auto up = parent_path(path); !locate(up).module.empty(); up = parent_path(up)) {
    const std::string folder(up);
    if (!layer_.stat(folder)) continue;
    const auto parent = layer_.parent_of(folder);
    if (::unlinkat(parent.fd.get(), parent.name.c_str(), AT_REMOVEDIR) != 0) return;
  }
}

Names::CopyCheck Names::check_copy(const std::string& path, const struct stat& st) {
  auto record = index_.layer_file(path);
  const auto is_placed_copy = [&record] {
    return record && record->origin == index::Origin::kCopy &&
           record->placement == index::Placement::kPlaced;
  };
  // Also one that has its name and is about to be recorded so: who keeps it open keeps the promise.
  if (record && record->origin == index::Origin::kCopy &&
      promise_of(st) == CopyPromise{record->size, record->mtime_ns})
    return {Copy::kIntact, promise_of(st)};
  if (!is_placed_copy()) return {};
  {
    const std::lock_guard claims(claims_);  // its times may be changing this moment
    record = index_.layer_file(path);
    const auto now = layer_.stat(path);
    if (!is_placed_copy() || !now) return {};
    if (promise_of(*now) == CopyPromise{record->size, record->mtime_ns})
      return {Copy::kIntact, promise_of(*now)};
    if (!can_be_had_again(*record)) {
      spdlog::warn("{}: the copy was changed behind the mount, and stays as it is", path);
      index_.forget_file(path);
      return {};
    }
  }
  spdlog::warn("{}: the copy was changed behind the mount, it is fetched again", path);
  std::vector<index::LayerFile> gone{*record};
  if (const auto at = locate(path); at.place == Place::kInsideModule) {
    const auto mark = index_.layer_file(join_path(at.module, kDoneMark));
    if (!mark)  // its directory alone says that it is whole
      gone = index_.layer_files_below(std::string(at.module));
    else if (mark->path != path)
      gone.push_back(*mark);
  }
  remove_copies(std::move(gone), Spare::kNothing);
  return {Copy::kDamaged, std::nullopt};
}

// Below a deletion it would stay hidden: a module that was made again and pushed lies over one.
bool Names::can_be_had_again(const index::LayerFile& file) {
  auto* const from = source_of(file);
  if (from == nullptr || !from->is_worth_waiting() || is_deleted(file.path)) return false;
  const auto remote = from->peek(file.path);
  return remote && remote->kind == RemoteName::Kind::kFile &&
         remote->content.text() == file.content;
}

void Names::change_copy(const std::string& path, const std::function<void()>& change) {
  const std::lock_guard claims(claims_);
  change();
  if (const auto st = layer_.stat(path))
    index_.place_copy(path, static_cast<std::uint64_t>(st->st_size), mtime_ns(*st));
}

// --- local modules --------------------------------------------------------------------------------

void Names::touch(const std::string& path) {
  if (is_lock(path)) return;
  const auto at = locate(path);
  const std::lock_guard lock(mutex_);
  const auto changed = [](ModuleNow& now) {
    now.wholly_local.reset();
    if (now.owner && *now.owner == nullptr) now.owner.reset();
    ++now.touched;
  };
  if (!at.module.empty()) changed(modules_[std::string(at.module)]);
  if (at.place != Place::kVersion) return;
  for (auto& [module, now] : modules_)
    if (parent_path(module) == path) changed(now);
}

void Names::became_copy(const std::string& module) {
  touch(module);
  reconsider(module);
}

void Names::reconsider(const std::string& path) {
  const std::string module(locate(path).module);
  const std::lock_guard lock(mutex_);
  if (const auto now = modules_.find(module); now != modules_.end()) now->second.owner.reset();
}

// Of a file; an input decides nothing.
void Names::touch_output(const std::string& path, std::optional<bool> wholly_local) {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule || is_input(at.inside)) return;
  const std::lock_guard lock(mutex_);
  auto& now = modules_[std::string(at.module)];
  now.wholly_local = wholly_local;
  ++now.touched;
}

bool Names::is_wholly_local(std::string_view module) {
  const std::string key(module);
  std::uint64_t touched = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto& now = modules_[key];
    if (now.wholly_local) return *now.wholly_local;
    touched = now.touched;
  }
  const bool answer = has_local_outputs(key);
  const std::lock_guard lock(mutex_);
  auto& now = modules_[key];
  if (now.touched == touched) now.wholly_local = answer;
  return answer;
}

bool Names::hides_others(const std::string& path) {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule || is_input(at.inside) || is_wholly_local(at.module))
    return false;
  return remote_module(at.module).listing != nullptr;
}

bool Names::has_local_outputs(const std::string& module) {
  const auto st = layer_.stat(module);
  return st && S_ISDIR(st->st_mode) && has_local_outputs_below(module, {});
}

bool Names::has_local_outputs_below(const std::string& module, const std::string& inside) {
  for (const auto& entry : layer_.list_if_there(join_path(module, inside))) {
    const auto name = join_path(inside, entry.name);
    if (entry.type == DT_DIR || is_unknown_directory(layer_, module, name, entry.type)) {
      if (has_local_outputs_below(module, name)) return true;
      continue;
    }
    if (is_input(name)) continue;
    const auto record = index_.layer_file(join_path(module, name));
    if (!record || source_of(*record) == nullptr) return true;
  }
  return false;
}

}  // namespace neffs::fs
