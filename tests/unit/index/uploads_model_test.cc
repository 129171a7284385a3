// Random verbs, done to the index and to a plain model of it: both must always say the same. What
// differs is made as short as possible and printed; NEFFS_SEED repeats one seed.
#include <fmt/format.h>

#include <cstdlib>
#include <random>

#include "tests/unit/index/upload_world.h"

namespace neffs::test {
namespace {

class UploadsModelTest : public IndexTest, public testing::WithParamInterface<unsigned> {
 protected:
  // Where they differ first, and how; nullopt if never.
  std::optional<std::pair<std::size_t, std::string>> run(const std::vector<Step>& steps) {
    const auto file = directory_ / fmt::format("index{}.sqlite", ++runs_);
    World world(file);
    for (std::size_t step = 0; step < steps.size(); ++step) {
      world.run(steps[step]);
      if (auto difference = world.difference(); !difference.empty())
        return std::pair(step, std::move(difference));
    }
    return std::nullopt;
  }

  // Leaves out what it can, half of the steps at a time, then less.
  std::vector<Step> shrink(std::vector<Step> steps) {
    for (std::size_t size = steps.size() / 2; size > 0; size /= 2) {
      for (std::size_t from = 0; from + size <= steps.size();) {
        auto fewer = steps;
        const auto begin = fewer.begin() + static_cast<std::ptrdiff_t>(from);
        fewer.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
        if (run(fewer))
          steps = std::move(fewer);
        else
          from += size;
      }
    }
    return steps;
  }

  static unsigned seed() {
    const char* const wanted = std::getenv("NEFFS_SEED");
    return wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : GetParam();
  }

 private:
  int runs_ = 0;
};

TEST_P(UploadsModelTest, SaysWhatTheModelSays) {
  std::mt19937 random(seed());
  std::vector<Step> steps(400);
  for (auto& step : steps) {
    step.verb = static_cast<unsigned>(random());
    for (auto& number : step.numbers) number = static_cast<unsigned>(random() >> 8);
  }
  const auto failure = run(steps);
  if (!failure) return;
  steps.resize(failure->first + 1);
  const auto shortest = shrink(std::move(steps));
  std::string text;
  for (const auto& [verb, numbers] : shortest)
    text += fmt::format("\n  {}: {}", verb % World::kVerbs, fmt::join(numbers, ", "));
  FAIL() << "seed " << seed() << ": " << run(shortest)->second << " after" << text;
}

INSTANTIATE_TEST_SUITE_P(Seeds, UploadsModelTest, testing::Range(1U, 13U));

}  // namespace
}  // namespace neffs::test
