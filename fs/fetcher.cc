#include "fs/fetcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <spdlog/spdlog.h>

#include "hub/hub_error.h"

namespace neffs::fs {
namespace {

hub::ContentId hash_file(int fd, hub::HashKind kind, std::uint64_t size) {
  hub::ContentHasher hasher(kind, size);
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (off_t at = 0;;) {
    const auto got = ::pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0) throw_errno("read");
    if (got == 0) return hasher.finish();
    hasher.update(std::span(buffer.data(), static_cast<std::size_t>(got)));
    at += got;
  }
}

std::exception_ptr cancelled() {
  return std::make_exception_ptr(
      hub::HubError(hub::HubErrorKind::kCancelled, "neffs is shutting down"));
}

}  // namespace

Fetcher::Fetcher(const Layer& layer, UniqueFd partial, index::Index& index, WorkerPool& pool,
                 FetchOptions options, NamingRules rules)
    : layer_(layer),
      partial_(std::move(partial)),
      index_(index),
      pool_(pool),
      options_(options),
      rules_(std::move(rules)) {}

Fetcher::~Fetcher() {
  stop();
  for (const auto& [path, staged] : staged_) drop(staged);
}

bool Fetcher::is_fetching(const std::string& path) const {
  const auto is_meant = [&](const FetchOrder& order) {
    return order.path == path || order.module == path;
  };
  const std::lock_guard lock(mutex_);
  return std::any_of(flights_.begin(), flights_.end(),
                     [&](const auto& one) { return is_meant(one.second.order); }) ||
         std::any_of(staged_.begin(), staged_.end(),
                     [&](const auto& one) { return is_meant(one.second.order); });
}

void Fetcher::stop() {
  stop_.request_stop();
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [path, flight] : flights_) {
      std::move(flight.waiting.begin(), flight.waiting.end(), std::back_inserter(waiting));
      flight.waiting.clear();
    }
  }
  for (auto& done : waiting) done(nullptr, cancelled());
}

std::shared_ptr<const FetchedFile> Fetcher::staged(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(path);
  return it == staged_.end() ? nullptr : it->second.file;
}

void Fetcher::fetch(FetchOrder order, Urgency urgency, Done done) {
  if (const auto ready = staged_as(order)) {
    done(ready, nullptr);
    return;
  }
  const std::string key = order.path + '\n' + order.content.hex;
  {
    const std::lock_guard lock(mutex_);
    auto& flight = flights_[key];
    if (flight.waiting.empty()) flight.order = std::move(order);
    flight.waiting.push_back(std::move(done));
    if (flight.started) return;
  }
  // A file that was wanted soon and is waited for now is queued a second time; the first job wins.
  if (!pool_.submit(urgency, [this, key] { run(key); })) finish(key, nullptr, cancelled());
}

std::shared_ptr<const FetchedFile> Fetcher::staged_as(const FetchOrder& order) const {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(order.path);
  const bool is_same = it != staged_.end() && it->second.order.content == order.content;
  return is_same ? it->second.file : nullptr;
}

void Fetcher::run(const std::string& key) {
  FetchOrder order;
  {
    const std::lock_guard lock(mutex_);
    const auto it = flights_.find(key);
    if (it == flights_.end() || it->second.started) return;
    it->second.started = true;
    order = it->second.order;
  }
  ++counters_.in_flight;
  std::shared_ptr<const FetchedFile> file;
  std::exception_ptr error;
  bool is_new = false;
  try {
    file = staged_as(order);  // or it came between the look and the flight
    if (!file) file = already_there(order);
    if (!file) {
      auto fresh = download(order);
      file = fresh.file;
      is_new = true;
      stage(std::move(fresh));
    }
  } catch (...) {
    error = std::current_exception();
    ++counters_.errors;
  }
  --counters_.in_flight;
  finish(key, file, error);
  if (!is_new) return;
  try {
    if (::fdatasync(file->fd.get()) != 0) throw_errno("sync");  // others place theirs meanwhile
    place_what_is_ready(order);
  } catch (const std::exception& failure) {
    // The bytes are served as they are; the next file of the module tries again.
    spdlog::warn("{} was fetched but could not be kept: {}", order.path, failure.what());
  }
}

void Fetcher::finish(const std::string& key, const std::shared_ptr<const FetchedFile>& file,
                     const std::exception_ptr& error) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto it = flights_.find(key);
    if (it == flights_.end()) return;
    waiting = std::move(it->second.waiting);
    flights_.erase(it);
  }
  for (auto& done : waiting) done(file, error);
}

// A reader may have looked for the file right before it got its name.
std::shared_ptr<const FetchedFile> Fetcher::already_there(const FetchOrder& order) const {
  const auto record = index_.layer_file(order.path);
  if (!record || record->placement != index::Placement::kPlaced ||
      record->content != order.content.text())
    return nullptr;
  const auto st = layer_.stat(order.path);
  if (!st || static_cast<std::uint64_t>(st->st_size) != record->size ||
      mtime_ns(*st) != record->mtime_ns)
    return nullptr;
  auto file = std::make_shared<FetchedFile>();
  file->fd = layer_.open(order.path, O_RDWR);
  file->id = layer_id(*st);
  return file;
}

std::string Fetcher::new_partial_name() {
  return std::to_string(++last_partial_);
}

Fetcher::Staged Fetcher::download(const FetchOrder& order) {
  Staged staged{order, nullptr, new_partial_name()};
  const char* name = staged.partial_name.c_str();
  UniqueFd fd(::openat(partial_.get(), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) throw_errno("create partial file");
  try {
    hub::DownloadRequest request;
    request.commit = order.commit;
    request.path = order.path;
    request.size = order.size;
    request.content = order.content;
    request.idle_timeout = options_.idle_timeout;
    request.stop = stop_.get_token();
    order.repo->download(request, fd.get());
    if (::fchown(fd.get(), options_.uid, options_.gid) != 0) throw_errno("chown");
    if (::fchmod(fd.get(), options_.file_mode) != 0) throw_errno("chmod");
    const std::array<timespec, 2> times{{{0, UTIME_NOW}, {order.mtime_s, 0}}};
    if (::futimens(fd.get(), times.data()) != 0) throw_errno("utimens");
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) throw_errno("stat");
    staged.file = std::make_shared<const FetchedFile>(FetchedFile{std::move(fd), layer_id(st)});
  } catch (...) {
    drop(staged);
    throw;
  }
  ++counters_.fetched;
  counters_.bytes += order.size;
  return staged;
}

void Fetcher::stage(Staged fresh) {
  Staged old;
  {
    const std::lock_guard lock(mutex_);
    auto& staged = staged_[fresh.order.path];
    old = std::exchange(staged, std::move(fresh));
  }
  if (old.file) drop(old);
}

void Fetcher::unstage(const Staged& staged) {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(staged.order.path);
  if (it != staged_.end() && it->second.file == staged.file) staged_.erase(it);
}

void Fetcher::drop(const Staged& staged) {
  ::unlinkat(partial_.get(), staged.partial_name.c_str(), 0);
}

// --- giving files their names ---------------------------------------------------------------------

// What was deleted here is not waited for.
bool Fetcher::is_missing(const FetchOrder& order, std::string_view inside) const {
  const auto path = join_path(order.module, inside);
  return !layer_.stat(path) && rules_.is_wanted(path);
}

bool Fetcher::is_made_here(const FetchOrder& order) const {
  const auto& files = order.listing->plan.hit_files;
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    const auto path = join_path(order.module, file);
    if (!layer_.stat(path)) return false;
    const auto record = index_.layer_file(path);
    return !record || record->origin != index::Origin::kCopy;
  });
}

// Copies of another source or commit have come in between.
bool Fetcher::is_of_another(const FetchOrder& order) const {
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
void Fetcher::drop_strangers(const FetchOrder& order) {
  for (const auto& [inside, name] : order.listing->names) {
    const auto path = join_path(order.module, inside);
    const auto staged = find_staged(path);
    if (staged && staged->order.content != name.content) drop_staged(path);
  }
}

// Someone compiles it here, or it came from elsewhere: what was fetched of it must not be mixed.
bool Fetcher::gives_way(const FetchOrder& order) {
  if (!is_made_here(order) && !is_of_another(order)) return false;
  drop_staged(order.path);
  for (const auto& file : order.listing->plan.hit_files) drop_staged(join_path(order.module, file));
  return true;
}

void Fetcher::give_name(const std::string& path) {
  const std::lock_guard placing(placing_);
  place(path);
}

void Fetcher::place_what_is_ready(const FetchOrder& order) {
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
bool Fetcher::promise(const Staged& staged) {
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
void Fetcher::keep_promise(const Staged& staged) {
  unstage(staged);
  try {
    struct stat st {};
    if (::fstat(staged.file->fd.get(), &st) != 0) throw_errno("stat");
    index_.place_copy(staged.order.path, staged.order.size, mtime_ns(st));
  } catch (const std::exception& error) {
    spdlog::warn("{} is there but not recorded so: {}", staged.order.path, error.what());
  }
}

std::optional<Fetcher::Staged> Fetcher::find_staged(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = staged_.find(path);
  return it == staged_.end() ? std::nullopt : std::optional(it->second);
}

void Fetcher::drop_staged(const std::string& path) {
  const auto staged = find_staged(path);
  if (!staged) return;
  drop(*staged);
  unstage(*staged);
}

// The last steps to a name; false if it was taken or deleted.
bool Fetcher::give_name_to(const Staged& staged) {
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

void Fetcher::place(const std::string& path) {
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
  drop(staged);
  unstage(staged);
}

// A module without a completion mark is taken for whole as soon as its directory is there, so it
// gets its name in one rename; only where a local twin exists already, file by file.
void Fetcher::place_module(const FetchOrder& order) {
  std::vector<Staged> files;
  for (const auto& file : order.listing->plan.hit_files)
    if (auto staged = find_staged(join_path(order.module, file));
        staged && rules_.is_wanted(staged->order.path))
      files.push_back(std::move(*staged));
  if (!layer_.stat(order.module) && place_at_once(order.module, files)) return;
  if (gives_way(order)) return;  // whoever made the directory may have gone on
  std::stable_sort(files.begin(), files.end(), [](const Staged& a, const Staged& b) {
    return place_rank(a.order.path) < place_rank(b.order.path);
  });
  for (const auto& file : files) place(file.order.path);
}

// False if the module is there by now, or nothing of it is wanted any more. Then, and when it throws,
// the files are what they were: staged, each under its partial name.
bool Fetcher::place_at_once(const std::string& module, const std::vector<Staged>& files) {
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
bool Fetcher::gather(const Layer& whole, const std::string& module,
                     const std::vector<Staged>& files) {
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
bool Fetcher::give_name_to(const std::string& folder, const Layer& whole, const std::string& module,
                           const std::vector<Staged>& files) {
  const auto hold = rules_.hold();
  std::vector<Staged> wanted;
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
void Fetcher::scatter(const std::string& folder, const std::string& module,
                      const std::vector<Staged>& files) {
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

// --- after a crash --------------------------------------------------------------------------------

void Fetcher::recover() {
  try {
    for (const auto& intent : index_.intended_copies()) settle(intent);
  } catch (const std::exception& error) {
    spdlog::warn("what an earlier run left unfinished cannot be told: {}", error.what());
  }
}

void Fetcher::settle(const index::LayerFile& intent) {
  try {
    const auto content = hub::ContentId::parse(intent.content);
    const auto st = layer_.stat(intent.path);
    const bool same =
        st && content && S_ISREG(st->st_mode) &&
        static_cast<std::uint64_t>(st->st_size) == intent.size &&
        mtime_ns(*st) == intent.mtime_ns &&
        hash_file(layer_.open(intent.path, O_RDONLY).get(), content->kind, intent.size) == *content;
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
