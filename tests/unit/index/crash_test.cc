// A child is killed between any two durable steps; what it had been told was done must be there.
#include <array>

#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::LayerFile;
using index::Origin;
using index::Placement;

const char* const kPath = "neuronxcc-2.20/MODULE_1+abcdef01/model.neff";

struct Step {
  const char* name;
  std::function<void(Index&)> run;
  std::function<void(Index&)> check;  // after a kill that follows this step
};

std::string state_of(Index& index) {
  const std::optional<LayerFile> file = index.layer_file(kPath);
  if (!file) return "absent";
  const std::string origin = file->origin == Origin::kOurs ? "ours" : "copy";
  return origin + (file->placement == Placement::kIntended ? " intended" : " placed");
}

std::vector<Step> life_of_a_file() {
  const auto is = [](const std::string& state) {
    return [state](Index& index) {
      EXPECT_EQ(state_of(index), state);
      EXPECT_EQ(index.intended_copies().size(), state == "copy intended" ? 1U : 0U);
    };
  };
  return {
      {"open", [](Index&) {}, is("absent")},
      {"intend_copy", [](Index& index) { index.intend_copy(sample_copy(kPath)); },
       is("copy intended")},
      {"place_copy", [](Index& index) { index.place_copy(kPath, 1000, 5); }, is("copy placed")},
      {"intend_copy of a new version", [](Index& index) { index.intend_copy(sample_copy(kPath)); },
       is("copy intended")},
      {"mark_ours", [](Index& index) { index.mark_ours(kPath); }, is("ours placed")},
      {"intend_copy that is refused", [](Index& index) { index.intend_copy(sample_copy(kPath)); },
       is("ours placed")},
      {"foretell_move", [](Index& index) { index.foretell_move("neuronxcc-2.20", "other"); },
       is("ours placed")},
      {"finish_move", [](Index& index) { index.finish_move("neuronxcc-2.20", "other"); },
       is("absent")},
      {"foretell_move back", [](Index& index) { index.foretell_move("other", "neuronxcc-2.20"); },
       is("ours placed")},
      {"finish_move back", [](Index& index) { index.finish_move("other", "neuronxcc-2.20"); },
       is("ours placed")},
      {"forget_file", [](Index& index) { index.forget_file(kPath); }, is("absent")},
  };
}

TEST_F(IndexTest, KilledAfterAnyStepItIsAsThatStepLeftIt) {
  const std::vector<Step> steps = life_of_a_file();
  for (std::size_t last = 0; last < steps.size(); ++last) {
    SCOPED_TRACE(std::string("killed after ") + steps[last].name);
    run_and_kill([&] {
      const auto index = open();
      for (std::size_t step = 0; step <= last; ++step) steps[step].run(*index);
    });
    {
      const auto index = open();
      EXPECT_FALSE(report_.damaged_copy) << report_.damage;
      steps[last].check(*index);
    }
    std::filesystem::remove(file_);
  }
}

// The child says after each verb that it has returned; it is killed in the middle of its work.
class KilledAtWork : public IndexTest {
 protected:
  void work_until_killed_after(int verbs) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) work_for_ever(pipe[1]);
    ::close(pipe[1]);
    for (char done = 0; acknowledged_ < verbs && ::read(pipe[0], &done, 1) == 1;) ++acknowledged_;
    ::kill(child, SIGKILL);
    for (char done = 0; ::read(pipe[0], &done, 1) == 1;) ++acknowledged_;
    ::close(pipe[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }

  [[noreturn]] void work_for_ever(int said) {
    const auto index = open();
    for (int number = 0;; ++number) {
      const std::string name = std::to_string(number);
      index->intend_copy(sample_copy(name));
      tell(said);
      index->place_copy(name, 1, 1);
      tell(said);
      index->put_tree(name, index::TreeDepth::kChildren, sample_tree(50, "a"));
      tell(said);
    }
  }

  static void tell(int said) {
    if (::write(said, "x", 1) != 1) ::_exit(1);
  }

  int acknowledged_ = 0;
};

TEST_F(KilledAtWork, EverythingThatWasAcknowledgedIsThere) {
  work_until_killed_after(3 * 400 + 1);
  ASSERT_GE(acknowledged_, 3 * 400 + 1);
  const auto index = open();
  EXPECT_FALSE(report_.damaged_copy) << report_.damage;
  for (int number = 0; number <= acknowledged_ / 3; ++number) {
    const std::string name = std::to_string(number);
    const int done = acknowledged_ - 3 * number;
    if (done >= 1) {
      ASSERT_TRUE(index->layer_file(name)) << name;
    }
    if (done >= 2) {
      EXPECT_EQ(index->layer_file(name)->placement, Placement::kPlaced) << name;
    }
    const auto tree = index->tree(name, index::TreeDepth::kChildren);
    if (done >= 3) {
      EXPECT_TRUE(tree) << name;
    }
    if (tree) {
      EXPECT_EQ(tree->size(), 50U) << name;
    }
  }
}

TEST_F(IndexTest, SyncMakesTheWalDurableAndMayBeCalledByMany) {
  const auto index = open();
  index->mark_ours("f");
  index->sync();
  index->sync();
  EXPECT_TRUE(index->layer_file("f"));
}

}  // namespace
}  // namespace neffs::test
