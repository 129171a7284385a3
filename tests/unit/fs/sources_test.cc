// Several sources as one: what is shown of which, what has to be asked, and whom nobody waits for.
#include "fs/sources.h"

#include <array>
#include <set>

#include "tests/unit/fs/view_kit.h"

namespace neffs::test {
namespace {

using fs::RemoteView;
using Kind = fs::RemoteName::Kind;
using std::chrono::milliseconds;

const std::string kDone = kModuleA + "/model.done";

// A source that goes before and one that comes after, over one index.
class SourcesTest : public testing::Test {
 protected:
  struct One {
    explicit One(const fs::SourceName& source, index::Index& index)
        : pool(std::make_unique<fs::WorkerPool>("ask", 4)), view(source, repo, index, *pool) {}
    ~One() {
      repo.release();
      pool.reset();
    }
    void connect(FakeRepo::Files files) {
      files["README.md"] = "of " + view.name().repo;
      repo.commit(std::move(files));
      view.connect();
    }
    // How often the Hub was asked for the module.
    std::size_t asked(const std::string& module) const {
      return repo.count(Call::Kind::kList, module);
    }

    FakeRepo repo;
    std::unique_ptr<fs::WorkerPool> pool;
    RemoteView view;
  };

  struct Outcome {
    std::atomic<int> calls{0};
  };
  static std::shared_ptr<Outcome> start(const std::shared_ptr<fs::Question>& question) {
    auto outcome = std::make_shared<Outcome>();
    question->start([outcome](const std::exception_ptr&) { ++outcome->calls; });
    return outcome;
  }
  void drain() {
    first_.pool->drain();
    second_.pool->drain();
  }
  void finish(const std::shared_ptr<fs::Question>& question) {
    const auto outcome = start(question);
    ASSERT_TRUE(eventually([&] { return outcome->calls > 0; }));
    drain();
    EXPECT_EQ(outcome->calls, 1);
  }
  void look(const std::string& path) { finish(sources_.about(path)); }
  void list(const std::string& path, bool judged) { finish(sources_.about_children(path, judged)); }
  std::set<std::string> names(const std::string& path, bool judged) {
    std::set<std::string> names;
    for (const auto& [name, shown] : sources_.peek_children(path, judged).names)
      EXPECT_TRUE(names.insert(name).second) << name << " twice";
    return names;
  }

  TempDirectory directory_;
  std::unique_ptr<index::Index> index_ = open_index(directory_.path());
  One first_{kSource, *index_};
  One second_{kSecondSource, *index_};
  fs::Sources sources_{{&first_.view, &second_.view}};
};

enum class Has { kFinished, kUnfinished, kFailed, kNothing, kNoAnswer };
constexpr std::array kAll{Has::kFinished, Has::kUnfinished, Has::kFailed, Has::kNothing,
                          Has::kNoAnswer};

FakeRepo::Files files_of(Has has, const std::string& salt) {
  auto files = module_files(kModuleA, salt);
  if (has == Has::kFinished || has == Has::kNoAnswer) return files;
  if (has == Has::kNothing) return module_files(kModuleB, salt);
  files.erase(kDone);
  if (has == Has::kUnfinished) return files;
  files.erase(kModuleA + "/model.neff");
  files[kModuleA + "/model.log"] = "it failed";
  return files;
}

class TwoSources : public SourcesTest, public testing::WithParamInterface<std::tuple<Has, Has>> {
 protected:
  void connect(One& source, Has has) {
    source.connect(files_of(has, source.view.name().repo));
    if (has == Has::kNoAnswer) source.repo.fail_with(hub::HubErrorKind::kUnavailable);
  }
};

// The whole table: the first that has it finished, and no certainty where one before it does not answer.
TEST_P(TwoSources, ShowTheModuleOfTheFirstThatHasItFinished) {
  const auto [first, second] = GetParam();
  connect(first_, first);
  connect(second_, second);
  look(kModuleA);
  const auto shown = sources_.peek(kModuleA);
  const bool is_first = first == Has::kFinished;
  const bool is_second = !is_first && second == Has::kFinished;
  const bool is_unknown =
      !is_first && !is_second && (first == Has::kNoAnswer || second == Has::kNoAnswer);
  ASSERT_EQ(shown.has_value(), !is_unknown);
  if (is_unknown) return;
  RemoteView* const from = is_first ? &first_.view : is_second ? &second_.view : nullptr;
  EXPECT_EQ(shown->from, from);
  EXPECT_EQ(shown->is_certain, !(is_second && first == Has::kNoAnswer));
  EXPECT_EQ(shown->name.kind, from == nullptr ? Kind::kAbsent : Kind::kDirectory);
  const auto neff = sources_.peek(kModuleA + "/model.neff");
  ASSERT_TRUE(neff);
  EXPECT_EQ(neff->from, from);
  EXPECT_EQ(neff->is_certain, shown->is_certain);
  if (from != nullptr) {
    const auto files = files_of(Has::kFinished, from->name().repo);
    EXPECT_EQ(neff->name.content, content_of(files.at(kModuleA + "/model.neff")));
    EXPECT_EQ(sources_.peek_module(kModuleA).from, from);
  }
  // What is certain needs no question any more.
  EXPECT_EQ(sources_.about(kModuleA)->is_empty(), shown->is_certain);
}

// Nobody asks the second for what the first is known to have.
TEST_P(TwoSources, AreAskedNoFurtherThanItMatters) {
  const auto [first, second] = GetParam();
  connect(first_, first);
  connect(second_, second);
  std::atomic<int> calls{0};
  first_.view.ask(kModuleA, [&](const std::exception_ptr&) { ++calls; });
  ASSERT_TRUE(eventually([&] { return calls > 0; }));
  drain();
  look(kModuleA);
  EXPECT_EQ(second_.asked(kModuleA), first == Has::kFinished ? 0U : 1U);
}

INSTANTIATE_TEST_SUITE_P(All, TwoSources,
                         testing::Combine(testing::ValuesIn(kAll), testing::ValuesIn(kAll)));

TEST_F(SourcesTest, AreAskedAllAtOnce) {
  first_.connect(files_of(Has::kNothing, ""));
  second_.connect(files_of(Has::kFinished, ""));
  first_.repo.hold();
  second_.repo.hold();
  const auto outcome = start(sources_.about(kModuleA));
  EXPECT_TRUE(eventually([&] { return first_.repo.held() > 0 && second_.repo.held() > 0; }));
  EXPECT_EQ(outcome->calls, 0);
  second_.repo.release();
  second_.pool->drain();
  EXPECT_EQ(outcome->calls, 0);  // the first may have it
  first_.repo.release();
  EXPECT_TRUE(eventually([&] { return outcome->calls == 1; }));
  EXPECT_EQ(sources_.peek(kModuleA)->from, &second_.view);
}

TEST_F(SourcesTest, TheFirstDecidesWithoutTheSecond) {
  first_.connect(files_of(Has::kFinished, ""));
  second_.connect(files_of(Has::kFinished, ""));
  second_.repo.hold();
  const auto outcome = start(sources_.about(kModuleA));
  EXPECT_TRUE(eventually([&] { return outcome->calls == 1; }));
  second_.repo.release();
  drain();
  EXPECT_EQ(outcome->calls, 1);
}

// SEMANTICS 7: a dead source takes its time once, and then nobody's until it has answered again.
TEST_F(SourcesTest, NobodyWaitsForADeadOne) {
  first_.connect(files_of(Has::kNothing, ""));
  second_.connect(module_files(kModuleA) + module_files(kModuleB));
  first_.repo.hold();
  const auto question = sources_.about(kModuleA);
  const auto outcome = start(question);
  ASSERT_TRUE(eventually([&] { return first_.repo.held() > 0; }));
  second_.pool->drain();
  EXPECT_EQ(outcome->calls, 0);
  question->note_slow();
  EXPECT_FALSE(first_.view.is_worth_waiting());
  EXPECT_TRUE(second_.view.is_worth_waiting());  // it has answered

  const auto other = sources_.about(kModuleB);
  EXPECT_TRUE(other->is_worth_waiting());  // for the second
  const auto next = start(other);
  EXPECT_TRUE(eventually([&] { return next->calls == 1; }));
  EXPECT_EQ(sources_.peek(kModuleB)->from, &second_.view);
  EXPECT_FALSE(sources_.peek(kModuleB)->is_certain);
  EXPECT_FALSE(sources_.about(kModuleB)->is_worth_waiting());

  first_.repo.release();
  drain();
  EXPECT_EQ(outcome->calls, 1);
  EXPECT_TRUE(first_.view.is_worth_waiting());
}

TEST_F(SourcesTest, NamesOutsideOfModulesAreMerged) {
  const std::string registry = kVersion + "/0_REGISTRY/0.4.5";
  first_.connect({{registry + "/a.json", "a of the first"}, {registry + "/both.json", "one"}});
  second_.connect({{registry + "/b.json", "b of the second"},
                   {registry + "/both.json", "two"},
                   {kOldVersion + "/0_REGISTRY/x.json", "x"}});
  list("", true);
  EXPECT_EQ(names("", true), (std::set<std::string>{kVersion, kOldVersion, "README.md"}));
  list(kVersion, true);
  list(kVersion + "/0_REGISTRY", true);
  list(registry, true);
  EXPECT_EQ(names(registry, true), (std::set<std::string>{"a.json", "b.json", "both.json"}));
  look(registry + "/both.json");
  EXPECT_EQ(sources_.peek(registry + "/both.json")->from, &first_.view);
  EXPECT_EQ(sources_.peek(registry + "/both.json")->name.content, content_of("one"));
  EXPECT_EQ(sources_.peek(registry + "/b.json")->from, &second_.view);
  EXPECT_TRUE(sources_.peek(registry + "/b.json")->is_certain);
  EXPECT_EQ(sources_.peek(registry + "/c.json")->name.kind, Kind::kAbsent);
  EXPECT_EQ(sources_.peek(registry)->name.kind, Kind::kDirectory);
}

TEST_F(SourcesTest, AFolderListsTheFinishedModulesOfAll) {
  first_.connect(files_of(Has::kUnfinished, "") + module_files(kModuleB));
  second_.connect(files_of(Has::kFinished, "") + module_files(kTraced));
  list(kVersion, true);
  const auto name = [](const std::string& path) { return std::string(fs::base_name(path)); };
  std::set<std::string> expected{name(kModuleA), name(kModuleB)};
  for (const auto& module : names(kVersion, true)) expected.erase(module);
  EXPECT_TRUE(expected.empty());
  look(kModuleA);
  list(kModuleA, true);
  EXPECT_EQ(sources_.peek_children(kModuleA, true).names.size(), module_files(kModuleA).size());
}

TEST_F(SourcesTest, AListingIsOfThoseWhoAnswer) {
  first_.connect(module_files(kModuleA));
  second_.connect(module_files(kModuleB));
  first_.repo.fail_with(hub::HubErrorKind::kUnavailable);
  list(kVersion, true);
  EXPECT_EQ(names(kVersion, true), (std::set<std::string>{std::string(fs::base_name(kModuleB))}));
  EXPECT_FALSE(sources_.peek_children(kVersion, true).is_certain);
  EXPECT_FALSE(sources_.about_children(kVersion, true)->is_worth_waiting());
}

// SEMANTICS 2: a miss is told from fresh heads, of all of them.
TEST_F(SourcesTest, AMissAsksForEveryHead) {
  first_.connect(files_of(Has::kNothing, ""));
  second_.connect(files_of(Has::kNothing, ""));
  look(kModuleA);
  ASSERT_EQ(sources_.peek(kModuleA)->name.kind, Kind::kAbsent);
  EXPECT_TRUE(sources_.about(kModuleA, nullptr, std::chrono::hours(1))->is_empty());
  EXPECT_TRUE(sources_.is_fresh(std::chrono::hours(1)));
  const auto before =
      std::pair(first_.repo.count(Call::Kind::kHead), second_.repo.count(Call::Kind::kHead));
  second_.repo.commit(files_of(Has::kFinished, ""));
  EXPECT_FALSE(sources_.is_fresh(milliseconds(-1)));
  finish(sources_.about(kModuleA, nullptr, milliseconds(-1)));
  EXPECT_EQ(first_.repo.count(Call::Kind::kHead), before.first + 1);
  EXPECT_EQ(second_.repo.count(Call::Kind::kHead), before.second + 1);
  EXPECT_EQ(sources_.peek(kModuleA)->from, &second_.view);
  // A hit needs no head.
  EXPECT_TRUE(sources_.about(kModuleA, &second_.view, milliseconds(-1))->is_empty());
}

TEST_F(SourcesTest, OneOfThemMayBeAskedAlone) {
  first_.connect(files_of(Has::kFinished, ""));
  second_.connect(files_of(Has::kFinished, ""));
  finish(sources_.about(kModuleA, &second_.view));
  EXPECT_EQ(first_.asked(kModuleA), 0U);
  EXPECT_EQ(second_.asked(kModuleA), 1U);
  EXPECT_FALSE(sources_.peek(kModuleA)->is_certain);
}

TEST_F(SourcesTest, StampsAreOfAllWhoHaveIt) {
  first_.connect(files_of(Has::kFinished, "one"));
  second_.connect(files_of(Has::kFinished, "two"));
  look(kModuleA);
  drain();
  const auto known = sources_.stamps(kModuleA).size();
  finish(sources_.about(kModuleA, &second_.view));
  const auto stamps = sources_.stamps(kModuleA);
  EXPECT_GE(stamps.size(), known);
  ASSERT_EQ(stamps.size(), 2U);
  EXPECT_NE(stamps[0], stamps[1]);
  EXPECT_EQ(sources_.stamps(kVersion), std::vector<std::string>{""});
  EXPECT_TRUE(sources_.stamps("absent").empty());
}

// Others wait for the same answers, and a question that cannot be decided ends with the last of them.
TEST_F(SourcesTest, AQuestionThatCannotBeDecidedEndsWithTheLastAnswer) {
  std::vector<RemoteView::Done> waiting;
  const auto wait = [&](RemoteView::Done done) { waiting.push_back(std::move(done)); };
  const auto question = std::make_shared<fs::Question>(
      std::vector<fs::Question::Asked>{{&first_.view, wait}, {&second_.view, wait}},
      []() -> bool { throw std::runtime_error("the index is gone"); });
  const auto outcome = start(question);
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_NO_THROW(waiting[0](nullptr));
  waiting[0](nullptr);  // told twice
  EXPECT_EQ(outcome->calls, 0);
  EXPECT_NO_THROW(waiting[1](nullptr));
  EXPECT_EQ(outcome->calls, 1);
}

TEST_F(SourcesTest, AreFoundByWhatACopyRemembers) {
  EXPECT_EQ(sources_.find(kSource.text()), &first_.view);
  EXPECT_EQ(sources_.find(kSecondSource.text()), &second_.view);
  EXPECT_EQ(sources_.find("http://hub.test/other/cache@main"), nullptr);
}

}  // namespace
}  // namespace neffs::test
