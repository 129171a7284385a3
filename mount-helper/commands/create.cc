#include "mount-helper/commands/create.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "hub/hub_push_repo.h"
#include "hub/hub_repo.h"
#include "mount-helper/command_error.h"
#include "mount-helper/commit_at_head.h"
#include "mount-helper/custom_repo.h"
#include "mount-helper/default_repo.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/lfs_patterns.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::seconds kToAsk{60};
constexpr std::chrono::seconds kToCommit{150};
constexpr const char* kBranch = "main";
constexpr const char* kAttributes = ".gitattributes";
constexpr std::uint64_t kMostAttributes = 10'000'000;

hub::CallLimits within(std::chrono::seconds time) {
  return {std::chrono::steady_clock::now() + time, {}};
}

struct Made {
  hub::PushAccess access;
  bool is_new = false;
};

Made make_repo(hub::PushRepo& repo, bool is_public) {
  Made made{repo.access(within(kToAsk)), false};
  const auto& refusal = made.access.refusal;
  if (refusal && refusal->kind == hub::HubErrorKind::kRepoNotFound) {
    repo.create(is_public ? hub::Visibility::kPublic : hub::Visibility::kPrivate, within(kToAsk));
    made = {repo.access(within(kToAsk)), true};
  }
  if (refusal) throw hub::HubError(*refusal);
  return made;
}

std::string attributes_at(hub::RemoteRepo& repo, const std::string& commit) {
  const auto deadline = within(kToAsk).deadline;
  const auto root = repo.list(commit, "", hub::ListDepth::kChildren, deadline);
  for (const auto& entry : root.value_or(std::vector<hub::RemoteEntry>())) {
    if (entry.path != kAttributes || entry.size == 0) continue;
    if (entry.size > kMostAttributes)
      throw CommandError(kAttributes, "too long to be added to", "shorten it in the repo");
    return repo.read_start(commit, kAttributes, entry.size, deadline);
  }
  return "";
}

void add_patterns(hub::RemoteRepo& reader, hub::PushRepo& writer) {
  const auto change_of = [&](const std::string& head) -> std::optional<hub::CommitRequest> {
    auto text = with_lfs_patterns(attributes_at(reader, head));
    if (!text) return std::nullopt;
    hub::CommitRequest request;
    request.summary = "Keep compiled modules in LFS";
    request.regular_files.push_back({kAttributes, std::move(*text)});
    return request;
  };
  commit_at_head(reader, writer, change_of, within(kToCommit));
}

}  // namespace

int create_command(const CreateRequest& request) {
  const auto environment = environment_of(invoker_of_process(), "");
  const HubSession session(environment);
  const auto id = whole_repo_id(request.name, session.client(), within(kToAsk));
  hub::HubPushRepo writer(session.client(), id, kBranch);
  hub::HubRepo reader(session.client(), id, kBranch, kToAsk);
  const auto made = make_repo(writer, request.is_public);
  add_patterns(reader, writer);
  make_default(environment, made.access.id);
  const auto* visibility = made.access.is_private ? "private" : "public";
  fmt::print("{} {} ({})\n", made.is_new ? "created" : "there already:", made.access.id,
             visibility);
  fmt::print("it is the default now, as {} says\n", default_repo_file(environment));
  if (!made.access.is_private && !request.is_public)
    warn(fmt::format("{} is public, and so is all that -o push={} publishes there", id, id));
  return kSuccess;
}

}  // namespace neffs::mount_helper
