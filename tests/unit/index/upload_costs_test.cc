// What is done all the time while much is queued costs the same however much that is: counted in steps
// of SQLite's machine, which are the same on every computer.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <map>
#include <set>

#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;

// What all connections of this process run. Tests run one at a time.
struct Watched {
  std::int64_t steps = 0;
  std::set<std::string> statements;
} watched;

int note_statement(unsigned, void*, void* statement, void*) {
  auto* const handle = static_cast<sqlite3_stmt*>(statement);
  watched.steps += sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 1);
  watched.statements.insert(sqlite3_sql(handle));
  return 0;
}

int watch(sqlite3* connection, const char**, const sqlite3_api_routines*) {
  return sqlite3_trace_v2(connection, SQLITE_TRACE_PROFILE, &note_statement, nullptr);
}

class UploadCostsTest : public IndexTest {
 protected:
  UploadCostsTest() {
    watched = {};
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch));
    index_ = open();
  }
  ~UploadCostsTest() override {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&watch));
  }

  // The steps of the second time: the first one prepares, and may be the first in its thread.
  std::int64_t steps_of(const std::function<void()>& work) {
    work();
    watched = {};
    work();
    return watched.steps;
  }

  void fill(int count) {
    for (; filled_ < count; ++filled_) {
      const auto name = fmt::format("module{:06}", filled_);
      const auto generation = queue(*index_, name, 1, filled_ % 3 == 0 ? kOther : kLab).generation;
      if (filled_ % 4 == 0) index_->fail_upload(generation, "error", kNow);
      if (filled_ % 5 == 0) index_->supersede_uploads(std::vector{generation}, "theirs", kNow);
    }
  }

  std::map<std::string, std::int64_t> costs() {
    const index::UploadLimit limit{10, 1ULL << 50};
    std::vector<std::int64_t> generations;
    int version = 0;
    std::map<std::string, std::int64_t> costs;
    costs["due_uploads"] = steps_of([&] {
      const auto due = index_->due_uploads(kLab, kNow, limit);
      ASSERT_EQ(due.size(), 10U);
      generations.clear();
      for (const auto& upload : due) generations.push_back(upload.entry.generation);
    });
    costs["next_due_s"] = steps_of([&] { index_->next_due_s(kLab); });
    costs["queue_upload"] = steps_of([&] { queue(*index_, "again", ++version); });
    costs["upload"] = steps_of([&] { note_everything(*index_, "again"); });
    costs["mark_uploading"] = steps_of([&] { index_->mark_uploading(generations, kNow); });
    costs["put_back"] = steps_of([&] {
      index_->mark_uploading(generations, kNow);
      index_->put_back(generations, 0, "error", kNow);
    });
    costs["push"] = steps_of([&] {
      const auto generation = prepare(*index_, "again", ++version);
      begin(*index_, {generation});
      index_->recover_pushes(kLab, kNow);
      EXPECT_EQ(index_->finish_push("push", "commit", kSource, kNow).pushed.size(), 1U);
    });
    costs["supersede_uploads"] = steps_of([&] {
      const auto generation = prepare(*index_, "again", ++version);
      index_->supersede_uploads(std::vector{generation}, "theirs", kNow);
    });
    costs["ended_uploads"] = steps_of([&] { index_->ended_uploads(2); });
    costs["drop_uploads"] = steps_of([&] {
      prepare(*index_, "again", ++version);
      index_->drop_uploads("again");
    });
    return costs;
  }

  std::unique_ptr<Index> index_;
  int filled_ = 0;
};

TEST_F(UploadCostsTest, NothingLooksAtAllThatIsQueued) {
  fill(100);
  const auto few = costs();
  fill(3000);
  const auto many = costs();
  for (const auto& [verb, steps] : few) {
    EXPECT_GT(steps, 0) << verb;
    EXPECT_LE(many.at(verb), steps + steps / 10) << verb;
  }
}

// Counting has to count, but in an index alone, a few steps each.
TEST_F(UploadCostsTest, TotalsAreCountedInAnIndex) {
  fill(1000);
  EXPECT_LT(steps_of([&] { index_->upload_totals(kLab); }), 1000 * 15);
  std::string plans;
  SQLite::Database database(file_.string());
  for (const auto& statement : std::set<std::string>(watched.statements)) {
    SQLite::Statement plan(database, "EXPLAIN QUERY PLAN " + statement);
    while (plan.executeStep()) plans += plan.getColumn(3).getString() + "\n";
  }
  EXPECT_NE(plans.find("SCAN uploads USING COVERING INDEX due_uploads\n"), std::string::npos)
      << plans;
  EXPECT_EQ(plans.find("TEMP B-TREE"), std::string::npos) << plans;
}

}  // namespace
}  // namespace neffs::test
