// A Hub that fails: never wrong bytes, the right error, and nothing of it is remembered.
#include <cerrno>
#include <functional>
#include <future>
#include <ostream>
#include <set>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using std::chrono::seconds;

const std::string kNeffPath = sample::kTrainingModule + "/model.neff";
constexpr std::size_t kAlways = Faults::kForEver;

// A fault, how often it strikes, and which errors an open may meet (0: it must succeed).
struct Case {
  std::string name;
  Match match;
  Fault fault;
  std::size_t times;
  std::set<int> errors;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

Match of(Kind kind, const std::string& text = "") {
  return {.kind = kind, .text = text};
}
Match bytes() {
  return of(Kind::kCdnGet, kNeffPath);
}
Match redirect() {
  return of(Kind::kResolveGet, kNeffPath);
}
Match listing() {
  return of(Kind::kTree, sample::kTrainingModule);
}

// --- opening a file that is promised --------------------------------------------------------------

class BadDownload : public MountTest, public ::testing::WithParamInterface<Case> {
 protected:
  BadDownload() { sample::create(hub_); }
};

// SEMANTICS 1 and 9: a promised file is retried and only then an error, and never wrong bytes;
// when the Hub is well again, so is the file.
TEST_P(BadDownload, GivesTheRightBytesOrAnError) {
  const Case& c = GetParam();
  const auto mounted = mount({"fetch_timeout=1"});
  ASSERT_EQ(stat_error(*mounted / kNeffPath), 0);
  const int rule = hub_.faults().add(c.match, c.fault, c.times);
  const Bytes bytes = mounted->within(seconds(8), [&] { return read_file(*mounted / kNeffPath); });
  if (HasFailure()) return;
  EXPECT_GT(hub_.faults().struck(rule), 0U);
  EXPECT_TRUE(c.errors.contains(bytes.error)) << "errno " << bytes.error << '\n' << requests();
  EXPECT_TRUE(bytes.error != 0 || bytes.text == sample::bytes_of(kNeffPath));
  EXPECT_EQ(stat_error(*mounted / kNeffPath), 0);
  hub_.faults().clear();
  hub_.pauses().release_stalls();
  EXPECT_TRUE(eventually([&] {
    return read_file(*mounted / kNeffPath) == Bytes{0, sample::bytes_of(kNeffPath)};
  })) << requests();
}

const std::vector<Case> kDownloads = {
    {"TruncatedOnce", bytes(), Fault::truncate(1000), 1, {0}},
    {"TruncatedAgainAndAgain", bytes(), Fault::truncate(400'000), kAlways, {0}},
    {"TruncatedToNothing", bytes(), Fault::truncate(0), kAlways, {EIO}},
    {"CorruptedOnce", bytes(), Fault::corrupt(77'777), 1, {0}},
    {"CorruptedAlways", bytes(), Fault::corrupt(77'777), kAlways, {EIO}},
    {"StalledOnce", bytes(), Fault::stall(5000), 1, {0}},
    {"StalledAlways", bytes(), Fault::stall(0), kAlways, {EIO}},
    {"CutOnce", bytes(), Fault::hang_up(), 1, {0}},
    {"CutAlways", bytes(), Fault::hang_up(), kAlways, {EIO}},
    {"TooShort", bytes(), Fault::resize(-1), kAlways, {EIO}},
    {"TooLong", bytes(), Fault::resize(1), kAlways, {0, EIO}},
    {"WrongContentRange", bytes(), Fault::wrong_content_range(), kAlways, {0, EIO}},
    {"RangeIgnored", bytes(), Fault::ignore_range(), kAlways, {0, EIO}},
    {"PageInsteadOfBytes", bytes(), Fault::html(200), kAlways, {EIO}},
    {"CdnRefusesRange", bytes(), Fault::answer(416), kAlways, {EIO}},
    {"CdnForbids", bytes(), Fault::answer(403), kAlways, {EACCES, EIO}},
    {"CdnHasNot", bytes(), Fault::answer(404), kAlways, {EIO}},
    {"CdnThrottlesOnce", bytes(), Fault::answer(429, "", {{"Retry-After", "0"}}), 1, {0}},
    {"CdnFailsOnce", bytes(), Fault::answer(500), 1, {0}},
    {"CdnFailsAlways", bytes(), Fault::answer(503), kAlways, {EIO}},
    {"CdnLoops", bytes(), Fault::redirect_loop(), kAlways, {EIO}},
    {"UrlExpiredOnce", redirect(), Fault::expired_url(), 1, {0}},
    {"UrlExpiredAlways", redirect(), Fault::expired_url(), kAlways, {EACCES, EIO}},
    {"Unauthorized", redirect(), Fault::answer(401), kAlways, {EACCES}},
    {"Forbidden", redirect(), Fault::answer(403), kAlways, {EACCES}},
    {"EntryNotFound",
     redirect(),
     Fault::answer(404, "", {{"X-Error-Code", "EntryNotFound"}}),
     kAlways,
     {EIO, ENOENT}},
    {"Throttled", redirect(), Fault::answer(429, "", {{"Retry-After", "1"}}), kAlways, {EIO}},
    {"ServerErrorOnce", redirect(), Fault::answer(502), 1, {0}},
    {"ServerErrorAlways", redirect(), Fault::answer(500), kAlways, {EIO}},
    {"RedirectLoop", redirect(), Fault::redirect_loop(), kAlways, {EIO}},
    {"PageInsteadOfRedirect", redirect(), Fault::html(200), kAlways, {EIO}},
};
INSTANTIATE_TEST_SUITE_P(Hub, BadDownload, ::testing::ValuesIn(kDownloads), name_of);

// --- looking up a name whose listing cannot be had ------------------------------------------------

class BadListing : public MountTest, public ::testing::WithParamInterface<Case> {
 protected:
  BadListing() { sample::create(hub_); }
};

// SEMANTICS 9: a look-up that the Hub cannot answer is a miss within hub_timeout, and the miss is
// not remembered as absence.
TEST_P(BadListing, IsAMissThatIsNotRemembered) {
  const Case& c = GetParam();
  const auto mounted = mount({"hub_timeout=1"});
  hub_.faults().add(c.match, c.fault, c.times);
  EXPECT_EQ(mounted->within(seconds(5), [&] { return stat_error(*mounted / kNeffPath); }), ENOENT);
  write_file(*mounted / "local", "x");  // the plain directory works on
  EXPECT_EQ(read_file(*mounted / "local").text, "x");
  hub_.faults().clear();
  hub_.pauses().release_stalls();
  EXPECT_TRUE(eventually([&] { return stat_error(*mounted / kNeffPath) == 0; })) << requests();
  EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
  EXPECT_EQ(mounted->status()["sources"][0]["state"], "ok");
}

const std::vector<Case> kListings = {
    {"Unauthorized", listing(), Fault::answer(401), kAlways, {}},
    {"Forbidden", listing(), Fault::answer(403), kAlways, {}},
    {"RepoNotFound",
     listing(),
     Fault::answer(404, "", {{"X-Error-Code", "RepoNotFound"}}),
     kAlways,
     {}},
    {"Throttled", listing(), Fault::answer(429, "", {{"Retry-After", "1"}}), kAlways, {}},
    {"ServerError", listing(), Fault::answer(500), kAlways, {}},
    {"BadGateway", listing(), Fault::html(502), kAlways, {}},
    {"InvalidJson", listing(), Fault::invalid_json(), kAlways, {}},
    {"PageInsteadOfList", listing(), Fault::html(200), kAlways, {}},
    {"EndlessPages", listing(), Fault::endless_pages(), kAlways, {}},
    {"RedirectLoop", listing(), Fault::redirect_loop(), kAlways, {}},
    {"HangUp", listing(), Fault::hang_up(), kAlways, {}},
    {"Truncated", listing(), Fault::truncate(20), kAlways, {}},
    {"Stalled", listing(), Fault::stall(20), kAlways, {}},
    {"AllListingsFail", of(Kind::kTree), Fault::answer(503), kAlways, {}},
};
INSTANTIATE_TEST_SUITE_P(Hub, BadListing, ::testing::ValuesIn(kListings), name_of);

// --- a Hub that is away ---------------------------------------------------------------------------

class AbsentHub : public MountTest {
 protected:
  AbsentHub() { sample::create(hub_); }
};

// Section 6: when the Hub cannot be reached it mounts anyway, offline, and later all is there.
TEST_F(AbsentHub, StoppedBeforeTheMountItMountsAndRecovers) {
  hub_.stop();
  const auto mounted = mount({"hub_timeout=1"});
  EXPECT_EQ(mounted->status()["sources"][0]["state"], "offline");
  EXPECT_EQ(mounted->status()["sources"][0]["commit"], nullptr);
  EXPECT_EQ(mounted->within(seconds(5), [&] { return stat_error(*mounted / kNeffPath); }), ENOENT);
  write_file(*mounted / "lock", "");
  start_hub_again();
  EXPECT_TRUE(eventually([&] { return stat_error(*mounted / kNeffPath) == 0; }, seconds(60)));
  EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
  EXPECT_EQ(mounted->status()["sources"][0]["state"], "ok");
}

// SEMANTICS 9: local files are never affected, known misses stay misses, promised files are EIO.
TEST_F(AbsentHub, StoppedDuringTheMountLocalFilesGoOn) {
  const auto mounted = mount({"hub_timeout=1", "fetch_timeout=1"});
  ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
  ASSERT_EQ(stat_error(*mounted / (sample::kInferenceModule + "/model.neff")), 0);
  hub_.stop();
  EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
  EXPECT_EQ(
      mounted
          ->within(seconds(10),
                   [&] { return read_file(*mounted / (sample::kInferenceModule + "/model.neff")); })
          .error,
      EIO);
  EXPECT_EQ(stat_error(*mounted / (sample::kPreviousModule + "/model.done")), ENOENT);
  start_hub_again();
  EXPECT_TRUE(eventually(
      [&] { return stat_error(*mounted / (sample::kPreviousModule + "/model.done")) == 0; },
      seconds(60)));
  EXPECT_TRUE(eventually([&] {
    return read_file(*mounted / (sample::kInferenceModule + "/model.neff")).text ==
           sample::bytes_of(sample::kInferenceModule + "/model.neff");
  }));
}

// What an earlier mount knew is served while the Hub is away.
TEST_F(AbsentHub, AKnownRepoIsServedWithoutIt) {
  {
    const auto mounted = mount();
    ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
    ASSERT_TRUE(eventually(
        [&] { return stat_error(mounted->layer(sample::kTrainingModule + "/model.done")) == 0; }));
  }
  hub_.stop();
  const auto mounted = mount();
  EXPECT_EQ(stat_error(*mounted / (sample::kTrainingModule + "/model.done")), 0);
  EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
  EXPECT_EQ(mounted->status()["sources"][0]["state"], "offline");
}

// Section 3, `offline`: no HTTP at all.
TEST_F(AbsentHub, OfflineAsksNothing) {
  {
    const auto mounted = mount();
    ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
  }
  hub_.traffic().reset();
  for (const bool by_variable : {false, true}) {
    MountSetup setup;
    if (by_variable) setup.variables = {{"HF_HUB_OFFLINE", "1"}};
    if (!by_variable) setup.options = {"offline"};
    const auto mounted = mount_as(setup);
    EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
    EXPECT_EQ(stat_error(*mounted / sample::kPreviousModule), ENOENT);
    EXPECT_EQ(mounted->status()["offline"], true);
  }
  EXPECT_EQ(hub_.traffic().total(), 0U) << requests();
}

// SEMANTICS 9: after one wait in vain the following look-ups do not wait.
TEST_F(AbsentHub, OnlyTheFirstLookUpWaits) {
  const auto mounted = mount({"hub_timeout=2"});
  ASSERT_EQ(stat_error(*mounted / sample::kVersion), 0);
  const Gate gate = hub_.hold({.kind = Kind::kTree});
  EXPECT_EQ(stat_error(*mounted / kNeffPath), ENOENT);
  // Not fifty times two seconds.
  const auto look_up_fifty = [&] {
    for (int number = 0; number < 50; ++number)
      EXPECT_EQ(stat_error(*mounted /
                           (sample::kVersion + "/MODULE_" + std::to_string(number) + "+e30acd3a")),
                ENOENT);
    return true;
  };
  EXPECT_TRUE(mounted->within(seconds(10), look_up_fifty));
}

// The token is the Hub's alone: the host that sends the bytes never gets it.
TEST_F(AbsentHub, TheTokenNeverReachesTheCdn) {
  hub_.add_token("hf_secret", {.elsewhere = Role::kRead});
  const auto mounted = mount_as({.variables = {{"HF_TOKEN", "hf_secret"}}});
  EXPECT_EQ(read_file(*mounted / kNeffPath).error, 0);
  EXPECT_EQ(read_file(*mounted / (sample::kTracedModule + "/model_index.json")).error, 0);
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  int on_cdn = 0;
  for (const LoggedRequest& request : hub_.traffic().log()) {
    EXPECT_EQ(request.authorized, request.host == Host::kHub) << request.decoded;
    on_cdn += request.host == Host::kCdn ? 1 : 0;
  }
  EXPECT_GT(on_cdn, 0);
}

}  // namespace
}  // namespace neffs::test
