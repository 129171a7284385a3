// Every rule of the cache as a row of a table.
#include "fs/cache_layout.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace neffs::test {
namespace {

using namespace fs;  // NOLINT(google-build-using-namespace): the room under test

TEST(CacheLayout, LocatesEveryKindOfPath) {
  struct Row {
    const char* path;
    Place place;
    const char* version;
    const char* module;
    const char* inside;
  };
  const Row rows[] = {
      {"", Place::kRoot, "", "", ""},
      {"README.md", Place::kTopLevel, "", "", ""},
      {"lock", Place::kTopLevel, "", "", ""},
      {"MODULE_1+abcdef01", Place::kTopLevel, "", "", ""},
      {"neuronxcc", Place::kTopLevel, "", "", ""},
      {"neuronxcc-2.21+8", Place::kVersion, "neuronxcc-2.21+8", "", ""},
      {"neuronxcc-", Place::kVersion, "neuronxcc-", "", ""},
      {"neuronxcc-2/MODULE_1+a", Place::kModule, "neuronxcc-2", "neuronxcc-2/MODULE_1+a", ""},
      {"neuronxcc-2/MODULE_", Place::kModule, "neuronxcc-2", "neuronxcc-2/MODULE_", ""},
      {"neuronxcc-2/MODULE_1+a/model.neff", Place::kInsideModule, "neuronxcc-2",
       "neuronxcc-2/MODULE_1+a", "model.neff"},
      {"neuronxcc-2/MODULE_1/unet/model.neuron", Place::kInsideModule, "neuronxcc-2",
       "neuronxcc-2/MODULE_1", "unet/model.neuron"},
      {"neuronxcc-2/module_1/model.neff", Place::kElsewhere, "", "", ""},
      {"neuronxcc-2/0_REGISTRY/0.4.0/MODULE_1/x.json", Place::kElsewhere, "", "", ""},
      {"inference-cache-config/a.json", Place::kElsewhere, "", "", ""},
      {"other/MODULE_1/model.neff", Place::kElsewhere, "", "", ""},
  };
  for (const auto& row : rows) {
    const auto at = locate(row.path);
    EXPECT_EQ(at.place, row.place) << row.path;
    EXPECT_EQ(at.version, row.version) << row.path;
    EXPECT_EQ(at.module, row.module) << row.path;
    EXPECT_EQ(at.inside, row.inside) << row.path;
  }
}

TEST(CacheLayout, KnowsHostileNames) {
  struct Row {
    std::string name;
    bool at_root;
    bool hostile;
  };
  const std::vector<Row> rows = {
      {"", false, true},
      {".", false, true},
      {"..", false, true},
      {"...", false, false},
      {"a/b", false, true},
      {std::string("a\0b", 3), false, true},
      {"a\nb", false, true},
      {"a\x1b[2J", false, true},
      {"a\x7f", false, true},
      {"\xc3\xa9t\xc3\xa9", false, false},
      {"\xff\xfe", false, false},
      {"a b", false, false},
      {std::string(255, 'x'), false, false},
      {std::string(256, 'x'), false, true},
      {".cache", true, true},
      {".cache", false, false},
      {".neffs-control", true, true},
      {".neffs-control", false, false},
      {".cached", true, false},
      {"lock", true, false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(is_hostile_name(row.name, row.at_root), row.hostile) << row.name;
}

TEST(CacheLayout, KnowsLocks) {
  for (const char* path : {"lock", "a.lock", ".lock", "v/MODULE_1/model.hlo_module.pb.lock"})
    EXPECT_TRUE(is_lock(path)) << path;
  for (const char* path : {"", "locks", "v/lock", "v/MODULE_1/lock", "a.lock/b", "a.lock~", "Lock"})
    EXPECT_FALSE(is_lock(path)) << path;
}

TEST(CacheLayout, TellsInputsFromOutputs) {
  for (const char* inside : {"model.hlo_module.pb", "model.hlo.pb", "compile_flags.json",
                             "model.log", "model.hlo_module.pb.lock", "sub/x.lock"})
    EXPECT_TRUE(is_input(inside)) << inside;
  for (const char* inside : {"model.neff", "model.done", "wrapped_neff.hlo", "sub/model.log",
                             "config.json", "lock", "model.hlo_module.pb2", ""})
    EXPECT_FALSE(is_input(inside)) << inside;
}

TEST(CacheLayout, JudgesModules) {
  const std::string now = "neuronxcc-2.21.33363.0+82129205";
  const std::string old = "neuronxcc-2.14.213.0+013a129f";
  const std::string usual = "MODULE_123+abcdef01";
  const std::string traced = "MODULE_0123456789abcdef0123";
  using Files = std::vector<ModuleFile>;
  const Files done = {{"model.neff", 5000}, {"model.done", 0}};
  const Files neff = {{"model.neff", 5000}};
  struct Row {
    const char* what;
    std::string version;
    std::string name;
    Files files;
    ModuleState state;
  };
  const std::vector<Row> rows = {
      {"nothing", now, usual, {}, ModuleState::kUnfinished},
      {"inputs",
       now,
       usual,
       {{"compile_flags.json", 3}, {"model.hlo_module.pb", 3}},
       ModuleState::kUnfinished},
      {"finished", now, usual, done, ModuleState::kFinished},
      {"done without neff", now, usual, {{"model.done", 0}}, ModuleState::kUnfinished},
      {"neff without done", now, usual, neff, ModuleState::kUnfinished},
      {"log", now, usual, {{"model.log", 9}}, ModuleState::kFailed},
      {"log and done, no neff",
       now,
       usual,
       {{"model.log", 9}, {"model.done", 0}},
       ModuleState::kFailed},
      {"log and neff",
       now,
       usual,
       {{"model.log", 9}, {"model.neff", 5000}},
       ModuleState::kUnfinished},
      {"log, neff and done",
       now,
       usual,
       {{"model.log", 9}, {"model.neff", 5000}, {"model.done", 0}},
       ModuleState::kFinished},
      {"lock and done",
       now,
       usual,
       {{"model.hlo_module.pb.lock", 0}, {"model.neff", 5000}, {"model.done", 0}},
       ModuleState::kFinished},
      {"a tiny neff with its mark",
       now,
       usual,
       {{"model.neff", 3}, {"model.done", 0}},
       ModuleState::kFinished},
      {"outputs one folder too deep",
       now,
       usual,
       {{"x/model.neff", 5000}, {"x/model.done", 0}},
       ModuleState::kUnfinished},
      {"old neff", old, usual, neff, ModuleState::kProbeNeff},
      {"old neff, 1023 bytes", old, usual, {{"model.neff", 1023}}, ModuleState::kFailed},
      {"old neff, 1024 bytes", old, usual, {{"model.neff", 1024}}, ModuleState::kProbeNeff},
      {"old neff and mark", old, usual, done, ModuleState::kFinished},
      {"old log", old, usual, {{"model.log", 1}}, ModuleState::kFailed},
      {"2.15 needs the mark", "neuronxcc-2.15.1+1", usual, neff, ModuleState::kUnfinished},
      {"2.9", "neuronxcc-2.9.4+1", usual, neff, ModuleState::kProbeNeff},
      {"2.14 and no more", "neuronxcc-2.14", usual, neff, ModuleState::kProbeNeff},
      {"2.140", "neuronxcc-2.140.0+1", usual, neff, ModuleState::kUnfinished},
      {"1.24", "neuronxcc-1.24.0+1", usual, neff, ModuleState::kProbeNeff},
      {"3.0", "neuronxcc-3.0.0+1", usual, neff, ModuleState::kUnfinished},
      {"no minor", "neuronxcc-2", usual, neff, ModuleState::kUnfinished},
      {"words", "neuronxcc-nightly", usual, neff, ModuleState::kUnfinished},
      {"empty version", "neuronxcc-", usual, neff, ModuleState::kUnfinished},
      {"negative", "neuronxcc--2.1", usual, neff, ModuleState::kUnfinished},
      {"beyond any number", "neuronxcc-2.99999999999999999999", usual, neff,
       ModuleState::kUnfinished},
      {"traced", now, traced, {{"config.json", 9}, {"model.neuron", 9}}, ModuleState::kFinished},
      {"traced diffusion", now, traced, {{"model_index.json", 9}}, ModuleState::kFinished},
      {"traced without config", now, traced, {{"model.neuron", 9}}, ModuleState::kUnfinished},
      {"traced, config too deep", now, traced, {{"unet/config.json", 9}}, ModuleState::kUnfinished},
      {"19 hex are not traced",
       now,
       "MODULE_0123456789abcdef012",
       {{"config.json", 9}},
       ModuleState::kUnfinished},
      {"upper case is not traced",
       now,
       "MODULE_0123456789ABCDEF0123",
       {{"config.json", 9}},
       ModuleState::kUnfinished},
      {"a 20 hex key with flags is no export", now, "MODULE_0123456789abcdef0123+abcdef01", done,
       ModuleState::kFinished},
  };
  for (const auto& row : rows) {
    const auto verdict = judge_module(row.version, row.name, row.files);
    EXPECT_EQ(verdict.state, row.state) << row.what;
    EXPECT_STRNE(verdict.why, "") << row.what;
  }
}

TEST(CacheLayout, TellsTheTextOfAFailureFromANeff) {
  struct Row {
    std::string bytes;
    bool text;
  };
  const std::vector<Row> rows = {
      {"", false},
      {"Failed compilation with ['neuronx-cc']\r\n\tat line 1", true},
      {std::string(512, 'x') + '\0', true},
      {std::string(511, 'x') + '\0', false},
      {"\x7f"
       "ELF",
       false},
      {"\x1b", false},
      {std::string("NEFF\0\1", 6), false},
      {"\xc3\xa9", true},
  };
  for (const auto& row : rows) EXPECT_EQ(is_failure_text(row.bytes), row.text) << row.bytes;
}

TEST(CacheLayout, PlansWhatAHitReadsMarkLast) {
  const std::vector<ModuleFile> marked = {{"compile_flags.json", 1},
                                          {"model.done", 0},
                                          {"model.hlo_module.pb", 1},
                                          {"model.neff", 9},
                                          {"wrapped_neff.hlo", 9}};
  const auto plan = plan_module("MODULE_1+abcdef01", marked);
  EXPECT_FALSE(plan.whole);
  EXPECT_EQ(plan.hit_files,
            (std::vector<std::string>{"model.neff", "wrapped_neff.hlo", "model.done"}));

  const std::vector<ModuleFile> old = {{"model.hlo.pb", 1}, {"model.neff", 9}};
  EXPECT_TRUE(plan_module("MODULE_1+abcdef01", old).whole);
  EXPECT_EQ(plan_module("MODULE_1+abcdef01", old).hit_files.size(), 2U);

  const std::vector<ModuleFile> traced = {{"config.json", 1}, {"model.done", 0}, {"a/b", 9}};
  EXPECT_TRUE(plan_module("MODULE_0123456789abcdef0123", traced).whole);
  EXPECT_EQ(plan_module("MODULE_0123456789abcdef0123", traced).hit_files.size(), 3U);
}

TEST(CacheLayout, JudgesWhatTheLayerHas) {
  using Files = std::vector<ModuleFile>;
  struct Row {
    const char* what;
    const char* version;
    const char* name;
    Files files;
    const char* neff_start;
    LocalState expected;
  };
  const char* now = "neuronxcc-2.21.33363.0+82129205";
  const char* old = "neuronxcc-2.14.213.0+013a129f";
  const char* module = "MODULE_1+abcdef01";
  const Row rows[] = {
      {"nothing", now, module, {}, "", LocalState::kUnfinished},
      {"inputs", now, module, {{"model.hlo_module.pb", 9}}, "", LocalState::kUnfinished},
      {"compiling", now, module, {{"model.hlo_module.pb.lock", 0}}, "", LocalState::kLocked},
      {"no mark", now, module, {{"model.neff", 9000}}, "", LocalState::kUnfinished},
      {"a hit", now, module, {{"model.neff", 9}, {"model.done", 0}}, "", LocalState::kComplete},
      {"a hit under a lock",
       now,
       module,
       {{"model.neff", 9}, {"model.done", 0}, {"model.hlo_module.pb.lock", 0}},
       "",
       LocalState::kComplete},
      {"a hit after a failure",
       now,
       module,
       {{"model.neff", 9}, {"model.done", 0}, {"model.log", 9}},
       "",
       LocalState::kComplete},
      {"failed", now, module, {{"model.log", 9}}, "", LocalState::kFailed},
      {"failed, tried again",
       now,
       module,
       {{"model.log", 9}, {"x.lock", 0}},
       "",
       LocalState::kFailed},
      {"a file called lock", now, module, {{"lock", 0}}, "", LocalState::kUnfinished},
      {"old", old, module, {{"model.neff", 9000}}, "\x7f", LocalState::kComplete},
      {"old, a text", old, module, {{"model.neff", 9000}}, "failed", LocalState::kFailed},
      {"old, too small", old, module, {{"model.neff", 9}}, "\x7f", LocalState::kFailed},
      {"traced",
       now,
       "MODULE_0123456789abcdef0123",
       {{"config.json", 2}},
       "",
       LocalState::kComplete},
      {"traced, half",
       now,
       "MODULE_0123456789abcdef0123",
       {{"model.neuron", 2}},
       "",
       LocalState::kUnfinished},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(judge_local(row.version, row.name, row.files, [&] { return row.neff_start; }),
              row.expected)
        << row.what;
  }
}

}  // namespace
}  // namespace neffs::test
