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

CacheFs::CacheFs(const Layer& layer, index::Index& index, const Sources& sources,
                 Whiteouts& whiteouts, Fetcher& fetcher, NodeTable& nodes, Helpers helpers,
                 FsOptions options)
    : layer_(layer),
      index_(index),
      sources_(sources),
      whiteouts_(whiteouts),
      fetcher_(fetcher),
      placer_(fetcher.placer()),
      nodes_(nodes),
      options_(options),
      hub_timeout_(options.hub_timeout),
      miss_check_(options.miss_check),
      kernel_(helpers.kernel),
      listener_(helpers.listener),
      users_(std::move(helpers.users)),
      names_(layer, index, sources, whiteouts, names_options(options)),
      files_(helpers.backing) {}

CacheFs::~CacheFs() {
  waits_.give_up_all();
}

void CacheFs::set_patience(std::chrono::milliseconds hub_timeout,
                           std::chrono::milliseconds miss_check) {
  hub_timeout_ = hub_timeout;
  miss_check_ = miss_check;
}

// --- look-up --------------------------------------------------------------------------------------

Entry CacheFs::absent(const std::string& path, bool is_certain) {
  Entry entry;
  const bool is_miss = decides_a_compile(path);
  if (is_miss && is_certain) ++counters_.misses;
  // Kernels before 6.16 cannot be told that a name has come which they do not have.
  const bool may_come = is_miss || !sources_.is_pinned();
  if (is_certain)
    entry.entry_timeout_s =
        may_come ? std::chrono::duration<double>(miss_check_.load()).count() : kLasting;
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
    answer_lookup({parent, name, caller, reply, Clock::now() + hub_timeout_.load()});
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

void CacheFs::answer_lookup(const LookUp& look) {
  const auto path = nodes_.child_path(look.parent, look.name);
  auto found = names_.find(path);
  // A wrong miss costs a compilation: it is told from heads that were asked for a moment ago.
  const bool needs_head = decides_a_compile(path) && !sources_.is_fresh(miss_check_, found.only);
  if (found.is_by_source && needs_head) found.is_lasting = false;
  // A copy that may be of an older commit than its neighbours is as good as unknown.
  const bool is_settled = found.kind != Found::Kind::kUnknown && found.is_lasting;
  // The one source that was asked has the module no more: now it is for the others to say.
  const bool is_let_go = look.only != nullptr && found.only == nullptr;
  if (!is_settled && (look.may_wait || is_let_go)) {
    const auto within = needs_head ? std::optional(miss_check_.load()) : std::nullopt;
    const auto question = sources_.about(path, found.only, within);
    if (question->is_worth_waiting()) {
      wait_for(question, look, found.only);
      return;
    }
    if (question->is_empty()) {  // answered since it was looked at
      answer_lookup(look.again(found.only));
      return;
    }
    question->start();
  }
  if (found.kind == Found::Kind::kUnknown) ++counters_.errors;
  look.reply->ok(entry_of(look.parent, look.name, path, found));
}

// Looks again when the question is answered, or at the deadline.
void CacheFs::wait_for(const std::shared_ptr<Question>& question, const LookUp& look,
                       RemoteView* only) {
  const auto answer_now = [this](const LookUp& again) {
    try {
      answer_lookup(again);
    } catch (...) {
      again.reply->failed(std::current_exception());
    }
  };
  const auto give_up = [question, look, answer_now](GiveUp reason) {
    if (reason != GiveUp::kDeadline) {
      look.reply->failed(
          std::make_exception_ptr(std::system_error(EINTR, std::generic_category())));
      return;
    }
    question->note_slow();
    answer_now(look.again(nullptr));
  };
  park(look.reply, look.deadline, look.caller, give_up, [&](WaitId id) {
    question->start([this, answer_now, look, only, id](const std::exception_ptr&) {
      if (waits_.settle(id)) answer_now(look.again(only));
    });
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

// A source that goes before has answered since, and has something else under the name.
bool CacheFs::is_other_file(NodeId node, const Found& found) const {
  const auto known = nodes_.remote_of(node);
  return found.kind == Found::Kind::kRemote && !known.empty() && known != found.remote.content.hex;
}

Attributes CacheFs::getattr(NodeId node, std::optional<HandleId> handle) {
  if (const auto open = held(node, handle)) {
    struct stat st {};
    if (::fstat(open->fd(), &st) != 0) throw_errno("fstat");
    return attributes(node, st);
  }
  const auto found = names_.find(nodes_.path(node));
  if (found.kind == Found::Kind::kAbsent) throw_errno(ENOENT, "getattr");
  if (found.kind == Found::Kind::kUnknown || is_other_file(node, found))
    throw_errno(ESTALE, "getattr");
  return attributes(node, found.st);
}

}  // namespace neffs::fs
