// The registry in all the layouts that it has had, as rows of tables.
#include "fs/registry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace neffs::test {
namespace {

using namespace fs;  // NOLINT(google-build-using-namespace): the room under test

const std::string kFolder = "neuronxcc-2.21.33363.0+82129205";
const std::string kDigest(64, 'a');

TEST(Registry, ThePathsOfAllLayouts) {
  struct Row {
    std::string inside;  // below 0_REGISTRY
    RegistryPath wanted;
  };
  const std::string compiler = "2.21.33363.0+82129205";
  const Row rows[] = {
      {"0.0.18/llama/org/model/1f.json",
       {kFolder, compiler, "0.0.18", "", "llama", "org/model", "", "1f"}},
      {"0.1.0/inference/llama/org/model/1f.json",
       {kFolder, compiler, "0.1.0", "inference", "llama", "org/model", "", "1f"}},
      {"0.0.19/training/bert/org/model/1f.json",
       {kFolder, compiler, "0.0.19", "training", "bert", "org/model", "", "1f"}},
      {"0.3.0/llama/org/model/1f.json",
       {kFolder, compiler, "0.3.0", "", "llama", "org/model", "", "1f"}},
      {"0.4.5/" + kDigest + "/1f.json", {kFolder, compiler, "0.4.5", "", "", "", kDigest, "1f"}},
      // A model without a namespace, with and without a mode.
      {"0.3.0/gpt2/gpt2/1f.json", {kFolder, compiler, "0.3.0", "", "gpt2", "gpt2", "", "1f"}},
      {"0.1.0/inference/gpt2/gpt2/1f.json",
       {kFolder, compiler, "0.1.0", "inference", "gpt2", "gpt2", "", "1f"}},
      {"0.4.5.dev1/llama/org/inference/1f.json",
       {kFolder, compiler, "0.4.5.dev1", "", "llama", "org/inference", "", "1f"}}};
  for (const Row& row : rows) {
    const auto path = parse_registry_path(kFolder + "/0_REGISTRY/" + row.inside);
    ASSERT_TRUE(path) << row.inside;
    EXPECT_EQ(*path, row.wanted) << row.inside;
  }
  for (const std::string other :
       {"0.3.0/1f.json", "0.3.0/short/1f.json", "0.3.0/llama/org/model/1f.txt",
        "0.3.0/llama/org/model/.1f.json", "1f.json", "0.3.0/llama/../model/1f.json"})
    EXPECT_FALSE(parse_registry_path(kFolder + "/0_REGISTRY/" + other)) << other;
  EXPECT_FALSE(parse_registry_path("0_REGISTRY/0.3.0/llama/org/model/1f.json"));
  EXPECT_FALSE(parse_registry_path(kFolder + "/MODULE_1+abcdef01/model.neff"));
  EXPECT_FALSE(parse_registry_path(""));
}

RegistryPath path_of(const std::string& inside) {
  return parse_registry_path(kFolder + "/0_REGISTRY/" + inside).value();
}

TEST(Registry, TheEntriesOfAllReleases) {
  const auto path = path_of("0.4.4/llama/org/model/1f.json");
  const auto now = read_registry_entry(path, R"({"_entry_class": "SingleModelCacheEntry",
      "_model_id": "org/model", "_task": "text-generation", "hidden_size": 2048,
      "neuron": {"batch_size": 4, "sequence_length": 4096, "tp_degree": 2,
                 "torch_dtype": "torch.bfloat16", "target": "trn1"}})");
  ASSERT_TRUE(now);
  EXPECT_EQ(*now, (RegistryEntry{path, "org/model", "llama", "text-generation", 4, 4096, 2,
                                 "bfloat16", "trn1", "0.4.4"}));

  const auto old_path = path_of("0.1.0/inference/llama/org/old/1f.json");
  const auto old = read_registry_entry(old_path, R"({"hidden_size": 2048, "torch_dtype": "float16",
      "neuron": {"batch_size": "1", "sequence_length": 2048, "num_cores": 24,
                 "auto_cast_type": "bf16", "task": "text-generation"}})");
  ASSERT_TRUE(old);
  EXPECT_EQ(*old, (RegistryEntry{old_path, "org/old", "llama", "text-generation", 1, 2048, 24,
                                 "bfloat16", "", "0.1.0"}));

  const auto digest = path_of("0.4.5/" + kDigest + "/1f.json");
  const auto named = read_registry_entry(digest, R"({"_model_id": "org/new", "model_type": "qwen3",
      "neuron": {"checkpoint_id": "org/other", "target": "trn2"}})");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->model_id, "org/new");
  EXPECT_EQ(named->model_type, "qwen3");
  EXPECT_FALSE(named->batch_size);

  const auto pipeline = read_registry_entry(path_of("0.3.0/stable-diffusion/org/sd/1f.json"),
                                            R"({"_entry_class": "MultiModelCacheEntry",
      "text_encoder": {"neuron": {"static_batch_size": 9}},
      "unet": {"neuron": {"static_batch_size": 1, "auto_cast_type": "fp16"}}})");
  ASSERT_TRUE(pipeline);
  EXPECT_EQ(pipeline->batch_size, 1U) << "the unet's, which is what takes the time";
  EXPECT_EQ(pipeline->dtype, "float16");
}

TEST(Registry, WhatIsNoConfigurationIsNoEntry) {
  const auto path = path_of("0.3.0/llama/org/model/1f.json");
  for (const char* text : {"", "{", "[]", "\"neuron\"", "{}", R"({"neuron": 3})",
                           R"({"a": [1, {"neuron": {}}]})", R"({"a": null})"})
    EXPECT_FALSE(read_registry_entry(path, text)) << text;
  const auto odd = read_registry_entry(path, R"({"_model_id": 7, "neuron": {"batch_size": -1,
      "sequence_length": "12a", "tp_degree": "99999999999999999999", "torch_dtype": null}})");
  ASSERT_TRUE(odd) << "odd values are as good as none";
  EXPECT_EQ(odd->model_id, "org/model");
  EXPECT_FALSE(odd->batch_size || odd->sequence_length || odd->tensor_parallel_size);
}

TEST(Registry, TheSettingsOfAnEntry) {
  using Settings = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(registry_settings(R"({"neuron": {"b": "x", "a": 3, "c": [1], "d": null, "e": true}})"),
            (Settings{{"a", "3"}, {"b", "x"}, {"e", "true"}}));
  EXPECT_TRUE(registry_settings("no JSON").empty());
}

TEST(Registry, Filters) {
  RegistryEntry entry;
  entry.task = "text-generation";
  entry.batch_size = 4;
  entry.dtype = "bfloat16";
  struct Row {
    RegistryFilter filter;
    bool matches;
  };
  const Row rows[] = {{{}, true},
                      {{.task = "text-generation"}, true},
                      {{.task = "fill-mask"}, false},
                      {{.instance_type = "trn1"}, false},
                      {{.dtype = "bf16"}, true},
                      {{.dtype = "float16"}, false},
                      {{.batch_size = 4}, true},
                      {{.batch_size = 1}, false},
                      {{.sequence_length = 1}, false},
                      {{.dtype = "bfloat16", .batch_size = 4, .tensor_parallel_size = 2}, false}};
  for (std::size_t i = 0; i < std::size(rows); ++i)
    EXPECT_EQ(matches(entry, rows[i].filter), rows[i].matches) << "row " << i;
}

TEST(Registry, AnArchitectureIsWhatBothTell) {
  const std::string entry = R"({"model_type": "llama", "hidden_size": 2048, "_model_id": "a/b",
      "transformers_version": "4.1", "torch_dtype": "bfloat16", "neuron": {"batch_size": 1}})";
  EXPECT_TRUE(is_of_architecture(entry, R"({"model_type": "llama", "hidden_size": 2048,
      "transformers_version": "4.9", "torch_dtype": "float16", "vocab_size": 1})"));
  EXPECT_FALSE(is_of_architecture(entry, R"({"model_type": "llama", "hidden_size": 4096})"));
  EXPECT_FALSE(is_of_architecture(entry, R"({"model_type": "qwen3", "hidden_size": 2048})"));
  EXPECT_FALSE(is_of_architecture(entry, R"({"model_type": "llama"})")) << "nothing in common";
  EXPECT_FALSE(is_of_architecture(entry, "no JSON"));
  EXPECT_FALSE(is_of_architecture("", entry));
}

TEST(Registry, VersionsByTheirNumbers) {
  for (const auto& [newer, older] :
       std::vector<std::pair<std::string, std::string>>{{"2.21.1", "2.9.5"},
                                                        {"2.21.33363.0+82129205", "2.21.5.0+ffff"},
                                                        {"0.4.10", "0.4.9"},
                                                        {"0.4.5.dev1", "0.4.5"},
                                                        {"1", ""}}) {
    EXPECT_TRUE(is_newer_version(newer, older)) << newer;
    EXPECT_FALSE(is_newer_version(older, newer)) << older;
  }
  EXPECT_FALSE(is_newer_version("2.1", "2.1"));
}

}  // namespace
}  // namespace neffs::test
