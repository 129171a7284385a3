// Many workers that want the same graph at the same moment: one compiles, all get the same NEFF.
#include <string>
#include <tuple>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

const std::string kModule = " module=" + sample::kVersion + "/MODULE_1234+e30acd3a";

struct Crew {
  const char* name;
  const char* words;
  const char* says;
};
// For messages, in the place of pointers.
void PrintTo(const Crew& crew, std::ostream* out) {
  *out << crew.words;
}

const Crew kCrews[] = {
    {"processes_64", "count=64", "63 x hit"},
    {"threads_64_old", "as=threads count=64 lock=flock put=copy", "63 x hit"},
    {"pool", "as=pool count=64", "1 x compiled"},
};
const Crew kMoreCrews[] = {
    {"processes_32", "count=32", "31 x hit"},
    {"processes_64_old", "count=64 lock=flock", "63 x hit"},
    {"processes_32_lockf", "count=32 lock=lockf", "31 x hit"},
    {"processes_32_entered_first", "count=32 enter=before-look put=temp-rename", "31 x hit"},
    {"processes_32_inputs_first", "count=32 inputs=before-lock put=link", "31 x hit"},
    {"threads_32", "as=threads count=32", "31 x hit"},
    {"pool_old", "as=pool count=64 lock=lockf put=move", "1 x compiled"},
    {"users_umask_0", "count=32 uids=0,65534,1000", "31 x hit"},
    {"users_umask_0_old", "count=32 uids=0,65534,1000 lock=flock", "31 x hit"},
    {"one_user_umask_022", "count=32 uids=65534 umask=022", "31 x hit"},
    {"one_user_umask_022_old", "count=32 uids=65534 umask=022 lock=lockf", "31 x hit"},
};

class WorkersTest : public NeuronTest,
                    public ::testing::WithParamInterface<std::tuple<std::string, Crew>> {};

std::string name_of(const ::testing::TestParamInfo<WorkersTest::ParamType>& info) {
  return std::get<0>(info.param) + '_' + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(BothWays, WorkersTest,
                         ::testing::Combine(::testing::Values("auto", "off"),
                                            ::testing::ValuesIn(kCrews)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Passthrough, WorkersTest,
                         ::testing::Combine(::testing::Values("auto"),
                                            ::testing::ValuesIn(kMoreCrews)),
                         name_of);

TEST_P(WorkersTest, OneCompilesAndAllReadTheSame) {
  const auto& [way, crew] = GetParam();
  open_on_empty_repo(way);
  if (std::string(crew.name).starts_with("users_")) owners_ = Owners::kLeftOut;
  const Step step = neuron(std::string("workers ") + crew.words + kModule);
  expect_alike(step, crew.says);
  expect_alike(step, "x hit");  // and once more, now that all are hits
  close_and_compare();
}

}  // namespace
}  // namespace neffs::test
