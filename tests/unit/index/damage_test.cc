// Files that lie are set aside and a new index begins; files that cannot be reached are left alone.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <fstream>

#include "index/damage.h"
#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::IndexErrorKind;

class DamageTest : public IndexTest {
 protected:
  // A closed database with `count` copies.
  void make(int count) {
    const auto index = open();
    for (int number = 0; number < count; ++number) {
      index->intend_copy(sample_copy(fmt::format("module/{:06}", number)));
    }
  }

  // A database whose last copy is in the WAL only.
  void make_and_kill() {
    make(10);
    run_and_kill([&] {
      const auto index = open();
      index->intend_copy(sample_copy("last"));
      ::kill(::getpid(), SIGKILL);
    });
    ASSERT_GT(std::filesystem::file_size(wal()), 0U);
  }

  std::filesystem::path wal() const { return file_.string() + "-wal"; }

  static void overwrite(const std::filesystem::path& file, std::uintmax_t from, std::uintmax_t to,
                        char with) {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(from));
    out << std::string(to - from, with);
    ASSERT_TRUE(out.good());
  }

  void expect_set_aside_and_new() {
    {
      const auto index = open();
      EXPECT_TRUE(report_.created);
      EXPECT_FALSE(report_.damage.empty());
      ASSERT_TRUE(report_.damaged_copy);
      EXPECT_TRUE(std::filesystem::exists(*report_.damaged_copy));
      EXPECT_TRUE(index->layer_files_below("").empty());
      index->mark_ours("works");
    }
    const auto index = open();
    EXPECT_FALSE(report_.created);
    EXPECT_FALSE(report_.damaged_copy);
    EXPECT_TRUE(report_.damage.empty());
    EXPECT_TRUE(index->layer_file("works"));
  }
};

struct Damage {
  const char* name;
  std::function<void(const std::filesystem::path&)> inflict;
};

class HeaderDamage : public DamageTest, public testing::WithParamInterface<Damage> {};

TEST_P(HeaderDamage, IsSetAside) {
  make(2000);
  GetParam().inflict(file_);
  expect_set_aside_and_new();
}

void scribble(const std::filesystem::path& file, std::streamoff at, const std::string& bytes) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(at);
  out << bytes;
  ASSERT_TRUE(out.good());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, HeaderDamage,
    testing::Values(
        Damage{"magic", [](const auto& file) { scribble(file, 0, "not a database at all"); }},
        Damage{"page_size", [](const auto& file) { scribble(file, 16, "\x03\x03"); }},
        Damage{"schema_page",
               [](const auto& file) { scribble(file, 100, std::string(3996, '\x7f')); }},
        Damage{"foreign_database", [](const auto& file) { scribble(file, 68, "ABCD"); }},
        Damage{"half",
               [](const auto& file) {
                 std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
               }},
        Damage{"a_few_bytes", [](const auto& file) { std::filesystem::resize_file(file, 50); }},
        Damage{"text", [](const auto& file) { std::ofstream(file) << std::string(9000, 'x'); }}),
    [](const auto& test) { return test.param.name; });

TEST_F(DamageTest, DamagedMiddleOfASmallFileIsFoundAtOpen) {
  make(200);
  const auto size = std::filesystem::file_size(file_);
  ASSERT_LT(size, 1U << 20);
  overwrite(file_, size / 2 / 4096 * 4096, size, '\x5a');
  expect_set_aside_and_new();
}

TEST_F(DamageTest, DamagedMiddleOfALargeFileIsFoundByAVerbAndSetAsideAtTheNextOpen) {
  make(6000);
  const auto size = std::filesystem::file_size(file_);
  ASSERT_GT(size, 1U << 20);
  overwrite(file_, size / 2 / 4096 * 4096, size / 2 / 4096 * 4096 + 200 * 1024, '\x5a');
  {
    const auto index = open();
    EXPECT_FALSE(report_.damaged_copy);
    EXPECT_EQ(kind_thrown([&] { index->layer_files_below(""); }), IndexErrorKind::kDamaged);
  }
  expect_set_aside_and_new();
}

// What is sound for SQLite, and means nothing.
TEST_F(DamageTest, AnUploadThatMeansNothingIsDamage) {
  for (const char* lie : {"UPDATE uploads SET state = 9", "UPDATE uploads SET state = -1",
                          "UPDATE upload_files SET mode = 3"}) {
    SCOPED_TRACE(lie);
    make(6000);
    queue(*open(), kModule);
    {
      SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
      database.exec("PRAGMA ignore_check_constraints = 1");
      database.exec(lie);
    }
    {
      const auto index = open();
      EXPECT_FALSE(report_.damaged_copy);
      EXPECT_EQ(kind_thrown([&] { index->upload(kModule); }), IndexErrorKind::kDamaged);
    }
    expect_set_aside_and_new();
    std::filesystem::remove(file_);
  }
}

TEST_F(DamageTest, AnUploadThatLostItsFilesIsQueuedAgain) {
  const auto before = queue(*open(), kModule).generation;
  {
    SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
    database.exec("DELETE FROM upload_files");
  }
  const auto index = open();
  EXPECT_TRUE(index->due_uploads(kLab, kNow, kNoLimit).empty());
  EXPECT_GT(queue(*index, kModule).generation, before);
  EXPECT_EQ(index->due_uploads(kLab, kNow, kNoLimit).size(), 1U);
}

TEST_F(DamageTest, WholeWalOfAKilledRunIsUsed) {
  make_and_kill();
  const auto index = open();
  EXPECT_FALSE(report_.damaged_copy);
  EXPECT_TRUE(index->layer_file("last"));
  EXPECT_EQ(index->layer_files_below("").size(), 11U);
}

TEST_F(DamageTest, GarbageWalIsSetAsideWithItsDatabase) {
  make_and_kill();
  overwrite(wal(), 0, std::filesystem::file_size(wal()), '\x5a');
  expect_set_aside_and_new();
  const auto found = set_aside();
  EXPECT_EQ(found.size(), 3U) << "the database, its -wal and its -shm";
}

// A power cut before the first sync of a new WAL: the file has its length, the bytes are zeros.
TEST_F(DamageTest, BlankWalIsAnEmptyOne) {
  make_and_kill();
  overwrite(wal(), 0, std::filesystem::file_size(wal()), '\0');
  const auto index = open();
  EXPECT_FALSE(report_.damaged_copy) << report_.damage;
  EXPECT_FALSE(index->layer_file("last"));
  EXPECT_EQ(index->layer_files_below("").size(), 10U);
}

TEST_F(DamageTest, TornEndOfTheWalCostsTheTornTransactionOnly) {
  make_and_kill();
  std::filesystem::resize_file(wal(), std::filesystem::file_size(wal()) - 100);
  const auto index = open();
  EXPECT_FALSE(report_.damaged_copy) << report_.damage;
  EXPECT_EQ(index->layer_files_below("module").size(), 10U);
}

TEST_F(DamageTest, EmptyFileAloneIsANewIndex) {
  std::ofstream(file_).close();
  const auto index = open();
  EXPECT_TRUE(report_.created);
  EXPECT_FALSE(report_.damaged_copy);
  index->mark_ours("f");
}

TEST_F(DamageTest, EmptyFileWithAWalIsSetAside) {
  make_and_kill();
  std::filesystem::resize_file(file_, 0);
  expect_set_aside_and_new();
}

TEST_F(DamageTest, DirectoryInItsPlaceIsNoDamage) {
  std::filesystem::create_directory(file_);
  EXPECT_EQ(kind_thrown([&] { open(); }), IndexErrorKind::kUnavailable);
  EXPECT_TRUE(set_aside().empty());
}

TEST_F(DamageTest, TwoInOneSecondGetTwoNames) {
  const std::chrono::sys_seconds now{std::chrono::seconds(1'790'000'000)};
  std::ofstream(file_) << "first";
  EXPECT_EQ(index::set_aside(file_, now), directory_ / "index.sqlite.damaged-20260921T141320Z");
  std::ofstream(file_) << "second";
  EXPECT_EQ(index::set_aside(file_, now), directory_ / "index.sqlite.damaged-20260921T141320Z-2");
  EXPECT_EQ(set_aside().size(), 2U);
}

}  // namespace
}  // namespace neffs::test
