// A private repo, somebody who may write to it, and mounts that publish: the fixture of this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"
#include "tests/publish/history.h"
#include "tests/publish/modules.h"

namespace neffs::test {

inline const std::string kPushRepo = "team/cache";
inline const std::string kWriter = "hf_writer";
inline const std::string kReader = "hf_reader";

// Makes the repo, and lets kWriter write and kReader read.
TestRepo& make_push_repo(TestHub& hub, bool is_private = true);

// Quick to publish. What is in `options` holds over that.
MountSetup writing_setup(std::vector<std::string> options = {}, const std::string& token = kWriter);

// How many requests there were that only a writer makes once he has something to write.
std::size_t writing_requests(TestHub& hub);

class PublishTest : public MountTest {
 protected:
  std::unique_ptr<Mount> mount_writing(std::vector<std::string> options = {}) {
    return mount_as(writing_setup(std::move(options)));
  }
  // `neffs flush`.
  Ended flush(const Mount& mount, const std::string& timeout_s = "30") const {
    return neffs({"flush", mount.root().string(), "--timeout", timeout_s});
  }
  void expect_flushed(const Mount& mount) const {
    const Ended ended = flush(mount);
    EXPECT_EQ(ended.exit_code, 0) << ended.err << mount.status().at("push").dump(1);
  }
  History history() const { return {repo_, first_}; }
  // The commits since it was made hold this, whole, and nothing else.
  void expect_published_alone(const MadeModule& module) const;

  TestRepo& repo_ = make_push_repo(hub_);
  std::string first_ = repo_.head();
};

}  // namespace neffs::test
