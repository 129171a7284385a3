// Large files to the storage: in one piece and in parts, past every failure that trying again mends.
#include "tests/hub/push_upload_fixture.h"

namespace neffs::test {
namespace {

using State = UploadState;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(UploadTest, BringsWhatIsMissingOnceAndSaysWhatWasThere) {
  const auto one = add(1);
  const auto two = add(2);
  EXPECT_EQ(run().at(1).state, State::kUploaded);
  upload_.objects = {add(3), one, upload_.objects[2], two};
  hub_.traffic().reset();
  const auto results = run();
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[0].state, State::kUploaded);
  EXPECT_EQ(results[1].state, State::kAlreadyStored);
  EXPECT_EQ(results[2].state, State::kUploaded) << "the same object again";
  EXPECT_EQ(results[3].state, State::kAlreadyStored);
  EXPECT_EQ(count(Kind::kLfsPut), 1U);
  EXPECT_EQ(count(Kind::kLfsVerify), 1U);
  for (const auto& object : upload_.objects) EXPECT_TRUE(is_stored(object));
  for (const auto& seen : hub_.traffic().log({.host = Host::kCdn})) {
    EXPECT_FALSE(seen.authorized) << "the token was sent to " << seen.decoded;
  }
}

TEST_F(UploadTest, NothingToDoIsNoRequest) {
  EXPECT_TRUE(run().empty());
  EXPECT_EQ(hub_.traffic().total(), 0U);
}

TEST_F(UploadTest, ManyObjectsAreAskedForInTheHubsPortions) {
  for (int i = 0; i < 300; ++i) add(i, 10);
  for (const auto& result : run()) EXPECT_EQ(result.state, State::kUploaded);
  EXPECT_EQ(count(Kind::kLfsBatch), 2U);
  EXPECT_EQ(most_progress(), 300U * 10 + 10 + 90 * 2 + 200 * 3) << "with the seeds' digits";
}

TEST_F(UploadTest, InPartsSeveralAtOnce) {
  store_in_parts();
  const auto object = add(1, 123'456);
  Gate gate = hub_.hold({.kind = Kind::kLfsPutPart});
  auto state = in_background([&] { return run_one(); });
  EXPECT_TRUE(gate.wait_held(5)) << "one object may use all turns";
  gate.open();
  EXPECT_EQ(state.get(), State::kUploaded);
  EXPECT_EQ(count(Kind::kLfsPutPart), 13U);
  EXPECT_EQ(count(Kind::kLfsComplete), 1U);
  EXPECT_TRUE(is_stored(object));
  EXPECT_EQ(last_progress(), object.size);
}

TEST_F(UploadTest, NeverMoreThanFiveAtOnce) {
  for (int i = 0; i < 8; ++i) add(i);
  Gate gate = hub_.hold({.kind = Kind::kLfsPut});
  auto results = in_background([&] { return run(); });
  ASSERT_TRUE(gate.wait_held(5));
  EXPECT_EQ(count(Kind::kLfsPut), 5U);
  gate.let_pass(1);
  EXPECT_TRUE(hub_.traffic().wait_for(Kind::kLfsPut, 6));
  gate.open();
  for (const auto& result : results.get()) EXPECT_EQ(result.state, State::kUploaded);
}

TEST_F(UploadTest, TransientFailuresAreTriedAgain) {
  const auto timeout = Fault::answer(400, "<Error><Code>RequestTimeout</Code></Error>");
  const std::tuple<const char*, Kind, Fault> faults[] = {
      {"500 of the storage", Kind::kLfsPut, Fault::answer(500)},
      {"503 of the storage", Kind::kLfsPut, Fault::html(503)},
      {"its lost patience", Kind::kLfsPut, timeout},
      {"hung up", Kind::kLfsPut, Fault::hang_up()},
      {"cut in the middle", Kind::kLfsPut, Fault::cut_upload(20'000)},
      {"stored, then 500", Kind::kLfsPut, Fault::answer(500).after()},
      {"batch 503", Kind::kLfsBatch, Fault::answer(503)},
      {"verify 503", Kind::kLfsVerify, Fault::answer(503)},
      {"a part 500", Kind::kLfsPutPart, Fault::answer(500)},
      {"a part's lost patience", Kind::kLfsPutPart, timeout},
      {"a part cut", Kind::kLfsPutPart, Fault::cut_upload(5'000)},
      {"complete 503", Kind::kLfsComplete, Fault::answer(503)},
      {"completed, then 500", Kind::kLfsComplete, Fault::answer(500).after()},
      {"completed, then hung up", Kind::kLfsComplete, Fault::hang_up().after()},
  };
  int seed = 0;
  for (const auto& [name, kind, fault] : faults) {
    upload_.objects.clear();
    const auto object = add(++seed);
    hub_.set_behaviour({});
    if (kind == Kind::kLfsPutPart || kind == Kind::kLfsComplete) store_in_parts();
    const int rule = on(kind, fault);
    EXPECT_EQ(run_one(), State::kUploaded) << name;
    EXPECT_EQ(hub_.faults().struck(rule), 1U) << name;
    EXPECT_TRUE(is_stored(object)) << name;
    EXPECT_EQ(last_progress(), object.size) << name;
  }
}

TEST_F(UploadTest, AStalledStorageIsTriedAgain) {
  const auto object = add(1, 8'000'000);
  upload_.idle_timeout = milliseconds(300);
  on(Kind::kLfsPut, Fault::stall_upload(100'000));
  EXPECT_EQ(run_one(), State::kUploaded);
  EXPECT_TRUE(is_stored(object));
  EXPECT_EQ(count(Kind::kLfsPut), 2U);
}

TEST_F(UploadTest, ExpiredAddressesAreAskedForAgain) {
  for (const bool in_parts : {false, true}) {
    if (in_parts) store_in_parts();
    upload_.objects.clear();
    const auto object = add(in_parts ? 1 : 2);
    const Kind kind = in_parts ? Kind::kLfsPutPart : Kind::kLfsPut;
    hub_.traffic().reset();
    Gate gate = hub_.hold({.kind = kind});
    auto state = in_background([&] { return run_one(); });
    ASSERT_TRUE(gate.wait_held(1));
    hub_.advance_clock(seconds(2'000));
    gate.open();
    EXPECT_EQ(state.get(), State::kUploaded);
    EXPECT_TRUE(is_stored(object));
    EXPECT_EQ(count(Kind::kLfsBatch), 2U);
    EXPECT_EQ(last_progress(), object.size);
  }
}

TEST_F(UploadTest, AnUploadThatTheStorageHasForgottenBeginsAnew) {
  store_in_parts();
  const auto object = add(1);
  on(Kind::kLfsPutPart, Fault::answer(404, "<Error><Code>NoSuchUpload</Code></Error>"));
  EXPECT_EQ(run_one(), State::kUploaded);
  EXPECT_TRUE(is_stored(object));
  EXPECT_EQ(count(Kind::kLfsBatch), 2U);
}

}  // namespace
}  // namespace neffs::test
