// What is taken out of a repo: which files, on which head, and after which answers it is tried again.
#include "mount-helper/retraction.h"

#include <deque>
#include <map>
#include <stdexcept>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using hub::HubError;
using hub::HubErrorKind;
using mount_helper::find_modules;
using mount_helper::remove_modules;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kNew = "neuronxcc-2.21";
const std::string kOld = "neuronxcc-2.14";
const std::string kOne = kNew + "/MODULE_11+e30acd3a";
const std::string kTwo = kNew + "/MODULE_22+e30acd3a";
const std::string kOldOne = kOld + "/MODULE_11+e30acd3a";

// The files of a branch with one byte each; a commit of it is a number. Both doors lead here.
class Branch {
 public:
  explicit Branch(std::vector<std::string> files) : files_(std::move(files)) {}
  std::string head() const { return std::to_string(number_); }
  void add(const std::string& file) {
    files_.push_back(file);
    ++number_;
  }
  void remove(const std::vector<std::string>& files) {
    for (const auto& file : files)
      if (std::erase(files_, file) != 1) throw HubError(HubErrorKind::kEntryNotFound, file);
    ++number_;
  }
  const std::vector<std::string>& files() const { return files_; }

 private:
  std::vector<std::string> files_;
  int number_ = 1;
};

class Reader final : public hub::RemoteRepo {
 public:
  explicit Reader(const Branch& branch) : branch_(branch) {}
  hub::RepoInfo info() override { throw std::logic_error("not asked"); }
  std::string head() override { return branch_.head(); }
  std::optional<std::vector<hub::RemoteEntry>> list(
      const std::string& commit, const std::string& directory, hub::ListDepth depth,
      std::chrono::steady_clock::time_point) override {
    EXPECT_EQ(commit, branch_.head());
    const std::string above = directory.empty() ? "" : directory + "/";
    std::map<std::string, hub::EntryKind> found;
    for (const auto& file : branch_.files()) {
      if (!file.starts_with(above)) continue;
      const auto inside = file.substr(above.size());
      const auto slash = inside.find('/');
      if (slash != std::string::npos) found[inside.substr(0, slash)] = hub::EntryKind::kDirectory;
      if (slash == std::string::npos || depth == hub::ListDepth::kEverything)
        found[inside] = hub::EntryKind::kFile;
    }
    if (found.empty()) return std::nullopt;
    std::vector<hub::RemoteEntry> entries;
    for (const auto& [path, kind] : found) {
      entries.emplace_back();
      entries.back().path = path;
      entries.back().kind = kind;
      entries.back().size = kind == hub::EntryKind::kFile ? 1 : 0;
    }
    return entries;
  }
  std::optional<std::vector<hub::ChangedPath>> changes(
      const std::string&, const std::string&, std::chrono::steady_clock::time_point) override {
    throw std::logic_error("not asked");
  }
  std::string read_start(const std::string&, const std::string&, std::size_t,
                         std::chrono::steady_clock::time_point) override {
    throw std::logic_error("nothing is read");
  }
  void download(const hub::DownloadRequest&, int) override {
    throw std::logic_error("nothing is downloaded");
  }

 private:
  const Branch& branch_;
};

// Commits what it is given, or does what the script says instead.
class Writer final : public hub::PushRepo {
 public:
  explicit Writer(Branch& branch) : branch_(branch) {}
  hub::PushAccess access(const hub::CallLimits&) override { refuse(); }
  void create(hub::Visibility, const hub::CallLimits&) override { refuse(); }
  hub::PushPlan plan(const std::vector<hub::PushFile>&, const hub::CallLimits&) override {
    refuse();
  }
  std::vector<hub::UploadResult> upload(const hub::UploadRequest&,
                                        const hub::CallLimits&) override {
    refuse();
  }
  std::string commit(const hub::CommitRequest& request, const hub::CallLimits&) override {
    commits.push_back(request);
    EXPECT_FALSE(request.summary.empty());
    EXPECT_TRUE(request.regular_files.empty() && request.lfs_files.empty());
    if (!instead.empty()) {
      const auto next = instead.front();
      instead.pop_front();
      next();
    }
    if (request.parent != branch_.head()) throw HubError(HubErrorKind::kHeadMoved, "moved");
    branch_.remove(request.deleted_files);
    return branch_.head();
  }
  std::vector<hub::PastCommit> recent_commits(std::chrono::sys_seconds,
                                              const hub::CallLimits&) override {
    refuse();
  }

  std::vector<hub::CommitRequest> commits;
  std::deque<std::function<void()>> instead;

 private:
  [[noreturn]] static void refuse() { throw std::logic_error("only commits are made"); }
  Branch& branch_;
};

class RetractionTest : public testing::Test {
 protected:
  std::vector<std::string> found(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const auto& module : find_modules(reader_, branch_.head(), names, {}))
      paths.push_back(module.path);
    return paths;
  }
  std::string remove(const std::vector<std::string>& paths) {
    return remove_modules(reader_, writer_, paths, {});
  }

  Branch branch_{{".gitattributes", "MODULE_11+e30acd3a/model.neff", "other/MODULE_11+e30acd3a/x",
                  kOne + "/model.done", kOne + "/model.neff", kOldOne + "/model.neff",
                  kTwo + "/unet/a.json", kTwo + "/model.neff"}};
  Reader reader_{branch_};
  Writer writer_{branch_};
};

TEST_F(RetractionTest, ABareNameIsLookedForInEveryCompilersFolder) {
  EXPECT_THAT(found({kOne}), ElementsAre(kOne));
  EXPECT_THAT(found({"MODULE_11+e30acd3a"}), ElementsAre(kOldOne, kOne));
  EXPECT_THAT(found({"MODULE_22+e30acd3a", kTwo, kTwo}), ElementsAre(kTwo));
  const auto module = find_modules(reader_, branch_.head(), {kTwo}, {}).front();
  EXPECT_THAT(module.files, ElementsAre(kTwo + "/model.neff", kTwo + "/unet/a.json"));
  EXPECT_EQ(module.bytes, 2U);
}

TEST_F(RetractionTest, WhatIsNoModuleOrNotThereIsRefused) {
  for (const std::string& name :
       {kNew, kOne + "/model.neff", std::string(".gitattributes"), std::string("other"),
        std::string("other/MODULE_11+e30acd3a"), std::string("MODULE_11"), std::string(""),
        std::string("neuronxcc-2.21/../neuronxcc-2.21/MODULE_11+e30acd3a"), kNew + "/0_REGISTRY"}) {
    const Refusal refusal = refusal_of([&] { found({kTwo, name}); });
    EXPECT_EQ(refusal.exit_code, mount_helper::kWrongUsage) << name;
    EXPECT_THAT(refusal.text, HasSubstr("not the name of a module")) << name;
  }
  for (const std::string& name : {kNew + "/MODULE_33+e30acd3a", std::string("MODULE_33+e30acd3a"),
                                  std::string("neuronxcc-9/MODULE_11+e30acd3a")}) {
    const Refusal refusal = refusal_of([&] { found({kTwo, name}); });
    EXPECT_EQ(refusal.exit_code, mount_helper::kFailure) << name;
    EXPECT_THAT(refusal.text, HasSubstr("the repo has no such module")) << name;
  }
}

TEST_F(RetractionTest, EverythingGoesInOneCommit) {
  EXPECT_EQ(remove({kOne, kTwo}), "2");
  ASSERT_EQ(writer_.commits.size(), 1U);
  EXPECT_EQ(writer_.commits[0].parent, "1");
  EXPECT_EQ(writer_.commits[0].summary, "Retract 2 modules");
  EXPECT_THAT(branch_.files(), ElementsAre(".gitattributes", "MODULE_11+e30acd3a/model.neff",
                                           "other/MODULE_11+e30acd3a/x", kOldOne + "/model.neff"));
}

TEST_F(RetractionTest, AMovedHeadIsLookedAtAnew) {
  writer_.instead = {[&] { branch_.add(kOne + "/wrapped_neff.hlo"); },
                     [&] { branch_.remove({kOne + "/model.done"}); }};
  EXPECT_EQ(remove({kOne}), "4");
  EXPECT_EQ(writer_.commits.size(), 3U);
  EXPECT_EQ(writer_.commits[2].parent, "3");
  EXPECT_TRUE(testing::Matches(testing::Not(testing::Contains(testing::StartsWith(kOne + "/"))))(
      branch_.files()));
}

TEST_F(RetractionTest, ACommitWhoseAnswerWasLostIsNotMadeTwice) {
  writer_.instead = {[&] {
    branch_.remove(writer_.commits.back().deleted_files);
    throw HubError(HubErrorKind::kUnknownOutcome, "lost");
  }};
  EXPECT_EQ(remove({kOne}), "2");
  EXPECT_EQ(writer_.commits.size(), 1U);
  writer_.instead = {[] { throw HubError(HubErrorKind::kUnknownOutcome, "lost before"); }};
  EXPECT_EQ(remove({kTwo}), "3");
  EXPECT_EQ(writer_.commits.size(), 3U);
}

TEST_F(RetractionTest, ARefusalIsFinal) {
  writer_.instead = {[] { throw HubError(HubErrorKind::kForbidden, "no"); }};
  EXPECT_THROW(remove({kOne}), HubError);
  EXPECT_EQ(writer_.commits.size(), 1U);
}

}  // namespace
}  // namespace neffs::test
