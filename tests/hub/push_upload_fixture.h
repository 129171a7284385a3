// A writer with local files that are to be brought to the storage of a test Hub.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/hub/push_fixture.h"

namespace neffs::test {

using UploadState = hub::UploadResult::State;

// Files without names, by the id that an upload asks for.
class LocalFiles {
 public:
  hub::LfsObject add(const std::string& bytes) {
    return add(sha256_of(bytes), bytes, bytes.size());
  }
  // A file that is not what it is said to be.
  hub::LfsObject add(const hub::ContentId& content, const std::string& bytes, std::uint64_t size) {
    auto file = std::make_shared<TemporaryFile>();
    EXPECT_EQ(::pwrite(file->fd(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    files_[content.hex] = std::move(file);
    return {content, size};
  }
  hub::OpenedFile open(const hub::LfsObject& object) const {
    const auto found = files_.find(object.content.hex);
    if (found == files_.end()) throw hub::HubError::local("no such file", ENOENT);
    return {found->second, found->second->fd()};
  }

 private:
  std::map<std::string, std::shared_ptr<TemporaryFile>> files_;
};

class UploadTest : public PushTest {
 protected:
  UploadTest() {
    upload_.open = [this](const hub::LfsObject& object) { return files_.open(object); };
    upload_.on_progress = [this](std::uint64_t bytes) {
      const std::lock_guard lock(mutex_);
      progress_.push_back(bytes);
    };
  }

  // Different bytes for each seed.
  hub::LfsObject add(int seed, std::size_t size = 50'000) {
    auto object = files_.add(std::to_string(seed) + sample_bytes(size));
    upload_.objects.push_back(object);
    return object;
  }
  std::vector<hub::UploadResult> run() { return push_.upload(upload_, soon()); }
  UploadState run_one() { return run().at(0).state; }
  bool is_stored(const hub::LfsObject& object) const {
    return repo_.large_file(object.content.hex).has_value();
  }
  // Parts of 10,000 bytes for whatever is longer than one.
  void store_in_parts() {
    Behaviour behaviour = hub_.behaviour();
    behaviour.limits.parts_from = 10'000;
    behaviour.limits.part_size = 10'000;
    hub_.set_behaviour(behaviour);
  }
  int on(Kind kind, const Fault& fault, std::size_t times = 1) {
    return hub_.faults().add({.kind = kind}, fault, times);
  }
  std::size_t count(Kind kind) { return hub_.traffic().count(kind); }
  // What the last call said; of one object, whose calls do not overtake each other.
  std::uint64_t last_progress() {
    const std::lock_guard lock(mutex_);
    return progress_.back();
  }
  std::uint64_t most_progress() {
    const std::lock_guard lock(mutex_);
    return *std::max_element(progress_.begin(), progress_.end());
  }

  LocalFiles files_;
  hub::UploadRequest upload_;
  std::mutex mutex_;
  std::vector<std::uint64_t> progress_;  // protected by mutex_
};

}  // namespace neffs::test
