// SQLite: byte-range locks, a shared mapping between processes (WAL), syncs.
#include <string>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

class SqliteTest : public ProgramsTest {
 protected:
  // Two processes insert 300 rows each, one transaction a row.
  void expect_all_rows(const std::string& journal_mode) {
    const std::string out = shell("mode=" + journal_mode + R"sh(
      db=$MOUNT/rows.sqlite
      sqlite3 "$db" "PRAGMA journal_mode = $mode" 'CREATE TABLE rows (writer, number, text)'
      jobs=()
      for writer in 1 2; do
        seq 300 | sed "s/.*/INSERT INTO rows VALUES ($writer, &, hex(randomblob(200)));/" |
          sqlite3 -bail -cmd '.timeout 60000' "$db" &
        jobs+=($!)
      done
      for job in "${jobs[@]}"; do wait "$job"; done
      sqlite3 "$db" 'PRAGMA integrity_check' \
        'SELECT writer, count(DISTINCT number), sum(length(text)) FROM rows GROUP BY writer'
      rm "$db")sh");
    EXPECT_EQ(out, journal_mode + "\nok\n1|300|120000\n2|300|120000\n");
  }
};
NEFFS_BOTH_WAYS(SqliteTest);

TEST_P(SqliteTest, TwoProcessesWriteInWalMode) {
  NEFFS_NEEDS("sqlite3");
  expect_all_rows("wal");
}

TEST_P(SqliteTest, TwoProcessesWriteWithARollbackJournal) {
  NEFFS_NEEDS("sqlite3");
  expect_all_rows("truncate");
}

}  // namespace
}  // namespace neffs::test
