// Every row of every table, on a plain directory and on mounts that serve bytes in both ways.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <deque>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/posix/stage.h"
#include "tests/posix/tables.h"

namespace neffs::test::posix {

// For messages: the name of the test says the rest.
void PrintTo(const Surroundings& surroundings, std::ostream* out) {
  *out << surroundings.name;
}
void PrintTo(const Case* row, std::ostream* out) {
  *out << row->title;
}

namespace {

// One for the whole program: every mount costs time.
class StageForAll : public ::testing::Environment {
 public:
  void TearDown() override { stage_.reset(); }
  static Stage& get() {
    if (!stage_) stage_ = std::make_unique<Stage>();
    return *stage_;
  }

 private:
  static std::unique_ptr<Stage> stage_;
};
std::unique_ptr<Stage> StageForAll::stage_;

using Row = std::tuple<Surroundings, const Case*>;

class Posix : public ::testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "other users need root";
    const bool mounts = std::get<Surroundings>(GetParam()).ground != Ground::kPlain;
    if (mounts && ::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "there is no /dev/fuse";
  }
};

TEST_P(Posix, Holds) {
  const auto& [surroundings, row] = GetParam();
  const auto place = StageForAll::get().place(surroundings);
  const Outcome outcome = run(row->steps, *place);
  if (!outcome.is_well()) ADD_FAILURE() << row->title << "\n  " << outcome.complaint;
}

// "a file onto a directory" is AFileOntoADirectory for GoogleTest.
std::string one_word(const std::string& title) {
  std::string word;
  bool is_first = true;
  for (const char letter : title) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0) word += is_first ? static_cast<char>(std::toupper(byte)) : letter;
    is_first = std::isalnum(byte) == 0;
  }
  return word;
}

std::string name_of(const ::testing::TestParamInfo<Row>& row) {
  return std::string(std::get<Surroundings>(row.param).name) + '_' +
         one_word(std::get<const Case*>(row.param)->title);
}

std::vector<Surroundings> everywhere() {
  return {{"Plain", Ground::kPlain, Corner::kRoot},
          {"Passthrough", Ground::kPassthrough, Corner::kRoot},
          {"PassthroughModule", Ground::kPassthrough, Corner::kModule},
          {"Copying", Ground::kCopying, Corner::kRoot},
          {"CopyingModule", Ground::kCopying, Corner::kModule}};
}

// The rows stay in one place: copies of all of them for each ground would make every fork slow.
std::vector<const Case*> rows_of(Table table) {
  static std::deque<Table> tables;
  std::vector<const Case*> rows;
  for (const Case& row : tables.emplace_back(std::move(table))) rows.push_back(&row);
  return rows;
}

#define NEFFS_TABLE(Name, table)                                                                  \
  INSTANTIATE_TEST_SUITE_P(                                                                       \
      Name, Posix,                                                                                \
      ::testing::Combine(::testing::ValuesIn(everywhere()), ::testing::ValuesIn(rows_of(table))), \
      name_of)

NEFFS_TABLE(Path, path_cases());
NEFFS_TABLE(Fault, fault_cases());
NEFFS_TABLE(Open, open_cases());
NEFFS_TABLE(Write, write_cases());
NEFFS_TABLE(Truncate, truncate_cases());
NEFFS_TABLE(Space, space_cases());
NEFFS_TABLE(Directory, directory_cases());
NEFFS_TABLE(Unlink, unlink_cases());
NEFFS_TABLE(Rename, rename_cases());
NEFFS_TABLE(Link, link_cases());
NEFFS_TABLE(Symlink, symlink_cases());
NEFFS_TABLE(Node, node_cases());
NEFFS_TABLE(Mode, mode_cases());
NEFFS_TABLE(Owner, owner_cases());
NEFFS_TABLE(Time, time_cases());
NEFFS_TABLE(Permission, permission_cases());
NEFFS_TABLE(Sticky, sticky_cases());
NEFFS_TABLE(Xattr, xattr_cases());
NEFFS_TABLE(Acl, acl_cases());
NEFFS_TABLE(Lock, lock_cases());
NEFFS_TABLE(Mapping, mapping_cases());
NEFFS_TABLE(Listing, listing_cases());
NEFFS_TABLE(Attribute, attribute_cases());

}  // namespace
}  // namespace neffs::test::posix

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::AddGlobalTestEnvironment(new neffs::test::posix::StageForAll);
  ::umask(0022);
  return RUN_ALL_TESTS();
}
