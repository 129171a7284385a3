// What is published and what never is, as rows of tables.
#include "fs/publishable.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace neffs::test {
namespace {

using namespace fs;  // NOLINT(google-build-using-namespace): the room under test

TEST(Publishable, TheKindsOfNames) {
  struct Row {
    const char* path;
    Piece piece;
  };
  const Row rows[] = {
      {"neuronxcc-2.21+8/MODULE_18108742649528384371+abcdef01", Piece::kCompiled},
      {"neuronxcc-2.21+8/MODULE_0123456789abcdef0123+abcdef01", Piece::kCompiled},
      {"neuronxcc-2/MODULE_1+abcdef01", Piece::kCompiled},
      {"neuronxcc-2/MODULE_0123456789abcdef0123", Piece::kTraced},
      {"neuronxcc-2/0_REGISTRY/0.4.0/llama/org/model/0a1b.json", Piece::kRegistry},
      {"neuronxcc-2/0_REGISTRY/x.json", Piece::kRegistry},
      {"neuronxcc-2/MODULE_1+abcdef01.bad", Piece::kNone},
      {"neuronxcc-2/MODULE_1+abcdef01~", Piece::kNone},
      {"neuronxcc-2/MODULE_1+abcdef0", Piece::kNone},
      {"neuronxcc-2/MODULE_1+abcdef012", Piece::kNone},
      {"neuronxcc-2/MODULE_1+ABCDEF01", Piece::kNone},
      {"neuronxcc-2/MODULE_1+abcdefg1", Piece::kNone},
      {"neuronxcc-2/MODULE_+abcdef01", Piece::kNone},
      {"neuronxcc-2/MODULE_x+abcdef01", Piece::kNone},
      {"neuronxcc-2/MODULE_1+2+abcdef01", Piece::kNone},
      {"neuronxcc-2/MODULE_1", Piece::kNone},
      {"neuronxcc-2/MODULE_", Piece::kNone},
      {"neuronxcc-2/MODULE_0123456789abcdef012", Piece::kNone},
      {"neuronxcc-2/MODULE_0123456789abcdef01234", Piece::kNone},
      {"neuronxcc-2/MODULE_0123456789ABCDEF0123", Piece::kNone},
      {"neuronxcc-2/MODULE_1+abcdef01/model.neff", Piece::kNone},
      {"other/MODULE_1+abcdef01", Piece::kNone},
      {"MODULE_1+abcdef01", Piece::kNone},
      {"neuronxcc-\xff/MODULE_1+abcdef01", Piece::kNone},
      {"neuronxcc-\n/MODULE_1+abcdef01", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/x", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/x.json.lock", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/.hidden/x.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/tmpabc/x.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/tmpabc.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/a/../x.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/a//x.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRY/\xff.json", Piece::kNone},
      {"neuronxcc-2/0_REGISTRYx/x.json", Piece::kNone},
      {"other/0_REGISTRY/x.json", Piece::kNone},
      {"neuronxcc-2", Piece::kNone},
      {"README.md", Piece::kNone},
      {"lock", Piece::kNone},
      {"", Piece::kNone},
  };
  for (const auto& row : rows) EXPECT_EQ(piece_of(row.path), row.piece) << row.path;
}

TEST(Publishable, WhatIsInARegistry) {
  for (const char* path :
       {"neuronxcc-2/0_REGISTRY", "neuronxcc-2/0_REGISTRY/0.4.0", "neuronxcc-2/0_REGISTRY/a/.tmp"})
    EXPECT_TRUE(is_in_registry(path)) << path;
  for (const char* path : {"", "neuronxcc-2", "neuronxcc-2/0_REGISTRYx", "0_REGISTRY/x.json",
                           "other/0_REGISTRY", "neuronxcc-2/MODULE_1/0_REGISTRY"})
    EXPECT_FALSE(is_in_registry(path)) << path;
}

TEST(Publishable, NamesThatStayHere) {
  for (const char* inside :
       {"model.neff", "model.done", "wrapped_neff.hlo", "unet/model.neuron", "a/b/c", "lock",
        "partial", "x.tmpl", "stmp", "model.log.txt", "a~b", "\xc3\xa9"})
    EXPECT_TRUE(is_published_name(inside)) << inside;
  for (const char* inside : {"model.log",
                             "unet/model.log",
                             "model.hlo_module.pb.lock",
                             "a/b.lock",
                             "a.lock/b",
                             ".hidden",
                             "a/.hidden",
                             ".git/config",
                             "x~",
                             "a~/x",
                             "x.tmp",
                             "x.part",
                             "a.part/x",
                             "tmp",
                             "tmpabc",
                             "a/tmpabc/b",
                             "",
                             "a//b",
                             "a/",
                             "../x",
                             "a\nb"})
    EXPECT_FALSE(is_published_name(inside)) << inside;
}

// --- modules ---------------------------------------------------------------------------------------

using Texts = std::map<std::string, std::string, std::less<>>;

ReadText reading(const Texts& texts) {
  return [&texts](std::string_view path) {
    const auto found = texts.find(path);
    return found == texts.end() ? std::string() : found->second;
  };
}

constexpr auto kSymlink = LocalFile::Kind::kSymlink;
constexpr auto kOther = LocalFile::Kind::kOther;
const std::string kHere = "neuronxcc-2.21.33363.0+82129205/MODULE_1+abcdef01";
const std::string kOldHere = "neuronxcc-2.14.213.0+013a129f/MODULE_1+abcdef01";
const std::string kTracedHere = "neuronxcc-2.21.33363.0+82129205/MODULE_0123456789abcdef0123";

TEST(Publishable, CompiledModules) {
  using Files = std::vector<LocalFile>;
  using enum PublishState;
  const Files done = {{"compile_flags.json"}, {"model.neff"}, {"model.done"}};
  const auto with = [&](LocalFile file) {
    auto files = done;
    files.push_back(file);
    return files;
  };
  struct Row {
    std::string path;
    LocalState state;
    Files files;
    bool is_adopted;
    PublishState expected;
    const char* why;
  };
  const auto complete = LocalState::kComplete;
  const std::vector<Row> rows = {
      {kHere, complete, done, false, kReady, "complete"},
      {kHere, complete, done, true, kReady, "complete"},
      {kHere, complete, with({"model.log"}), false, kReady, "complete"},
      {kHere, complete, with({"model.hlo_module.pb.lock"}), false, kLocked, "locked"},
      {kHere, complete, with({"a/b.lock"}), false, kLocked, "locked"},
      {kHere, complete, with({"a.lock", kSymlink}), false, kLocked, "locked"},
      {kHere, complete, with({"a", kSymlink}), false, kFailed, "holds a symlink: a"},
      {kHere, complete, with({"a/b", kSymlink}), false, kFailed, "holds a symlink: a/b"},
      {kHere, complete, with({"a", kOther}), false, kFailed, "holds what is no file: a"},
      {kHere, complete, with({"\xff"}), false, kFailed, "holds a name that is not UTF-8"},
      {kHere, complete, with({".#a", kSymlink}), false, kReady, "complete"},
      {kHere, complete, with({"tmp/a", kOther}), false, kReady, "complete"},
      {kHere, complete, with({".\xff"}), false, kReady, "complete"},
      {kHere, LocalState::kUnfinished, {{"model.neff"}}, false, kIncomplete, "no model.done"},
      {kHere, LocalState::kUnfinished, {{"model.done"}}, true, kIncomplete, "no model.neff"},
      {kHere, LocalState::kLocked, {{"a.lock"}}, false, kIncomplete, "no model.neff"},
      {kHere, LocalState::kFailed, {{"model.log"}}, true, kIncomplete, "a failed compilation"},
      {kOldHere,
       complete,
       {{"model.neff"}},
       false,
       kWhenAdopted,
       "its compiler writes no model.done: published only when it is adopted"},
      {kOldHere, complete, {{"model.neff"}}, true, kReady, "complete"},
      {kOldHere, complete, {{"model.neff"}, {"x.lock"}}, true, kLocked, "locked"},
      {kOldHere, complete, done, false, kReady, "complete"},
      {kOldHere, LocalState::kFailed, {{"model.neff"}}, true, kIncomplete, "a failed compilation"},
      {kHere + ".bad", complete, done, true, kNever,
       "its name is not of the kind that is published"},
  };
  for (const auto& row : rows) {
    const auto publishing =
        judge_module_to_publish({row.path, row.state, row.files, row.is_adopted}, reading({}));
    EXPECT_EQ(publishing.state, row.expected) << row.path << ": " << row.why;
    EXPECT_EQ(publishing.why, row.why) << row.path;
  }
}

TEST(Publishable, TracedModules) {
  using Files = std::vector<LocalFile>;
  using enum PublishState;
  const std::string pipeline =
      R"({"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30",
          "unet": ["optimum", "NeuronModelUnet"], "vae": ["diffusers", "AutoencoderKL"],
          "image_encoder": [null, null], "safety_checker": ["diffusers", "SafetyChecker"],
          "force_zeros": true})";
  const Files whole = {{"model_index.json"},
                       {"unet/model.neuron"},
                       {"vae_decoder/model.neuron"},
                       {"vae_encoder/model.neuron"}};
  const Files encoder = {{"config.json"}, {"model.neuron"}};
  const auto with = [](Files files, LocalFile file) {
    files.push_back(file);
    return files;
  };
  struct Row {
    Files files;
    Texts texts;
    PublishState expected;
    const char* why;
  };
  const Texts index = {{"model_index.json", pipeline}};
  const Texts config = {{"config.json", "{}"}};
  const std::vector<Row> rows = {
      {whole, index, kReady, "complete"},
      {with(whole, {"config.json"}), index, kReady, "complete"},
      {{{"model_index.json"}, {"unet/model.neuron"}, {"vae/config.json"}},
       index,
       kReady,
       "complete"},
      {{{"model_index.json"}, {"unet/model.neuron"}},
       index,
       kIncomplete,
       "no vae, which model_index.json names"},
      {{{"model_index.json"}, {"unet"}, {"vae/x"}},
       index,
       kIncomplete,
       "no unet, which model_index.json names"},
      {{{"model_index.json"}, {"unet/.x"}, {"unet/x.tmp"}, {"vae/x"}},
       index,
       kIncomplete,
       "no unet, which model_index.json names"},
      {{{"model_index.json"}, {"unet/config.json"}, {"vae/config.json"}},
       index,
       kIncomplete,
       "no compiled model, *.neuron"},
      {whole,
       {{"model_index.json", pipeline.substr(0, 90)}},
       kIncomplete,
       "model_index.json is no JSON object"},
      {whole, {{"model_index.json", "[]"}}, kIncomplete, "model_index.json is no JSON object"},
      {whole, {}, kIncomplete, "model_index.json is no JSON object"},
      {encoder, config, kReady, "complete"},
      {{{"config.json"}, {"encoder/model.neuron"}}, config, kReady, "complete"},
      {{{"config.json"}, {"vocab.txt"}}, config, kIncomplete, "no compiled model, *.neuron"},
      {{{"config.json"}, {"tmp/model.neuron"}}, config, kIncomplete, "no compiled model, *.neuron"},
      {encoder, {{"config.json", ""}}, kIncomplete, "config.json is no JSON object"},
      {{{"config.json", kSymlink}, {"model.neuron"}},
       config,
       kIncomplete,
       "neither config.json nor model_index.json"},
      {{{"model.neuron"}}, {}, kIncomplete, "neither config.json nor model_index.json"},
      {with(encoder, {"x.lock"}), config, kLocked, "locked"},
      {with(encoder, {"vocab.txt", kSymlink}), config, kFailed, "holds a symlink: vocab.txt"},
  };
  for (const auto& row : rows) {
    const auto publishing = judge_module_to_publish(
        {kTracedHere, LocalState::kComplete, row.files, false}, reading(row.texts));
    EXPECT_EQ(publishing.state, row.expected) << row.why;
    EXPECT_EQ(publishing.why, row.why);
    EXPECT_EQ(publishing.piece, Piece::kTraced);
  }
}

// --- registries ------------------------------------------------------------------------------------

TEST(Publishable, FilesOfRegistries) {
  using enum PublishState;
  const std::string path = "neuronxcc-2/0_REGISTRY/0.4.0/x.json";
  EXPECT_EQ(judge_registry_file(path, R"({"a": [1, "é"]})").state, kReady);
  for (const char* text : {"", "{", R"({"a": )", "x", "\xff"})
    EXPECT_EQ(judge_registry_file(path, text).state, kIncomplete) << text;
  EXPECT_EQ(judge_registry_file(path + "~", "{}").state, kNever);
}

TEST(Publishable, WhereAnAliasLeads) {
  const std::string folder = "neuronxcc-2/0_REGISTRY/0.4.5/";
  const std::string file = folder + "0a1b/x.json";
  const std::string alias = folder + "llama/org/model/x.json";
  struct Row {
    std::string alias;
    std::string target;
    const char* mountpoint;
    std::optional<std::string> expected;
  };
  const std::vector<Row> rows = {
      {alias, "/mnt/cache/" + file, "/mnt/cache", file},
      {alias, "/mnt/cache/" + file, "/mnt/cache/", file},
      {alias, "/mnt//cache/./" + file, "/mnt/cache", file},
      {alias, "/mnt/other/../cache/" + file, "/mnt/cache", file},
      {alias, "/" + file, "/", file},
      {alias, "../../../0a1b/x.json", "/mnt/cache", file},
      {alias, "../../../0a1b/x.json", "", file},
      {alias, "/mnt/cache/" + file, "", std::nullopt},
      {alias, "/mnt/cache2/" + file, "/mnt/cache", std::nullopt},
      {alias, "/mnt/" + file, "/mnt/cache", std::nullopt},
      {alias, "/mnt/cache/../" + file, "/mnt/cache", std::nullopt},
      {alias, "/etc/passwd", "/mnt/cache", std::nullopt},
      {alias, "/etc/x.json", "/", std::nullopt},
      {alias, "../../../../../../../../etc/x.json", "/mnt/cache", std::nullopt},
      {alias, "/mnt/cache/neuronxcc-2/MODULE_1+abcdef01/compile_flags.json", "/mnt/cache",
       std::nullopt},
      {alias, "/mnt/cache/" + folder + "tmpx.json", "/mnt/cache", std::nullopt},
      {alias, "/mnt/cache", "/mnt/cache", std::nullopt},
      {alias, "x.json", "/mnt/cache", std::nullopt},
      {alias, "", "/mnt/cache", std::nullopt},
      {folder + ".x.json", "/mnt/cache/" + file, "/mnt/cache", std::nullopt},
      {kHere + "/x.json", "/mnt/cache/" + file, "/mnt/cache", std::nullopt},
  };
  for (const auto& row : rows)
    EXPECT_EQ(alias_target(row.alias, row.target, row.mountpoint), row.expected)
        << row.target << " on " << row.mountpoint;
}

}  // namespace
}  // namespace neffs::test
