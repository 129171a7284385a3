// A registry of ten thousand entries, as a public cache gets them: found all, and asked for once.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using nlohmann::json;

constexpr int kModels = 100;
constexpr int kEntriesEach = 100;
const std::string kRepo = "lab/large";
const std::vector<std::string> kCompilers = {"2.20.9961.0+0acef03a", "2.21.33363.0+82129205"};
const std::vector<std::string> kReleases = {"0.1.0", "0.3.0"};

std::string model_id(int model) {
  return fmt::format("lab/model-{}", model);
}

// One of each four is of one compiler and release; every batch size is there once.
std::string path_of(int model, int number) {
  const auto& release = kReleases[static_cast<std::size_t>(number / 2 % 2)];
  return fmt::format("neuronxcc-{}/0_REGISTRY/{}/{}llama/{}/{:020x}.json",
                     kCompilers[static_cast<std::size_t>(number % 2)], release,
                     release == "0.1.0" ? "inference/" : "", model_id(model),
                     model * kEntriesEach + number);
}

std::string text_of(int model, int number) {
  return json({{"_model_id", model_id(model)},
               {"_task", "text-generation"},
               {"model_type", "llama"},
               {"neuron",
                {{"batch_size", number + 1},
                 {"sequence_length", 4096},
                 {"tp_degree", 2},
                 {"torch_dtype", "bfloat16"},
                 {"target", "trn1"}}}})
      .dump(2);
}

class LargeRegistryTest : public MountTest {
 protected:
  LargeRegistryTest() {
    std::vector<NewFile> files;
    for (int model = 0; model < kModels; ++model)
      for (int number = 0; number < kEntriesEach; ++number)
        files.emplace_back(path_of(model, number), text_of(model, number), false);
    repo_.commit(files);
  }
  json ask(std::vector<std::string> words) const {
    words.push_back("--json");
    const Ended ended = neffs(words);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return json::parse(ended.out);
  }
  // What the same words cost when nothing has changed.
  std::size_t requests_of(const std::vector<std::string>& words) {
    const auto before = hub_.traffic().total();
    ask(words);
    return hub_.traffic().total() - before;
  }

  TestRepo& repo_ = hub_.create_repo(kRepo);
};

TEST_F(LargeRegistryTest, EveryEntryOfAModelIsFoundAndNoOther) {
  const std::vector<std::string> words = {"lookup", model_id(42), "--repo_id", kRepo};
  const auto entries = ask(words).at("entries");
  ASSERT_EQ(entries.size(), static_cast<std::size_t>(kEntriesEach));
  std::size_t at = 0;
  for (const int of_compiler : {1, 0})
    for (const int of_release : {1, 0})
      for (int number = 0; number < kEntriesEach; ++number) {
        if (number % 2 != of_compiler || number / 2 % 2 != of_release) continue;
        EXPECT_EQ(entries.at(at).at("model_id"), model_id(42));
        EXPECT_EQ(entries.at(at++).at("batch_size"), number + 1);
      }
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kResolveGet}),
            static_cast<std::size_t>(kEntriesEach))
      << "of the others no text is read";
  EXPECT_EQ(requests_of(words), 1U) << requests();
  auto filtered = words;
  filtered.insert(filtered.end(), {"--batch_size", "7"});
  EXPECT_EQ(ask(filtered).at("entries").size(), 1U);
  EXPECT_EQ(requests_of(filtered), 1U);
}

TEST_F(LargeRegistryTest, ListCountsThemAll) {
  const std::vector<std::string> words = {"list", kRepo};
  const auto compilers = ask(words).at("compilers");
  ASSERT_EQ(compilers.size(), 2U);
  for (const auto& compiler : compilers) {
    const auto& models = compiler.at("models");
    ASSERT_EQ(models.size(), static_cast<std::size_t>(kModels));
    for (const auto& model : models) EXPECT_EQ(model.at("configurations"), kEntriesEach / 2);
  }
  EXPECT_EQ(requests_of(words), 1U) << requests();
  // What has come since is all that is asked for: the folder that it is in, and its text.
  repo_.commit({{path_of(kModels, 0), text_of(kModels, 0), false}});
  EXPECT_EQ(ask({"lookup", model_id(kModels), "--repo_id", kRepo}).at("entries").size(), 1U);
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kResolveGet}), 1U) << requests();
}

}  // namespace
}  // namespace neffs::test
