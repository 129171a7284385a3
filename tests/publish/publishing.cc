#include "tests/publish/publishing.h"

#include <utility>

namespace neffs::test {

TestRepo& make_push_repo(TestHub& hub, bool is_private) {
  hub.add_token(kWriter, {.user = "ada", .roles = {{kPushRepo, Role::kWrite}}});
  hub.add_token(kReader, {.user = "bob", .roles = {{kPushRepo, Role::kRead}}});
  return hub.create_repo(kPushRepo, {.is_private = is_private});
}

MountSetup writing_setup(std::vector<std::string> options, const std::string& token) {
  MountSetup setup{.source = kPushRepo, .options = {"settle=0.2", "commit_interval=0"}};
  for (auto& option : options) setup.options.push_back(std::move(option));
  if (!token.empty()) setup.variables["HF_TOKEN"] = token;
  return setup;
}

std::size_t writing_requests(TestHub& hub) {
  std::size_t count = 0;
  for (const Kind kind : {Kind::kPreupload, Kind::kLfsBatch, Kind::kLfsPut, Kind::kLfsPutPart,
                          Kind::kLfsComplete, Kind::kLfsVerify, Kind::kCommit, Kind::kCreateRepo})
    count += hub.traffic().count(kind);
  return count;
}

void PublishTest::expect_published_alone(const MadeModule& module) const {
  const auto past = history();
  EXPECT_EQ(past.commits(), 1U);
  past.expect_once(module);
  std::set<std::string> paths;
  for (const auto& [name, bytes] : module.files) paths.insert(module.path + "/" + name);
  EXPECT_EQ(past.touched(), paths);
}

}  // namespace neffs::test
