// A child is killed between any two steps of an upload, and in the middle of any: what was done is done,
// whole.
#include <array>

#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::Origin;

struct Step {
  const char* name;
  std::function<void(Index&)> run;
  const char* state;  // after a kill that follows this step
  bool is_push_open;
  bool is_copy;
};

std::vector<std::int64_t> now_of(Index& index) {
  return {index.upload(kModule)->entry.generation};
}

std::vector<Step> life_of_an_upload() {
  return {
      {"open", [](Index&) {}, "absent", false, false},
      {"set_upload_target", [](Index& index) { index.set_upload_target(kLab); }, "absent", false,
       false},
      {"queue_upload", [](Index& index) { queue(index, kModule); }, "queued", false, false},
      {"note_hashes and note_mode", [](Index& index) { note_everything(index, kModule); }, "queued",
       false, false},
      {"mark_uploading", [](Index& index) { index.mark_uploading(now_of(index), kNow); },
       "uploading", false, false},
      {"note_uploaded", [](Index& index) { index.note_uploaded(now_of(index)[0], kNeff); },
       "uploading", false, false},
      {"begin_push", [](Index& index) { begin(index, now_of(index)); }, "uploading", true, false},
      {"end_push", [](Index& index) { index.end_push("push"); }, "uploading", false, false},
      {"put_back", [](Index& index) { index.put_back(now_of(index), 0, "412", kNow); }, "queued",
       false, false},
      {"fail_upload", [](Index& index) { index.fail_upload(now_of(index)[0], "400", kNow); },
       "failed", false, false},
      {"queue_upload of other files", [](Index& index) { queue(index, kModule, 2); }, "queued",
       false, false},
      {"begin_push again",
       [](Index& index) {
         prepare(index, kModule, 2);
         begin(index, now_of(index));
       },
       "uploading", true, false},
      {"finish_push", [](Index& index) { index.finish_push("push", "commit", kSource, kNow); },
       "pushed", false, true},
      {"mark_ours", [](Index& index) { index.mark_ours(kNeff); }, "pushed", false, false},
      {"queue_upload after that", [](Index& index) { queue(index, kModule, 3); }, "queued", false,
       false},
      {"supersede_uploads",
       [](Index& index) { index.supersede_uploads(now_of(index), "theirs", kNow); }, "superseded",
       false, false},
      {"prune_uploads", [](Index& index) { index.prune_uploads(0); }, "superseded", false, false},
      {"drop_uploads", [](Index& index) { index.drop_uploads(kModule); }, "absent", false, false},
  };
}

TEST_F(IndexTest, KilledAfterAnyStepAnUploadIsAsThatStepLeftIt) {
  const auto steps = life_of_an_upload();
  for (std::size_t last = 0; last < steps.size(); ++last) {
    SCOPED_TRACE(std::string("killed after ") + steps[last].name);
    run_and_kill([&] {
      const auto index = open();
      for (std::size_t step = 0; step <= last; ++step) steps[step].run(*index);
    });
    {
      const auto index = open();
      EXPECT_FALSE(report_.damaged_copy) << report_.damage;
      EXPECT_EQ(state_of_upload(*index), steps[last].state);
      const auto neff = index->layer_file(kNeff);
      EXPECT_EQ(neff && neff->origin == Origin::kCopy, steps[last].is_copy);
      EXPECT_EQ(index->recover_pushes(kLab, kNow).size(), steps[last].is_push_open ? 1U : 0U);
      EXPECT_NE(state_of_upload(*index) == "uploading", !steps[last].is_push_open);
    }
    std::filesystem::remove(file_);
  }
}

// The child pushes three modules at a time; it says when each verb has returned.
class KilledWhilePushing : public IndexTest {
 protected:
  static constexpr int kVerbs = 4;

  static std::string module(int push, int number) {
    return "MODULE_" + std::to_string(push) + "_" + std::to_string(number);
  }

  [[noreturn]] void push_for_ever(int said) {
    const auto tell = [said] {
      if (::write(said, "x", 1) != 1) ::_exit(1);
    };
    const auto index = open();
    for (int push = 0;; ++push) {
      std::vector<std::int64_t> generations;
      for (int number = 0; number < 3; ++number)
        generations.push_back(prepare(*index, module(push, number)));
      tell();
      begin(*index, generations, std::to_string(push));
      tell();
      index->finish_push(std::to_string(push), "commit", kSource, kNow);
      tell();
      index->prune_uploads(1'000'000);
      tell();
    }
  }

  // Returns how many verbs had returned.
  int work_until_killed_after(int verbs) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) push_for_ever(pipe[1]);
    ::close(pipe[1]);
    int acknowledged = 0;
    for (char done = 0; acknowledged < verbs && ::read(pipe[0], &done, 1) == 1;) ++acknowledged;
    ::kill(child, SIGKILL);
    for (char done = 0; ::read(pipe[0], &done, 1) == 1;) ++acknowledged;
    ::close(pipe[0]);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    return acknowledged;
  }

  // All of a push or nothing of it.
  static void check(Index& index, int push, int done) {
    SCOPED_TRACE("push " + std::to_string(push));
    int copies = 0;
    int pushed = 0;
    for (int number = 0; number < 3; ++number) {
      const auto state = state_of_upload(index, module(push, number));
      if (done >= 1) {
        EXPECT_NE(state, "absent");
      }
      if (state == "pushed") ++pushed;
      for (const auto& file : sample_files(module(push, number))) {
        const auto record = index.layer_file(file.path);
        if (record && record->origin == Origin::kCopy) ++copies;
      }
    }
    EXPECT_TRUE(pushed == 0 || pushed == 3) << pushed;
    EXPECT_EQ(copies, 2 * pushed);
    if (done >= 3) {
      EXPECT_EQ(pushed, 3);
    }
  }
};

TEST_F(KilledWhilePushing, APushIsDoneOrNot) {
  for (const int verbs : {5, 50, 83, 110, 161}) {
    const int acknowledged = work_until_killed_after(verbs);
    ASSERT_GE(acknowledged, verbs);
    {
      const auto index = open();
      EXPECT_FALSE(report_.damaged_copy) << report_.damage;
      const int last = acknowledged / kVerbs;
      for (int push = 0; push <= last; ++push) check(*index, push, acknowledged - kVerbs * push);
      const auto open_pushes = index->recover_pushes(kLab, kNow);
      EXPECT_LE(open_pushes.size(), 1U);
      if (acknowledged % kVerbs == 2) {
        const bool is_finished = state_of_upload(*index, module(last, 0)) == "pushed";
        EXPECT_EQ(open_pushes.size(), is_finished ? 0U : 1U);
      }
    }
    std::filesystem::remove(file_);
  }
}

}  // namespace
}  // namespace neffs::test
