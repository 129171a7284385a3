// `neffs lookup` and `neffs list`: what is in a repo, without a mount.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

class RegistryCommandsTest : public MountTest {
 protected:
  Ended run(Words words) const { return neffs(words); }
  json lookup(Words more = {}, const std::string& model = sample::kModel) const {
    more.insert(more.begin(), {"lookup", model, "--json"});
    const Ended ended = neffs(more);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return json::parse(ended.out).at("entries");
  }
  std::filesystem::path config(const std::string& text) const {
    const auto directory = scratch_ / "model";
    std::filesystem::create_directories(directory);
    write_file(directory / "config.json", text);
    return directory;
  }

  TestRepo& repo_ = sample::create(hub_);
};

// SEMANTICS 28: what any release has noted is found, once, the newest first.
TEST_F(RegistryCommandsTest, LookupFindsWhatEveryReleaseHasNoted) {
  const auto entries = lookup();
  std::vector<std::string> found;
  for (const auto& entry : entries)
    found.push_back(entry.at("compiler").get<std::string>().substr(0, 4) + " " +
                    entry.at("optimum_neuron").get<std::string>() + " " + entry.at("mode").dump() +
                    " " + entry.at("batch_size").dump());
  EXPECT_EQ(found, Words({"2.21 0.4.5 null 1", "2.21 0.3.0 null 4", "2.19 0.1.0 \"inference\" 1",
                          "2.19 0.1.0 \"training\" 8", "2.14 0.0.18 null 1"}));
  EXPECT_EQ(entries.at(0), json({{"repo", sample::kRepo},
                                 {"revision", "main"},
                                 {"compiler", "2.21.33363.0+82129205"},
                                 {"optimum_neuron", "0.4.5"},
                                 {"model_id", sample::kModel},
                                 {"model_type", "llama"},
                                 {"mode", nullptr},
                                 {"task", "text-generation"},
                                 {"batch_size", 1},
                                 {"sequence_length", 4096},
                                 {"tensor_parallel_size", 2},
                                 {"dtype", "bfloat16"},
                                 {"instance_type", "trn1"}}));
}

TEST_F(RegistryCommandsTest, LookupPrintsATable) {
  const Ended ended = run({"lookup", sample::kModel, "--batch_size", "4"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(
      ended.out,
      "Cached entries for meta-llama/Llama-3.2-1B\n\n"
      "aws-neuron/optimum-neuron-cache, neuronx-cc 2.21.33363.0+82129205\n"
      "  batch size  sequence length  tensor parallel  dtype     instance type  task          "
      "   optimum-neuron  model\n"
      "  4           4096             2                bfloat16  trn1           "
      "text-generation  0.3.0           meta-llama/Llama-3.2-1B\n");
  const Ended none = run({"lookup", "org/unknown"});
  EXPECT_EQ(none.exit_code, 0) << "to find nothing is no failure, as of optimum-cli";
  EXPECT_EQ(none.out, "No cached entries found for org/unknown.\n");
}

TEST_F(RegistryCommandsTest, LookupPrintsTheOlderBlock) {
  const Ended ended = run({"lookup", sample::kModel, "--batch_size", "4", "--legacy"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "\n*** 1 entrie(s) found in cache for meta-llama/Llama-3.2-1B ***\n\n"
            "\nbatch_size: 4\ncheckpoint_id: meta-llama/Llama-3.2-1B"
            "\nneuronxcc_version: 2.21.33363.0+82129205\noptimum_neuron_version: 0.3.0"
            "\nsequence_length: 4096\ntarget: trn1\ntorch_dtype: bfloat16\ntp_degree: 2\n");
  const Ended none = run({"lookup", "org/unknown", "--legacy"});
  EXPECT_EQ(none.out, "\n*** 0 entrie(s) found in cache for org/unknown ***\n\n");
}

TEST_F(RegistryCommandsTest, LookupFilters) {
  struct Row {
    Words more;
    std::size_t found;
  };
  const Row rows[] = {{{"--task", "text-generation"}, 5},
                      {{"--task", "fill-mask"}, 0},
                      {{"--instance_type", "trn1"}, 5},
                      {{"--instance_type=inf2"}, 0},
                      {{"--dtype", "bfloat16"}, 5},
                      {{"--dtype", "float16"}, 0},
                      {{"--tensor_parallel_size=2"}, 5},
                      {{"--tensor_parallel_size", "8"}, 0},
                      {{"--batch_size", "1"}, 3},
                      {{"--sequence_length", "4096"}, 5},
                      {{"--repo_id", sample::kRepo}, 5},
                      {{"--repo_id", sample::kRepo + "@v1"}, 3},
                      {{"--batch_size=8", "--dtype=bf16"}, 1}};
  for (const Row& row : rows)
    EXPECT_EQ(lookup(row.more).size(), row.found) << testing::PrintToString(row.more);
}

TEST_F(RegistryCommandsTest, LookupTakesADirectoryForWhatIsInItsConfig) {
  const auto fits = config(R"({"model_type": "llama", "hidden_size": 2048, "vocab_size": 9})");
  EXPECT_EQ(lookup({}, fits.string()).size(), 5U);
  config(R"({"model_type": "llama", "hidden_size": 4096})");
  EXPECT_EQ(lookup({}, fits.string()).size(), 0U);
  config("{");
  const Ended broken = run({"lookup", fits.string()});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_EQ(broken.err, "neffs: " + (fits / "config.json").string() +
                            ": no JSON object (it describes no model)\n");
  EXPECT_EQ(run({"lookup", (scratch_ / "absent").string()}).exit_code, 1);
}

// A fine-tune that was never compiled itself has the entries of its architecture, and the same model under
// another name is found there.
TEST_F(RegistryCommandsTest, LookupFindsTheModelsOfOneArchitecture) {
  const std::string digest(64, 'd');
  const auto entry_of = [](const std::string& model, int batch_size) {
    return json({{"_model_id", model},
                 {"model_type", "qwen3"},
                 {"neuron", {{"batch_size", batch_size}, {"target", "trn2"}}}})
        .dump(2);
  };
  const auto base = sample::kRegistry + "/";
  repo_.commit({{base + digest + "/aa.json", entry_of("org/base", 1)},
                {base + "qwen3/org/base/aa.json", entry_of("org/base", 1)},
                {base + digest + "/bb.json", entry_of("org/tuned", 2)},
                {base + "qwen3/org/tuned/bb.json", entry_of("org/tuned", 2)}});
  const auto entries = lookup({}, "org/base");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries.at(0).at("model_id"), "org/base");
  EXPECT_EQ(entries.at(1).at("model_id"), "org/tuned");
}

// SEMANTICS 28: what was read once is not asked for again.
TEST_F(RegistryCommandsTest, LookupAsksForTheHeadAloneTheNextTime) {
  const auto first = lookup({"--repo_id", sample::kRepo});
  const auto before = hub_.traffic().total();
  EXPECT_EQ(lookup({"--repo_id", sample::kRepo}), first);
  EXPECT_EQ(hub_.traffic().total() - before, 1U) << requests();

  // Another commit that leaves the registry alone costs the listing of the root and of what changed.
  repo_.commit({{"README.md", "new\n"}});
  const auto moved = hub_.traffic().total();
  EXPECT_EQ(lookup({"--repo_id", sample::kRepo}), first);
  EXPECT_EQ(hub_.traffic().total() - moved, 2U) << requests();
}

// A large registry takes more requests than the Hub allows at once: nothing that was read is read again.
TEST_F(RegistryCommandsTest, LookupGoesOnWhereTheHubStoppedIt) {
  constexpr int kEntries = 60;
  constexpr int kAllowed = 25;
  std::vector<NewFile> files;
  for (int number = 0; number < kEntries; ++number)
    files.push_back(
        {"neuronxcc-2.21.33363.0+82129205/0_REGISTRY/0.3.0/bert/org/bert/" +
             std::to_string(number) + ".json",
         json({{"model_type", "bert"}, {"hidden_size", 768}, {"neuron", {{"batch_size", number}}}})
             .dump()});
  hub_.create_repo("lab/many").commit(files);
  const auto model = config(R"({"model_type": "bert", "hidden_size": 768})").string();
  const auto downloads = [&] { return hub_.traffic().count(Kind::kResolveGet); };
  hub_.set_rate_policy({{1000, kAllowed, 1000}, {1000, kAllowed, 1000}, 300});
  const Ended stopped = run({"lookup", model, "--repo_id", "lab/many"});
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_NE(stopped.err.find(" of 60 entries were read: "), std::string::npos) << stopped.err;
  EXPECT_NE(stopped.err.find("they are kept: the same command in "), std::string::npos)
      << stopped.err;
  hub_.set_rate_policy({{1000, 1000, 1000}, {1000, 1000, 1000}, 300});
  EXPECT_EQ(lookup({"--repo_id", "lab/many"}, model).size(), kEntries);
  EXPECT_LE(downloads(), kEntries + 8U) << "eight at once may have been refused";
}

TEST_F(RegistryCommandsTest, ADamagedCacheIsAskedForAnew) {
  const auto first = lookup();
  const auto file = std::filesystem::path(variables().at("HOME")) / ".cache/neffs/objects";
  const auto whole = read_file(file).text;
  ASSERT_GT(whole.size(), 1000U);
  std::string changed = whole;
  for (std::size_t i = 300; i < changed.size(); i += 40) changed[i] ^= 1;
  for (const std::string& text :
       {changed, whole.substr(0, whole.size() / 2), std::string("nonsense"), std::string()}) {
    write_file(file, text);
    EXPECT_EQ(lookup(), first);
  }
  const auto before = hub_.traffic().total();
  EXPECT_EQ(lookup(), first);
  EXPECT_EQ(hub_.traffic().total() - before, 1U) << "it is whole again: " << requests();
}

TEST_F(RegistryCommandsTest, LookupAsksTheDefaultReposInTheirOrder) {
  auto& own = hub_.create_repo("lab/cache", {.is_private = true});
  hub_.add_token("hf_w", {.user = "ada", .roles = {{"lab/cache", Role::kWrite}}});
  own.commit({{sample::kRegistry + "/llama/" + sample::kModel + "/aa.json",
               R"({"_model_id": "meta-llama/Llama-3.2-1B", "neuron": {"batch_size": 32}})"}});
  const Ended ended = neffs({"lookup", sample::kModel, "--json"},
                            {{"HF_TOKEN", "hf_w"}, {"CUSTOM_CACHE_REPO", "lab/cache"}});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const auto entries = json::parse(ended.out).at("entries");
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries.at(0).at("repo"), "lab/cache");
  EXPECT_EQ(entries.at(0).at("batch_size"), 32);
  EXPECT_EQ(entries.at(1).at("repo"), sample::kRepo);
}

TEST_F(RegistryCommandsTest, LookupRefusesWhatItCannotDo) {
  hub_.create_repo("lab/empty");
  struct Row {
    Words words;
    int exit_code;
    std::string said;
  };
  const Row rows[] = {{{"lookup"}, 2, "MODEL is required"},
                      {{"lookup", "a/b", "--batch_size", "x"}, 2, "--batch_size"},
                      {{"lookup", "a/b", "--batchsize", "1"}, 2, "is --batch_size meant?"},
                      {{"lookup", "a/b", "--json", "--legacy"}, 2, "--legacy"},
                      {{"lookup", "a/b", "--repo_id", "lab"}, 2, "lab"},
                      {{"lookup", "a/b", "--repo_id", "lab/none"}, 1, "lab/none"},
                      {{"lookup", "a/b", "--repo_id", "lab/empty"}, 1, "lab/empty: no registry"},
                      {{"list", "lab/none"}, 1, "lab/none"},
                      {{"list", "lab/a,lab/b"}, 2, "one repo at a time"}};
  for (const Row& row : rows) {
    const Ended ended = run(row.words);
    EXPECT_EQ(ended.exit_code, row.exit_code) << testing::PrintToString(row.words) << ended.err;
    EXPECT_EQ(ended.err.find("neffs: "), 0U) << ended.err;
    EXPECT_NE(ended.err.find(row.said), std::string::npos) << ended.err;
    EXPECT_EQ(ended.out, "");
  }
}

// SEMANTICS 28: every compiler with its models and finished modules.
TEST_F(RegistryCommandsTest, ListCountsWhatIsThere) {
  const Ended ended = run({"list", sample::kRepo, "--json"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const auto listed = json::parse(ended.out);
  EXPECT_EQ(listed.at("commit"), repo_.head());
  ASSERT_EQ(listed.at("compilers").size(), 3U);
  const auto& current = listed.at("compilers").at(0);
  EXPECT_EQ(current.at("folder"), sample::kVersion);
  EXPECT_EQ(current.at("modules"), 5) << current;
  EXPECT_EQ(current.at("unfinished"), 3) << current;
  EXPECT_EQ(current.at("models"),
            json::array({{{"model_id", sample::kModel}, {"configurations", 2}}}));
  std::uint64_t bytes = 0;
  for (const auto& module :
       {sample::kTrainingModule, sample::kTransformerModule, sample::kInferenceModule,
        sample::kFinishedLockedModule, sample::kTracedModule})
    for (const auto& entry : *repo_.list(repo_.head(), module, true)) bytes += entry.size;
  EXPECT_EQ(current.at("bytes"), bytes);

  const auto before = hub_.traffic().total();
  EXPECT_EQ(run({"list", sample::kRepo, "--json"}).out, ended.out);
  EXPECT_EQ(hub_.traffic().total() - before, 1U) << requests();
}

TEST_F(RegistryCommandsTest, ListPrintsCompilersWithTheirModels) {
  const Ended ended = run({"list", sample::kRepo});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            sample::kRepo + " at " + repo_.head().substr(0, 12) +
                "\n\nneuronxcc-2.21.33363.0+82129205: 5 modules, 12 MiB; 3 unfinished or "
                "failed\n  meta-llama/Llama-3.2-1B  2 configurations\n"
                "\nneuronxcc-2.19.8089.0+8ab9f450: 1 module, 1.2 MiB\n"
                "  meta-llama/Llama-3.2-1B  2 configurations\n"
                "\nneuronxcc-2.14.227.0+2d4f85be: 2 modules, 1.3 MiB; 1 unfinished or "
                "failed\n  meta-llama/Llama-3.2-1B  1 configuration\n");
  EXPECT_EQ(ended.err, "") << "no progress where nobody looks";
}

TEST_F(RegistryCommandsTest, ListShowsOneModelOrCompiler) {
  const Ended ended = run({"list", "-m", sample::kModel, "-v", "2.19"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find(sample::kRepo + " at " + repo_.head().substr(0, 12) + "\n\n" +
                           sample::kPreviousVersion + ": 1 module, "),
            std::string::npos)
      << ended.out;
  EXPECT_NE(ended.out.find("\n  meta-llama/Llama-3.2-1B  2 configurations\n"
                           "                           text-generation, batch 1, sequence 4096, 2 "
                           "cores, bfloat16, trn1, optimum-neuron 0.1.0\n"),
            std::string::npos)
      << ended.out;
  EXPECT_EQ(ended.out.find(sample::kVersion), std::string::npos);
  const Ended none = run({"list", "--model", "org/unknown"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_NE(none.out.find("nothing in it that was asked for"), std::string::npos) << none.out;
}

}  // namespace
}  // namespace neffs::test
