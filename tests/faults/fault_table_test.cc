// The table of requests and faults, on real mounts: the right errno, the right state in `status`, no more
// requests than there may be, and all is well when the Hub is. The cells of a row run at the same time.
#include <fmt/format.h>

#include <cerrno>
#include <future>
#include <ostream>
#include <string>

#include "tests/faults/fault_table.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using std::chrono::seconds;

const std::string kModule = sample::kVersion + "/MODULE_11+e30acd3a";
const std::string kNext = sample::kVersion + "/MODULE_22+e30acd3a";
const std::string kAbsent = sample::kVersion + "/MODULE_33+e30acd3a";
const std::string kToken = "hf_reader";

struct Row {
  const char* name;
  Step step;
  Kind kind;
  std::string text;      // of the request, beside the repo
  std::size_t most = 0;  // requests of this kind while it fails

  bool has_copy() const {
    return step == Step::kMountKnown || step == Step::kHead || step == Step::kCompare;
  }
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

std::string neff_of(const std::string& module) {
  return std::string("\0\1", 2) + module + std::string(3000, 'n');
}

std::vector<NewFile> module_files(const std::string& module) {
  return {{module + "/model.neff", neff_of(module), true},
          {module + "/compile_flags.json", "[]"},
          {module + "/model.hlo_module.pb", std::string("\0hlo", 4) + module, true},
          {module + "/model.done", ""}};
}

class FaultTable : public MountTest, public ::testing::WithParamInterface<Row> {
 protected:
  class Cell;
  std::unique_ptr<Mount> mount_repo(const std::string& name);
};

std::unique_ptr<Mount> FaultTable::mount_repo(const std::string& name) {
  MountSetup setup{.source = "cell/" + name,
                   .options = {"hub_timeout=0.5", "fetch_timeout=1", "poll=3600", "miss_check=0"},
                   .directory = name};
  setup.variables["HF_TOKEN"] = kToken;
  return mount_as(setup);
}

// One cell of the table, with a repo and a mount of its own, so that cells do not meet.
class FaultTable::Cell {
 public:
  Cell(FaultTable& table, const Row& row, const Failing& failing)
      : table_(table),
        row_(row),
        failing_(failing),
        outcome_(expected(row.step, failing.name)),
        name_(fmt::format("{}-{}.cell", row.name, failing.name)),
        match_{.kind = row.kind, .text = name_ + row.text},
        repo_(table.hub_.create_repo("cell/" + name_, {.is_private = true})) {
    repo_.commit(module_files(kModule));
  }

  void run() {
    SCOPED_TRACE(std::string(row_.name) + " × " + failing_.name);
    prepare();
    begin();
    if (mounted_)
      meet_it();
    else
      mount_with_it();
    const std::size_t asked = table_.hub_.traffic().count(match_) - before_;
    EXPECT_GT(asked, 0U);
    EXPECT_LE(asked, row_.most);
    end();
    expect_all_is_well();
  }

 private:
  bool is_here(const std::string& module) const {
    return read_file(*mounted_ / (module + "/model.neff")) == Bytes{0, neff_of(module)};
  }
  std::string state() const { return mounted_->status()["sources"][0]["state"]; }

  // What there is before the Hub fails.
  void prepare() {
    if (row_.step == Step::kMountNew || row_.step == Step::kRights) return;
    mounted_ = table_.mount_repo(name_);
    if (row_.step == Step::kListing) return;
    EXPECT_EQ(stat_error(*mounted_ / (kModule + "/model.neff")), 0);
    if (row_.has_copy()) {
      EXPECT_TRUE(is_here(kModule));
      EXPECT_TRUE(
          eventually([&] { return stat_error(mounted_->layer(kModule + "/model.done")) == 0; }));
    }
    if (row_.step == Step::kMountKnown) mounted_.reset();
    if (row_.step == Step::kCompare) repo_.commit(module_files(kNext));
  }

  void begin() {
    before_ = table_.hub_.traffic().count(match_);
    if (failing_.fault)
      rule_ = table_.hub_.faults().add(match_, *failing_.fault);
    else
      gate_.emplace(table_.hub_.hold(match_));
  }

  void mount_with_it() {
    try {
      mounted_ = table_.mount_repo(name_);
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(outcome_.error, EPERM) << error.what();
      EXPECT_NE(std::string(error.what()).find("cell/" + name_), std::string::npos) << error.what();
      return;
    }
    meet_it();
  }

  void meet_it() {
    EXPECT_EQ(mounted_->within(seconds(12), [this] { return look(); }), outcome_.error);
    EXPECT_TRUE(eventually([&] { return state() == outcome_.state; }, seconds(12)))
        << state() << " and not " << outcome_.state;
    // What is here does not care.
    write_file(*mounted_ / "local", "x");
    EXPECT_EQ(read_file(*mounted_ / "local").text, "x");
    EXPECT_TRUE(!row_.has_copy() || is_here(kModule));
  }

  // What somebody does who meets the fault; 0 or errno.
  int look() const {
    switch (row_.step) {
      case Step::kMountNew:
      case Step::kMountKnown:
      case Step::kListing:
        return stat_error(*mounted_ / (kModule + "/model.neff"));
      case Step::kHead:
        return stat_error(*mounted_ / (kAbsent + "/model.done"));
      case Step::kCompare:
        return stat_error(*mounted_ / (kNext + "/model.neff"));
      case Step::kSmallFile:
        return read_file(*mounted_ / (kModule + "/compile_flags.json")).error;
      case Step::kRedirect:
      case Step::kBytes:
      case Step::kRights:
        return read_file(*mounted_ / (kModule + "/model.neff")).error;
    }
    return -1;
  }

  void end() {
    if (failing_.fault) {
      EXPECT_GT(table_.hub_.faults().struck(rule_), 0U);
      table_.hub_.faults().remove(rule_);
    }
    gate_.reset();
    if (failing_.fault && failing_.fault->type == FaultType::kStall)
      table_.hub_.pauses().release_stalls();
  }

  void expect_all_is_well() {
    if (!mounted_) mounted_ = table_.mount_repo(name_);
    const std::string& wanted = row_.step == Step::kCompare ? kNext : kModule;
    EXPECT_TRUE(eventually([&] { return is_here(wanted); }, seconds(40)));
    const auto is_well = [&] {
      stat_error(*mounted_ / (kAbsent + "/model.done"));  // has the head asked for
      return state() == "ok";
    };
    EXPECT_TRUE(eventually(is_well, seconds(40)));
  }

  FaultTable& table_;
  const Row& row_;
  const Failing& failing_;
  const Outcome outcome_;
  const std::string name_;
  const Match match_;
  TestRepo& repo_;
  std::unique_ptr<Mount> mounted_;
  std::size_t before_ = 0;
  int rule_ = 0;
  std::optional<Gate> gate_;
};

TEST_P(FaultTable, EveryCellIsAsExpected) {
  const Row& row = GetParam();
  hub_.add_token(kToken, {.user = "bob", .elsewhere = Role::kRead});
  std::vector<std::unique_ptr<Cell>> cells;
  for (const Failing& failing : failings())
    if (failing.is_for(row.kind)) cells.push_back(std::make_unique<Cell>(*this, row, failing));
  std::vector<std::future<void>> runs;
  runs.reserve(cells.size());
  for (const auto& cell : cells) runs.push_back(in_background([&cell] { cell->run(); }));
  for (auto& run : runs) run.get();
  cells.clear();
  if (HasFailure()) std::cerr << requests({.host = Host::kHub});
}

const std::vector<Row> kRows = {
    {"MountNew", Step::kMountNew, Kind::kInfo, "", 12},
    {"MountKnown", Step::kMountKnown, Kind::kResolveHead, "", 8},
    {"Head", Step::kHead, Kind::kResolveHead, "", 8},
    {"Compare", Step::kCompare, Kind::kCompare, "", 8},
    {"Listing", Step::kListing, Kind::kTree, "", 12},
    {"Redirect", Step::kRedirect, Kind::kResolveGet, "", 10},
    {"SmallFile", Step::kSmallFile, Kind::kResolveCache, "", 10},
    {"Bytes", Step::kBytes, Kind::kCdnGet, "", 10},
    {"Rights", Step::kRights, Kind::kAuthCheck, "", 8},
};
INSTANTIATE_TEST_SUITE_P(Of, FaultTable, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace neffs::test
