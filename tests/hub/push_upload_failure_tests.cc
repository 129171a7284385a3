// Uploads that fail for good: what concerns one object, what concerns all, what must never happen.
#include "tests/hub/push_upload_fixture.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using State = UploadState;
using std::chrono::milliseconds;

TEST_F(UploadTest, WhatTheStorageRefusesForGoodConcernsThatObjectOnly) {
  struct Row {
    int status;
    HubErrorKind kind;
  };
  for (const Row& row : {Row{403, HubErrorKind::kUnavailable}, Row{413, HubErrorKind::kRefused},
                         Row{400, HubErrorKind::kRefused}}) {
    upload_.objects.clear();
    const auto bad = add(row.status);
    add(row.status + 1'000);
    hub_.faults().add({.kind = Kind::kLfsPut, .text = bad.content.hex},
                      Fault::answer(row.status, "<Error/>"));
    const auto results = run();
    EXPECT_EQ(results[0].state, State::kFailed);
    EXPECT_EQ(results[0].error->kind, row.kind) << row.status;
    EXPECT_EQ(results[1].state, State::kUploaded);
  }
}

TEST_F(UploadTest, WhatTheHubRefusesConcernsThatObjectOnly) {
  Behaviour behaviour = hub_.behaviour();
  behaviour.limits.basic_file = 100'000;
  hub_.set_behaviour(behaviour);
  add(1, 200'000);
  add(2);
  const auto results = run();
  EXPECT_EQ(results[0].state, State::kFailed);
  EXPECT_EQ(results[0].error->kind, HubErrorKind::kRefused);
  EXPECT_NE(std::string(results[0].error->what()).find("too large"), std::string::npos);
  EXPECT_EQ(results[1].state, State::kUploaded);
}

TEST_F(UploadTest, AnUnverifiedObjectIsNotUploaded) {
  add(1);
  on(Kind::kLfsVerify, Fault::answer(404, R"({"message":"Object not found"})"));
  EXPECT_EQ(run_one(), State::kFailed);
}

// No object may ever hold other bytes than its name says, or it would be wrong for everybody.
TEST_F(UploadTest, FilesThatAreNotWhatWasPromisedAreNeverStored) {
  for (const bool in_parts : {false, true}) {
    if (in_parts) store_in_parts();
    upload_.objects.clear();
    const auto bytes = std::to_string(in_parts) + sample_bytes(40'000);
    auto changed = bytes;
    changed[12'345] ^= 1;
    const auto ids = [&](const char* name) { return sha256_of(bytes + name); };
    upload_.objects = {
        files_.add(ids("changed"), changed, changed.size()),
        files_.add(ids("shorter"), bytes, bytes.size() + 1),
        hub::LfsObject{ids("missing"), 5},
        files_.add(bytes),
    };
    const auto results = run();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(results[i].state, State::kFailed) << i;
      EXPECT_EQ(results[i].error->kind, HubErrorKind::kLocal) << results[i].error->what();
      EXPECT_FALSE(is_stored(upload_.objects[i])) << i;
    }
    EXPECT_EQ(results[3].state, State::kUploaded);
    ASSERT_TRUE(hub_.traffic().wait_until_idle());
    for (const auto& seen :
         hub_.traffic().log({.kind = Kind::kLfsPut, .text = ids("changed").hex})) {
      EXPECT_NE(seen.status, 400) << "the storage had to find out by itself";
    }
  }
}

// A seal stands for the hash: the file that has it is sent, the one that changed since then never is.
TEST_F(UploadTest, FilesThatHaveChangedSinceTheyWereSealedAreNeverStored) {
  for (const bool in_parts : {false, true}) {
    if (in_parts) store_in_parts();
    const auto bytes = std::to_string(in_parts) + sample_bytes(40'000);
    const auto same = files_.add(bytes);
    const auto other = files_.add(sha256_of(bytes + "changed"), bytes, bytes.size());
    upload_.objects = {same, other};
    upload_.open = [&](const hub::LfsObject& object) {
      auto file = files_.open(object);
      file.seal = hub::seal_file(file.fd, object.size, hub::HashKind::kSha256, {}).seal;
      if (object == other) {
        EXPECT_EQ(::pwrite(file.fd, "x", 1, 30'000), 1);
      }
      return file;
    };
    const auto results = run();
    EXPECT_EQ(results[0].state, State::kUploaded);
    EXPECT_TRUE(is_stored(same));
    EXPECT_EQ(results[1].state, State::kFailed);
    EXPECT_EQ(results[1].error->kind, HubErrorKind::kLocal);
    EXPECT_FALSE(is_stored(other));
  }
}

TEST_F(UploadTest, ATokenThatIsRenewedInBetweenIsUsed) {
  const auto object = add(1);
  Gate gate = hub_.hold({.kind = Kind::kLfsPut});
  auto state = in_background([&] { return run_one(); });
  ASSERT_TRUE(gate.wait_held(1));
  hub_.revoke_token(kToken);
  hub_.add_token("hf_renewed", writer());
  token_.set("hf_renewed");
  gate.open();
  EXPECT_EQ(state.get(), State::kUploaded);
  EXPECT_TRUE(is_stored(object));
  EXPECT_EQ(count(Kind::kLfsVerify), 2U);
}

TEST_F(UploadTest, WhatConcernsAllIsThrown) {
  for (int i = 0; i < 8; ++i) add(i);
  hub_.faults().add({.kind = Kind::kLfsPut}, Fault::hang_up());
  EXPECT_EQ(error_of([&] { push_.upload(upload_, within(milliseconds(1'500))); }).kind,
            HubErrorKind::kUnavailable);
  hub_.faults().clear();
  hub_.add_token(kToken, {.user = "ada", .roles = {{"team/cache", Role::kRead}}});
  EXPECT_EQ(error_of([&] { run(); }).kind, HubErrorKind::kForbidden);
  hub_.revoke_token(kToken);
  EXPECT_EQ(error_of([&] { run(); }).kind, HubErrorKind::kUnauthorized);
}

TEST_F(UploadTest, ATokenThatIsRevokedInBetweenEndsEverything) {
  for (int i = 0; i < 8; ++i) add(i);
  Gate gate = hub_.hold({.kind = Kind::kLfsPut});
  auto result = in_background([&] { return error_of([&] { run(); }).kind; });
  ASSERT_TRUE(gate.wait_held(5));
  hub_.revoke_token(kToken);
  gate.open();
  EXPECT_EQ(result.get(), HubErrorKind::kUnauthorized);
}

TEST_F(UploadTest, GivenUpWhenAsked) {
  for (int i = 0; i < 8; ++i) add(i);
  const Gate gate = hub_.hold({.kind = Kind::kLfsPut});
  std::stop_source stop;
  auto result = in_background([&] {
    return error_of([&] { push_.upload(upload_, {soon().deadline, stop.get_token()}); }).kind;
  });
  ASSERT_TRUE(gate.wait_held(5));
  stop.request_stop();
  ASSERT_TRUE(is_there(result));
  EXPECT_EQ(result.get(), HubErrorKind::kCancelled);
}

TEST_F(UploadTest, WhatHasArrivedIsNotSentAgainByTheNextTry) {
  add(1);
  const auto cut_off = add(2);
  hub_.faults().add({.kind = Kind::kLfsPut, .text = cut_off.content.hex},
                    Fault::answer(403, "<Error/>"));
  EXPECT_EQ(run().at(1).state, State::kFailed);
  hub_.faults().clear();
  hub_.traffic().reset();
  const auto results = run();
  EXPECT_EQ(results[0].state, State::kAlreadyStored);
  EXPECT_EQ(results[1].state, State::kUploaded);
  EXPECT_EQ(count(Kind::kLfsPut), 1U);
}

}  // namespace
}  // namespace neffs::test
