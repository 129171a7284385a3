// How files come into the layer: once, whole, mark last, and never over what is local.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "tests/unit/fs/fetch_kit.h"

namespace neffs::test {
namespace {

TEST_F(FetcherTest, AFileArrivesWithItsOwnerModeTimeAndRecord) {
  const auto old = ::umask(0077);
  const auto outcome = fetch(neff_);
  ::umask(old);
  ASSERT_TRUE(outcome->file);
  EXPECT_EQ(read_fd(outcome->file->fd.get()), files_[neff_]);
  EXPECT_EQ(local(neff_), files_[neff_]);
  const auto st = rig_->layer.stat(neff_);
  EXPECT_EQ(st->st_mode & 07777, 0666U);
  EXPECT_EQ(st->st_uid, ::geteuid());
  EXPECT_EQ(st->st_mtim.tv_sec, kModified);
  EXPECT_GT(st->st_atim.tv_sec, kModified) << "it was used when it was fetched";
  EXPECT_EQ(fs::layer_id(*st), outcome->file->id);
  EXPECT_EQ(rig_->layer.stat(kModuleA)->st_mode & 07777, 0777U);
  const auto row = rig_->index->layer_file(neff_);
  EXPECT_EQ(state_of(neff_), "copy placed");
  EXPECT_EQ(row->source, kSource.text());
  EXPECT_EQ(row->commit, commit_);
  EXPECT_EQ(row->content, content_of(files_[neff_]).text());
  EXPECT_EQ(row->mtime_ns, kModified * 1'000'000'000);
  EXPECT_EQ(partial_files(), 0U);
  EXPECT_EQ(rig_->fetcher->counters().fetched, 1U);
}

TEST_F(FetcherTest, OneDownloadForManyReaders) {
  repo_.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes(32);
  {
    std::vector<std::jthread> threads;
    for (auto& outcome : outcomes) threads.emplace_back([&] { outcome = start("README.md"); });
  }
  repo_.release();
  rig_->pool->drain();
  for (const auto& outcome : outcomes) {
    ASSERT_EQ(outcome->calls, 1);
    EXPECT_EQ(read_fd(outcome->file->fd.get()), "hello");
  }
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 1U);
}

TEST_F(FetcherTest, WhatIsWaitedForOvertakesWhatMightBeWanted) {
  renew(1);
  repo_.hold([&](const Call& call) { return call.path == "README.md"; });
  start("README.md");
  ASSERT_TRUE(eventually([&] { return repo_.held() == 1; }));
  start(kTraced + "/config.json", Urgency::kAhead);
  start(neff_, Urgency::kAhead);
  const auto wanted = start(neff_);
  repo_.release();
  rig_->pool->drain();
  EXPECT_EQ(wanted->calls, 1);
  EXPECT_EQ(repo_.log()[1], "download " + neff_);
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 3U);
}

TEST_F(FetcherTest, TheMarkWaitsForTheNeff) {
  const auto done = fetch(done_);
  ASSERT_TRUE(done->file);
  EXPECT_TRUE(rig_->fetcher->placer().staged(done_)) << "readable";
  EXPECT_FALSE(exists(done_)) << "but not in the layer";
  EXPECT_EQ(state_of(done_), "none");
  EXPECT_EQ(fetch(done_)->file, done->file);
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 1U);
  fetch(neff_);
  EXPECT_TRUE(exists(neff_));
  EXPECT_TRUE(exists(done_));
  EXPECT_EQ(state_of(done_), "copy placed");
  EXPECT_FALSE(rig_->fetcher->placer().staged(done_));
  EXPECT_EQ(partial_files(), 0U);
}

TEST_F(FetcherTest, TheMarkIsNeverThereBeforeTheNeff) {
  std::vector<std::string> modules;
  for (int i = 0; i < 20; ++i) {
    modules.push_back(kVersion + "/MODULE_" + std::to_string(5000 + i) + "+abcdef01");
    files_ = files_ + module_files(modules.back());
  }
  commit_ = repo_.commit(files_);
  std::atomic<bool> stop{false};
  std::atomic<bool> wrong{false};
  std::jthread watcher([&] {
    while (!stop)
      for (const auto& module : modules)
        if (exists(module + "/model.done") && !exists(module + "/model.neff")) wrong = true;
  });
  for (const auto& module : modules)
    for (const auto* name : {"/model.done", "/model.neff"}) start(module + name);
  rig_->pool->drain();
  stop = true;
  watcher.join();
  EXPECT_FALSE(wrong);
  for (const auto& module : modules) EXPECT_TRUE(exists(module + "/model.done"));
}

TEST_F(FetcherTest, AModuleWithoutAMarkAppearsAllAtOnce) {
  const std::vector<std::string> names = {kTraced + "/config.json", kTraced + "/unet/model.neuron",
                                          kTraced + "/vae/model.neuron"};
  std::atomic<bool> stop{false};
  std::atomic<bool> partial{false};
  std::jthread watcher([&] {
    while (!stop)
      if (exists(kTraced))
        for (const auto& name : names) partial = partial || !exists(name);
  });
  for (const auto& name : names) {
    EXPECT_FALSE(exists(kTraced));
    EXPECT_EQ(read_fd(fetch(name)->file->fd.get()), files_[name]);
  }
  stop = true;
  watcher.join();
  EXPECT_FALSE(partial);
  for (const auto& name : names) {
    EXPECT_EQ(local(name), files_[name]);
    EXPECT_EQ(state_of(name), "copy placed");
  }
  EXPECT_EQ(rig_->layer.stat(kTraced)->st_mode & 07777, 0777U);
  EXPECT_EQ(rig_->layer.stat(kTraced + "/unet")->st_mode & 07777, 0777U);
  EXPECT_EQ(partial_files(), 0U);
}

TEST_F(FetcherTest, AMarklessModuleWithALocalTwinIsFilledConfigLast) {
  std::filesystem::create_directories(layer_ / kTraced);
  std::vector<std::string> order;
  rig_->before_name = [&](const std::string& path, fs::LayerId) { order.push_back(path); };
  for (const auto* name : {"config.json", "unet/model.neuron", "vae/model.neuron"})
    fetch(kTraced + "/" + name);
  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(order.back(), kTraced + "/config.json");
  EXPECT_EQ(local(kTraced + "/vae/model.neuron"), "traced vae/model.neuron");
}

// Somebody takes a lock in the module at the last moment.
TEST_F(FetcherTest, AMarklessModuleWhoseDirectoryComesFirstIsFilledConfigLast) {
  const auto lock = kTraced + "/model.lock";
  std::vector<std::string> order;
  rig_->before_name = [&](const std::string& path, fs::LayerId) {
    order.push_back(path);
    if (!exists(lock)) {
      std::filesystem::create_directories(layer_ / kTraced);
      write_file(layer_ / lock, "");
    }
  };
  for (const auto& name : traced_) fetch(name);
  EXPECT_TRUE(exists(lock));
  for (const auto& name : traced_) {
    EXPECT_EQ(local(name), files_[name]);
    EXPECT_EQ(state_of(name), "copy placed");
    EXPECT_FALSE(rig_->fetcher->placer().staged(name));
  }
  ASSERT_FALSE(order.empty());
  EXPECT_EQ(order.back(), kTraced + "/config.json");
  EXPECT_EQ(partial_files(), 0U);
}

TEST_F(FetcherTest, AMarklessModuleGivesWayToTheOneThatIsMadeMeanwhile) {
  rig_->before_name = [&](const std::string&, fs::LayerId) {
    write_file(layer_ / (kTraced + "/config.json"), "mine");
  };
  for (const auto& name : traced_) fetch(name);
  EXPECT_EQ(tree_of(layer_ / kTraced), std::vector<std::string>{"config.json"});
  EXPECT_EQ(local(kTraced + "/config.json"), "mine");
  for (const auto& name : traced_) EXPECT_EQ(state_of(name), "none");
  EXPECT_EQ(partial_files(), 0U);
}

// --- what is local wins -----------------------------------------------------------------------------

TEST_F(FetcherTest, ALocalFileKeepsItsName) {
  repo_.hold();
  const auto outcome = start(neff_);
  ASSERT_TRUE(eventually([&] { return repo_.held() == 1; }));
  write_file(layer_ / neff_, "mine");
  repo_.release();
  rig_->pool->drain();
  ASSERT_TRUE(outcome->file) << "who asked before gets what he was promised";
  EXPECT_EQ(read_fd(outcome->file->fd.get()), files_[neff_]);
  EXPECT_EQ(local(neff_), "mine");
  EXPECT_EQ(state_of(neff_), "none") << "its origin is unknown, it is no copy";
  EXPECT_EQ(partial_files(), 0U);
  EXPECT_FALSE(rig_->fetcher->placer().staged(neff_));
}

TEST_F(FetcherTest, WhatIsOursStaysOurs) {
  repo_.hold();
  start(neff_);
  ASSERT_TRUE(eventually([&] { return repo_.held() == 1; }));
  write_file(layer_ / neff_, "mine");
  rig_->index->mark_ours(neff_);
  repo_.release();
  rig_->pool->drain();
  EXPECT_EQ(local(neff_), "mine");
  EXPECT_EQ(state_of(neff_), "ours placed");
}

// A remote mark beside a NEFF that is being written here would be a hit on half a file.
TEST_F(FetcherTest, ARemoteMarkIsNeverPutBesideALocalNeff) {
  fetch(done_);
  repo_.hold();
  start(neff_);
  ASSERT_TRUE(eventually([&] { return repo_.held() == 1; }));
  write_file(layer_ / neff_, "half of min");
  rig_->index->mark_ours(neff_);
  repo_.release();
  rig_->pool->drain();
  EXPECT_FALSE(exists(done_));
}

// A record that says ours, of a file that was deleted while nothing was mounted.
TEST_F(FetcherTest, ARecordOfAFileThatIsGoneDoesNotStandInTheWay) {
  rig_->index->mark_ours(neff_);
  fetch(neff_);
  EXPECT_EQ(local(neff_), files_[neff_]);
  EXPECT_EQ(state_of(neff_), "copy placed");
}

// --- failures -------------------------------------------------------------------------------------

TEST_F(FetcherTest, AFailureIsPassedOnAndTheNextFetchTriesAgain) {
  for (const auto kind : {HubErrorKind::kUnavailable, HubErrorKind::kCorrupt,
                          HubErrorKind::kEntryNotFound, HubErrorKind::kLocal}) {
    repo_.fail_with(kind);
    const auto outcome = fetch(neff_);
    EXPECT_EQ(outcome->kind(), kind);
    EXPECT_FALSE(outcome->file);
    EXPECT_EQ(partial_files(), 0U);
    EXPECT_FALSE(exists(neff_));
    EXPECT_EQ(state_of(neff_), "none");
  }
  EXPECT_EQ(rig_->fetcher->counters().errors, 4U);
  EXPECT_EQ(rig_->fetcher->counters().in_flight, 0U);
  repo_.fail_with(std::nullopt);
  EXPECT_TRUE(fetch(neff_)->file);
  EXPECT_TRUE(exists(neff_));
}

TEST_F(FetcherTest, BytesOtherThanPromisedAreRefused) {
  auto order = order_of(files_, commit_, neff_);
  order.content = content_of("something else");
  const auto outcome = start(order);
  rig_->pool->drain();
  EXPECT_EQ(outcome->kind(), HubErrorKind::kCorrupt);
  EXPECT_FALSE(exists(neff_));
}

TEST_F(FetcherTest, ANewVersionIsNotAnsweredWithTheOldBytes) {
  const auto old = fetch(done_);  // stays staged: its NEFF is not there
  auto changed = files_;
  changed[done_] = "changed";
  const auto commit = repo_.commit(changed);
  const auto outcome = start(order_of(changed, commit, done_));
  rig_->pool->drain();
  ASSERT_TRUE(outcome->file);
  EXPECT_EQ(read_fd(outcome->file->fd.get()), "changed");
}

TEST_F(FetcherTest, AFileThatCouldNotBePlacedGetsItsNameWithTheNext) {
  int failures = 1;
  rig_->before_name = [&](const std::string& path, fs::LayerId) {
    if (path == neff_ && failures-- > 0) throw std::runtime_error("no room for a name");
  };
  EXPECT_TRUE(fetch(neff_)->file) << "its bytes are served";
  EXPECT_FALSE(exists(neff_));
  fetch(done_);
  EXPECT_TRUE(exists(neff_));
  EXPECT_TRUE(exists(done_));
}

TEST_F(FetcherTest, AModuleThatCouldNotBePlacedStaysStaged) {
  bool is_full = true;
  int named = 0;
  rig_->before_name = [&](const std::string&, fs::LayerId) {
    if (is_full && ++named == 3) throw std::runtime_error("no room for a name");
  };
  for (const auto& name : traced_) fetch(name);
  EXPECT_EQ(named, 3);
  EXPECT_FALSE(exists(kTraced));
  EXPECT_EQ(partial_files(), 3U) << "and no directory";
  for (const auto& name : traced_) EXPECT_EQ(state_of(name), "none");
  is_full = false;
  for (const auto& name : traced_) {
    rig_->fetcher->placer().give_name(name);
    EXPECT_EQ(local(name), files_[name]);
    EXPECT_EQ(state_of(name), "copy placed");
  }
  EXPECT_EQ(partial_files(), 0U);
}

// As when the disk gets full right then.
TEST_F(FetcherTest, AFileWhoseRecordFailsHasItsNameAndIsSettledLater) {
  const auto index = open_database();
  index->run_script(
      "CREATE TRIGGER full BEFORE UPDATE OF placement ON layer_files WHEN NEW.placement = 1"
      " BEGIN SELECT RAISE(FAIL, 'no room'); END");
  auto names = traced_;
  names.push_back(neff_);
  for (const auto& name : names) fetch(name);
  for (const auto& name : names) {
    EXPECT_FALSE(rig_->fetcher->placer().staged(name));
    rig_->fetcher->placer().give_name(name);
    EXPECT_EQ(local(name), files_[name]);
    EXPECT_EQ(state_of(name), "copy intended");
  }
  index->run_script("DROP TRIGGER full");
  rig_->fetcher->placer().recover();
  for (const auto& name : names) EXPECT_EQ(state_of(name), "copy placed");
  EXPECT_EQ(partial_files(), 0U);
}

TEST_F(FetcherTest, StopAnswersEverybodyAndEndsDownloads) {
  renew(2);
  repo_.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (const auto& [path, bytes] : files_) outcomes.push_back(start(path));
  ASSERT_TRUE(eventually([&] { return repo_.held() == 2; }));
  rig_->end();  // would hang if a download went on
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->calls, 1);
    EXPECT_EQ(outcome->kind(), HubErrorKind::kCancelled);
  }
}

TEST_F(FetcherTest, AfterStopEverythingIsRefused) {
  rig_->fetcher->stop();
  EXPECT_EQ(fetch(neff_)->kind(), HubErrorKind::kCancelled);
  rig_->pool->stop();
  const auto outcome = start("README.md");
  EXPECT_EQ(outcome->calls, 1);
  EXPECT_EQ(outcome->kind(), HubErrorKind::kCancelled);
}

}  // namespace
}  // namespace neffs::test
