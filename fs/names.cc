#include "fs/names.h"

#include <dirent.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

#include <spdlog/spdlog.h>

namespace neffs::fs {
namespace {

// Inode numbers of remote-only names: stable, and out of the way of those that disks use.
ino_t remote_ino(const std::string& path, const hub::ContentId& content) {
  return std::hash<std::string>()(path + '\n' + content.hex) | (ino_t{1} << 63);
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
  // What has no name yet is nobody's to remove, and is judged when it has one.
  const bool is_in_flux =
      std::erase_if(copies, [this](const auto& file) {
        return file.placement == index::Placement::kIntended && !is_as_promised(file);
      }) > 0;
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
  now.settled = now.touched == touched && !is_in_flux;
  if (now.settled && (had_copies || !now.owner)) now.owner = from;
  return !is_in_flux;
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

}  // namespace neffs::fs
