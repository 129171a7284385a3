// Every older database opens with all its rows and ends with the schema of a new one.
#include "index/migrations.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::IndexErrorKind;
using index::Origin;
using index::Placement;

TEST(Schema, StepsBeginBehindTheirVersion) {
  const std::string_view schema = "a; PRAGMA user_version = 1; b; PRAGMA user_version = 2;";
  EXPECT_EQ(index::newest_version(schema), 2);
  EXPECT_EQ(index::steps_after(schema, 0), schema);
  EXPECT_EQ(index::steps_after(schema, 1), " b; PRAGMA user_version = 2;");
  EXPECT_EQ(index::steps_after(schema, 2), "");
  EXPECT_EQ(index::steps_after(schema, 3), "");
  EXPECT_EQ(index::newest_version("a;"), 0);
  EXPECT_EQ(index::newest_version("PRAGMA user_version = 1; PRAGMA user_version = 12;"), 12);
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::vector<std::string> schema_of(const std::filesystem::path& file) {
  const SQLite::Database database(file.string());
  SQLite::Statement names(database,
                          "SELECT type || ' ' || name || ' ' || ifnull(sql, '') FROM"
                          " sqlite_schema ORDER BY 1");
  std::vector<std::string> schema;
  while (names.executeStep()) schema.push_back(names.getColumn(0).getString());
  return schema;
}

class MigrationTest : public IndexTest, public testing::WithParamInterface<int> {
 protected:
  void make(int version) {
    const auto fixture =
        std::filesystem::path(NEFFS_INDEX_FIXTURES) / fmt::format("v{}.sql", version);
    SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(text_of(fixture));
  }
};

TEST_P(MigrationTest, KeepsWhatWasThere) {
  make(GetParam());
  const auto index = open();
  EXPECT_FALSE(report_.created);
  EXPECT_FALSE(report_.damaged_copy) << report_.damage;
  EXPECT_EQ(index->tree("tree", index::TreeDepth::kChildren),
            (std::vector<index::TreeEntry>{{"model.neff", false, "oid", 12, "sha256:ab"}}));
  EXPECT_EQ(index->source("https://hub.example", "lab/cache", "main")->commit, "c0ffee");
  EXPECT_EQ(index->layer_file("copy"), (index::LayerFile{"copy", Origin::kCopy, Placement::kPlaced,
                                                         "source", "c0ffee", "sha256:ab", 12, 99}));
  EXPECT_EQ(index->layer_file("intended")->placement, Placement::kIntended);
  EXPECT_EQ(index->layer_file("ours")->origin, Origin::kOurs);
}

TEST_P(MigrationTest, KeepsWhatWasQueued) {
  make(GetParam());
  const auto index = open();
  const index::UploadTarget target{"https://hub.example", "lab/cache", "main"};
  const auto upload = index->upload("ours");
  const auto pushes = index->recover_pushes(target, 7);
  if (GetParam() < 3) {
    EXPECT_FALSE(upload);
    EXPECT_TRUE(pushes.empty());
    EXPECT_FALSE(index->layer_file("ours")->is_queued);
  } else {
    ASSERT_TRUE(upload);
    EXPECT_EQ(upload->entry, (index::UploadEntry{"ours", 41, target, index::UploadState::kUploading,
                                                 2, 0, "error", "c0ffee", 1, 12, 5}));
    EXPECT_EQ(
        upload->files,
        (std::vector<index::UploadFile>{
            {"ours", {12, 99, 98, 97}, "sha256:cd", "sha1:cd", index::UploadMode::kLfs, true}}));
    EXPECT_EQ(pushes, (std::vector<index::Push>{
                          {"push", target, "c0ffee", 6, {{"ours", 41, {{"ours", "sha256:cd"}}}}}}));
    EXPECT_TRUE(index->layer_file("ours")->is_queued);
  }
  // Whatever was there, the queue works.
  EXPECT_GT(
      index->queue_upload("ours", target, std::vector<index::SeenFile>{{"ours", {}}}, 7).generation,
      upload ? 41 : 0);
}

TEST_P(MigrationTest, KeepsWhatWasNoted) {
  make(GetParam());
  const auto index = open();
  EXPECT_EQ(index->note("a fact").value_or(""), GetParam() < 4 ? "" : "its value");
  index->put_note("a fact", "another value");
  EXPECT_EQ(index->note("a fact"), "another value");
  index->put_note("a fact", std::nullopt);
  EXPECT_FALSE(index->note("a fact"));
}

TEST_P(MigrationTest, KeepsWhatModulesAreFor) {
  make(GetParam());
  const auto index = open();
  const std::string module = "neuronxcc-1/MODULE_1+2";
  using Modules = std::vector<std::string>;
  using Pins = std::vector<index::Pin>;
  EXPECT_EQ(index->modules_of_model("lab/llama"), GetParam() < 5 ? Modules() : Modules({module}));
  EXPECT_EQ(index->pins(), GetParam() < 5 ? Pins() : Pins({{module, 77}}));
  index->add_module_of_model("lab/llama", module);
  index->add_module_of_model("lab/llama", "neuronxcc-1/MODULE_0+2");
  index->add_module_of_model("lab/other", "neuronxcc-1/MODULE_3+2");
  EXPECT_EQ(index->modules_of_model("lab/llama"), (Modules{"neuronxcc-1/MODULE_0+2", module}));
  index->put_pins(std::vector<index::Pin>{{module, 78}, {"neuronxcc-1/MODULE_9+2", 79}});
  EXPECT_EQ(index->pins(), (std::vector<index::Pin>{{module, 78}, {"neuronxcc-1/MODULE_9+2", 79}}));
  index->drop_pin(module);
  EXPECT_EQ(index->pins(), (std::vector<index::Pin>{{"neuronxcc-1/MODULE_9+2", 79}}));
}

TEST_P(MigrationTest, EndsWithTheSchemaOfANewDatabase) {
  make(GetParam());
  open();
  const std::vector<std::string> migrated = schema_of(file_);
  file_ = directory_ / "new.sqlite";
  open();
  EXPECT_TRUE(report_.created);
  EXPECT_EQ(migrated, schema_of(file_));
}

INSTANTIATE_TEST_SUITE_P(From, MigrationTest,
                         testing::Range(1, index::newest_version(index::kSchema) + 1),
                         [](const auto& test) { return fmt::format("v{}", test.param); });

TEST_F(IndexTest, NewerSchemaIsRefusedAndLeftAlone) {
  open()->mark_ours("f");
  {
    SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA user_version = 999");
  }
  EXPECT_EQ(kind_thrown([&] { open(); }), IndexErrorKind::kNewerSchema);
  EXPECT_FALSE(index::glance_at(file_));
  EXPECT_TRUE(set_aside().empty());
  {
    SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
    database.exec(fmt::format("PRAGMA user_version = {}", index::newest_version(index::kSchema)));
  }
  EXPECT_TRUE(open()->layer_file("f"));
}

TEST_F(IndexTest, StepThatWasKilledHalfwayIsDoneAgain) {
  run_and_kill([&] {
    SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("BEGIN; CREATE TABLE trees (x)");
  });
  open()->mark_ours("f");
  EXPECT_TRUE(report_.created);
  EXPECT_FALSE(report_.damaged_copy) << report_.damage;
}

}  // namespace
}  // namespace neffs::test
