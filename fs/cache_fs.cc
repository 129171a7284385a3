#include "fs/cache_fs.h"

#include <cerrno>
#include <utility>

namespace neffs::fs {
namespace {

constexpr double kLasting = kAttrTimeoutS;

bool decides_a_compile(std::string_view path) {
  const auto at = locate(path);
  return at.place == Place::kModule || at.inside == kDoneMark;
}

NamesOptions names_options(const FsOptions& options) {
  auto names = options.names;
  names.lists_whole_root = options.list == ListPolicy::kAll;
  return names;
}

}  // namespace

CacheFs::CacheFs(const Layer& layer, index::Index& index, RemoteView& view, Whiteouts& whiteouts,
                 Fetcher& fetcher, NodeTable& nodes, Helpers helpers, FsOptions options)
    : layer_(layer),
      index_(index),
      view_(view),
      whiteouts_(whiteouts),
      fetcher_(fetcher),
      nodes_(nodes),
      options_(options),
      kernel_(helpers.kernel),
      listener_(helpers.listener),
      names_(layer, index, view, whiteouts, names_options(options)),
      files_(helpers.backing) {}

CacheFs::~CacheFs() {
  waits_.give_up_all();
}

// --- look-up --------------------------------------------------------------------------------------

Entry CacheFs::absent(const std::string& path, bool is_certain) {
  Entry entry;
  const bool is_miss = decides_a_compile(path);
  if (is_miss && is_certain) ++counters_.misses;
  // Kernels before 6.16 cannot be told that a name has come which they do not have.
  const bool may_come = is_miss || !view_.is_pinned();
  if (is_certain)
    entry.entry_timeout_s =
        may_come ? std::chrono::duration<double>(options_.miss_check).count() : kLasting;
  return entry;
}

Entry CacheFs::entry_of(NodeId parent, const std::string& name, const std::string& path,
                        const Found& found) {
  if (found.kind == Found::Kind::kAbsent || found.kind == Found::Kind::kUnknown)
    return absent(path, found.kind == Found::Kind::kAbsent && found.is_lasting);
  Entry entry;
  entry.st = found.st;
  entry.node = nodes_.lookup(parent, name, found.identity());
  entry.st.st_ino = nodes_.ino(entry.node);
  entry.entry_timeout_s = found.is_lasting ? kLasting : 0;
  entry.attr_timeout_s = files_.is_mappable(entry.node) ? 0 : entry.entry_timeout_s;
  return entry;
}

void CacheFs::lookup(NodeId parent, const std::string& name, const Caller& caller,
                     const ReplyPtr<Entry>& reply) {
  try {
    if (name.size() > NAME_MAX) throw_errno(ENAMETOOLONG, "lookup");
    answer_lookup(parent, name, reply, true, caller);
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

// may_wait: false the second time, when the Hub has answered or failed
void CacheFs::answer_lookup(NodeId parent, const std::string& name, const ReplyPtr<Entry>& reply,
                            bool may_wait, const Caller& caller) {
  const auto path = nodes_.child_path(parent, name);
  auto found = names_.find(path);
  // A wrong miss costs a compilation: it is told from a head that was asked for a moment ago.
  const bool needs_head = decides_a_compile(path) && !view_.is_fresh(options_.miss_check);
  if (found.is_by_source && needs_head) found.is_lasting = false;
  // A copy that may be of an older commit than its neighbours is as good as unknown.
  const bool is_settled = found.kind != Found::Kind::kUnknown && found.is_lasting;
  if (is_settled || !may_wait || !view_.is_worth_waiting()) {
    if (!is_settled && may_wait) ask_source(path, needs_head, [](const std::exception_ptr&) {});
    if (found.kind == Found::Kind::kUnknown) ++counters_.errors;
    reply->ok(entry_of(parent, name, path, found));
    return;
  }
  const auto answer_now = [this, parent, name, reply, caller] {
    try {
      answer_lookup(parent, name, reply, false, caller);
    } catch (...) {
      reply->failed(std::current_exception());
    }
  };
  const auto give_up = [this, reply, answer_now](GiveUp reason) {
    if (reason != GiveUp::kDeadline) {
      reply->failed(std::make_exception_ptr(std::system_error(EINTR, std::generic_category())));
      return;
    }
    view_.note_slow();
    answer_now();
  };
  park(reply, Clock::now() + options_.hub_timeout, caller, give_up, [&](WaitId id) {
    ask_source(path, needs_head, [this, answer_now, id](const std::exception_ptr&) {
      if (waits_.settle(id)) answer_now();
    });
  });
}

void CacheFs::ask_source(const std::string& path, bool needs_head, RemoteView::Done done) {
  if (!needs_head) {
    view_.ask(path, std::move(done));
    return;
  }
  view_.ask_head([this, path, done = std::move(done)](const std::exception_ptr& error) {
    if (error)
      done(error);
    else
      view_.ask(path, done);
  });
}

Attributes CacheFs::attributes(NodeId node, struct stat st) const {
  if (const auto ino = nodes_.ino(node); ino != 0) st.st_ino = ino;
  return {st, files_.is_mappable(node) ? 0 : kAttrTimeoutS};
}

// An inode that is open, or that has lost its names: it goes on without a path.
std::optional<SharedFd> CacheFs::held(NodeId node, std::optional<HandleId> handle) const {
  if (handle) return files_.use(*handle);
  auto open = files_.use_node(node);
  return open ? std::move(open) : nodes_.kept(node);
}

Attributes CacheFs::getattr(NodeId node, std::optional<HandleId> handle) {
  if (const auto open = held(node, handle)) {
    struct stat st {};
    if (::fstat(open->fd(), &st) != 0) throw_errno("fstat");
    return attributes(node, st);
  }
  const auto found = names_.find(nodes_.path(node));
  if (found.kind == Found::Kind::kAbsent) throw_errno(ENOENT, "getattr");
  if (found.kind == Found::Kind::kUnknown) throw_errno(ESTALE, "getattr");
  return attributes(node, found.st);
}

}  // namespace neffs::fs
