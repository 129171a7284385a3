// Every verb that changes a state, from every state: where it is refused nothing happens, and twice is as
// once.
#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;

struct Transition {
  const char* verb;
  std::function<void(Index&, std::int64_t)> run;
  // What becomes of queued, uploading, pushed, superseded and failed.
  std::array<const char*, 5> after;
};

void PrintTo(const Transition& transition, std::ostream* out) {
  *out << transition.verb;
}

class TransitionTest : public IndexTest, public testing::WithParamInterface<Transition> {};

TEST_P(TransitionTest, HappensFromTheRightStatesOnlyAndOnce) {
  const auto index = open();
  for (std::size_t from = 0; from < kStoredStates.size(); ++from) {
    SCOPED_TRACE(kStoredStates[from]);
    const auto generation = reach(*index, kStoredStates[from]);
    ASSERT_EQ(state_of_upload(*index), kStoredStates[from]);
    GetParam().run(*index, generation);
    EXPECT_EQ(state_of_upload(*index), GetParam().after[from]);
    const auto once = index->upload(kModule);
    GetParam().run(*index, generation);
    EXPECT_EQ(index->upload(kModule), once) << "done twice";
    GetParam().run(*index, generation + 1'000'000);
    EXPECT_EQ(index->upload(kModule), once) << "of another generation";
    index->drop_uploads("");
    index->forget_file(kNeff);
    index->forget_file(kDone);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Verbs, TransitionTest,
    testing::Values(
        Transition{"mark_uploading",
                   [](Index& index, std::int64_t generation) {
                     index.mark_uploading(std::vector{generation}, kNow + 1);
                   },
                   {"uploading", "uploading", "pushed", "superseded", "failed"}},
        Transition{"put_back",
                   [](Index& index, std::int64_t generation) {
                     index.put_back(std::vector{generation}, kNow + 60, "refused", kNow + 1);
                   },
                   {"queued", "queued", "pushed", "superseded", "queued"}},
        Transition{"fail_upload",
                   [](Index& index, std::int64_t generation) {
                     index.fail_upload(generation, "ignored by the repo", kNow + 1);
                   },
                   {"failed", "failed", "pushed", "superseded", "failed"}},
        Transition{"supersede_uploads",
                   [](Index& index, std::int64_t generation) {
                     index.supersede_uploads(std::vector{generation}, "theirs", kNow + 1);
                   },
                   {"superseded", "superseded", "pushed", "superseded", "superseded"}},
        Transition{"push",
                   [](Index& index, std::int64_t generation) {
                     begin(index, {generation});
                     index.finish_push("push", "commit", kSource, kNow + 1);
                   },
                   {"queued", "pushed", "pushed", "superseded", "failed"}},
        Transition{"recover_pushes",
                   [](Index& index, std::int64_t) { index.recover_pushes(kLab, kNow + 1); },
                   {"queued", "queued", "pushed", "superseded", "failed"}}),
    [](const auto& test) { return test.param.verb; });

}  // namespace
}  // namespace neffs::test
