#include "fs/placer.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "hub/file_body.h"

namespace neffs::fs {

Placer::Placer(const Layer& layer, UniqueFd partial, index::Index& index, FetchOptions options,
               NamingRules rules)
    : layer_(layer),
      partial_(std::move(partial)),
      index_(index),
      options_(options),
      rules_(std::move(rules)) {}

Placer::~Placer() {
  for (const auto& [path, staged] : staged_) discard(staged.partial_name);
}

// --- files without a name -------------------------------------------------------------------------

std::string Placer::new_partial_name() {
  return std::to_string(++last_partial_);
}

PartialFile Placer::create() {
  PartialFile file{UniqueFd(), new_partial_name()};
  file.fd.reset(
      ::openat(partial_.get(), file.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.fd) throw_errno("create partial file");
  return file;
}

void Placer::discard(const std::string& partial_name) {
  ::unlinkat(partial_.get(), partial_name.c_str(), 0);
}

void Placer::stage(StagedFile fresh) {
  StagedFile old;
  {
    const std::lock_guard lock(mutex_);
    auto& staged = staged_[fresh.order.path];
    old = std::exchange(staged, std::move(fresh));
  }
  if (old.file) discard(old.partial_name);
}

void Placer::unstage(const StagedFile& staged) {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(staged.order.path);
  if (it != staged_.end() && it->second.file == staged.file) staged_.erase(it);
}

std::shared_ptr<const FetchedFile> Placer::staged(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(path);
  return it == staged_.end() ? nullptr : it->second.file;
}

std::shared_ptr<const FetchedFile> Placer::staged_as(const FetchOrder& order) const {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(order.path);
  const bool is_same = it != staged_.end() && it->second.order.content == order.content;
  return is_same ? it->second.file : nullptr;
}

bool Placer::is_staged(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(staged_.begin(), staged_.end(),
                     [&](const auto& one) { return one.second.order.is_of(path); });
}

// --- giving files their names ---------------------------------------------------------------------

// What was deleted here is not waited for.
bool Placer::is_missing(const FetchOrder& order, std::string_view inside) const {
  const auto path = join_path(order.module, inside);
  return !layer_.stat(path) && rules_.is_wanted(path);
}

bool Placer::is_made_here(const FetchOrder& order) const {
  const auto& files = order.listing->plan.hit_files;
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    const auto path = join_path(order.module, file);
    if (!layer_.stat(path)) return false;
    const auto record = index_.layer_file(path);
    return !record || record->origin != index::Origin::kCopy;
  });
}

// Copies of another source or commit have come in between.
bool Placer::is_of_another(const FetchOrder& order) const {
  const auto records = index_.layer_files_below(order.module);
  return std::any_of(records.begin(), records.end(), [&](const auto& record) {
    if (record.origin != index::Origin::kCopy || record.placement != index::Placement::kPlaced)
      return false;
    const auto inside = std::string_view(record.path).substr(order.module.size() + 1);
    const auto name = order.listing->names.find(inside);
    const bool is_same =
        name != order.listing->names.end() && name->second.content.text() == record.content;
    return !is_same && layer_.stat(record.path).has_value();
  });
}

// What waits for its name and is not what this order's source has there.
void Placer::drop_strangers(const FetchOrder& order) {
  for (const auto& [inside, name] : order.listing->names) {
    const auto path = join_path(order.module, inside);
    const auto staged = find_staged(path);
    if (staged && staged->order.content != name.content) drop_staged(path);
  }
}

// Someone compiles it here, or it came from elsewhere: what was fetched of it must not be mixed.
bool Placer::gives_way(const FetchOrder& order) {
  if (!is_made_here(order) && !is_of_another(order)) return false;
  drop_staged(order.path);
  for (const auto& file : order.listing->plan.hit_files) drop_staged(join_path(order.module, file));
  return true;
}

void Placer::give_name(const std::string& path) {
  const std::lock_guard placing(placing_);
  place(path);
}

void Placer::place_what_is_ready(const FetchOrder& order) {
  const std::lock_guard placing(placing_);
  if (order.module.empty() || !order.listing) {
    place(order.path);
    return;
  }
  const auto& plan = order.listing->plan;
  drop_strangers(order);
  if (gives_way(order)) return;
  if (plan.whole) {
    for (const auto& file : plan.hit_files)
      if (is_missing(order, file) && !staged(join_path(order.module, file))) return;
    place_module(order);
    return;
  }
  const auto mark = join_path(order.module, kDoneMark);
  if (order.path != mark) place(order.path);
  for (const auto& file : plan.hit_files) {  // also those that could not be placed before
    if (file == kDoneMark) continue;
    place(join_path(order.module, file));
    if (is_missing(order, file)) return;
  }
  place(mark);
}

// The intent to fetch is in the index before the file has its name, so that a crash in between
// cannot turn a copy into a file of unknown origin. False: the name has been taken by a local file.
bool Placer::promise(const StagedFile& staged) {
  struct stat st {};
  if (::fstat(staged.file->fd.get(), &st) != 0) throw_errno("stat");
  if (::fdatasync(staged.file->fd.get()) != 0) throw_errno("sync");
  index::LayerFile copy;
  copy.path = staged.order.path;
  copy.placement = index::Placement::kIntended;
  copy.source = staged.order.source;
  copy.commit = staged.order.commit;
  copy.content = staged.order.content.text();
  copy.size = staged.order.size;
  copy.mtime_ns = mtime_ns(st);
  if (!index_.intend_copy(copy)) {
    if (layer_.stat(copy.path)) return false;
    index_.forget_file(copy.path);  // the record of a deleted file, left by a crash or a full disk
    if (!index_.intend_copy(copy)) return false;
  }
  rules_.before_name(copy.path, staged.file->id, staged.order.content);
  return true;
}

// The file has its name, so it is staged no more, whatever becomes of its record: an intended one is
// as good as a copy until recover() looks at it.
void Placer::keep_promise(const StagedFile& staged) {
  unstage(staged);
  try {
    struct stat st {};
    if (::fstat(staged.file->fd.get(), &st) != 0) throw_errno("stat");
    index_.place_copy(staged.order.path, staged.order.size, mtime_ns(st));
  } catch (const std::exception& error) {
    spdlog::warn("{} is there but not recorded so: {}", staged.order.path, error.what());
  }
}

std::optional<StagedFile> Placer::find_staged(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(path);
  return it == staged_.end() ? std::nullopt : std::optional(it->second);
}

void Placer::drop_staged(const std::string& path) {
  const auto staged = find_staged(path);
  if (!staged) return;
  discard(staged->partial_name);
  unstage(*staged);
}

// The last steps to a name; false if it was taken or deleted.
bool Placer::give_name_to(const StagedFile& staged) {
  const auto& path = staged.order.path;
  int error = EEXIST;
  if (rules_.is_wanted(path)) {
    layer_.make_directories(std::string(parent_path(path)), options_.directory_mode, options_.uid,
                            options_.gid);
    const auto parent = layer_.parent_of(path);
    if (::renameat2(partial_.get(), staged.partial_name.c_str(), parent.fd.get(),
                    parent.name.c_str(), RENAME_NOREPLACE) == 0) {
      keep_promise(staged);
      return true;
    }
    error = errno;
  }
  index_.drop_intent(path);
  if (error != EEXIST) throw_errno(error, "rename");
  return false;
}

void Placer::place(const std::string& path) {
  const auto found = find_staged(path);
  if (!found) return;
  const auto& staged = *found;
  bool promised = rules_.is_wanted(path) && promise(staged);
  if (!promised && rules_.is_wanted(path) &&
      !layer_.stat(path)) {  // ours, and deleted while nothing was mounted
    index_.forget_file(path);
    promised = promise(staged);
  }
  if (promised) {
    index_.sync();  // a power cut must not leave the name without the record of where it came from
    const auto hold = rules_.hold();
    if (give_name_to(staged)) return;
  }
  // A local file has the name: it wins, the readers of the fetched one keep it until they close it.
  discard(staged.partial_name);
  unstage(staged);
}

// --- after a crash --------------------------------------------------------------------------------

void Placer::recover() {
  try {
    for (const auto& intent : index_.intended_copies()) settle(intent);
  } catch (const std::exception& error) {
    spdlog::warn("what an earlier run left unfinished cannot be told: {}", error.what());
  }
}

void Placer::settle(const index::LayerFile& intent) {
  try {
    const auto content = hub::ContentId::parse(intent.content);
    const auto st = layer_.stat(intent.path);
    const bool same =
        st && content && S_ISREG(st->st_mode) &&
        static_cast<std::uint64_t>(st->st_size) == intent.size &&
        mtime_ns(*st) == intent.mtime_ns &&
        hub::holds_content(layer_.open_to_look(intent.path).get(), intent.size, *content, {});
    const std::lock_guard placing(placing_);
    if (index_.layer_file(intent.path) != intent) return;  // settled by a fetch of this life
    if (same)
      index_.place_copy(intent.path, intent.size, intent.mtime_ns);
    else
      index_.drop_intent(intent.path);
  } catch (const std::exception& error) {
    spdlog::warn("{}: not recovered: {}", intent.path, error.what());
  }
}

}  // namespace neffs::fs
