// What is written to /dev/fuse so that the kernel forgets.
#include "fs/fuse/notifier.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fs/unique_fd.h"
#include "tests/eventually.h"

namespace neffs::test {
namespace {

// A session whose device is a pipe: what libfuse writes is kept, what goes to the descriptor itself
// can be read at the other end.
class NotifierTest : public testing::Test {
 protected:
  void open_device(bool is_writable) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader_ = fs::UniqueFd(ends[0]);
    writer_ = fs::UniqueFd(ends[1]);
    std::array<char*, 1> words{name_.data()};
    fuse_args args = FUSE_ARGS_INIT(1, words.data());
    const fuse_lowlevel_ops operations{};
    session_.reset(::fuse_session_new(&args, &operations, sizeof operations, this));
    ::fuse_opt_free_args(&args);
    ASSERT_TRUE(session_);
    const fuse_custom_io io{keep, read_nothing, nullptr, nullptr};
    // What cannot be written to stands for a kernel that does not know the notice.
    const int device = is_writable ? writer_.get() : reader_.get();
    ASSERT_EQ(::fuse_session_custom_io(session_.get(), &io, device), 0);
    shake_hands();
    notifier_ = std::make_unique<fs::Notifier>(session_.get());
  }

  // libfuse notifies nobody before that.
  void shake_hands() {
    struct {
      fuse_in_header header;
      fuse_init_in body;
    } request{};
    request.header.len = sizeof request;
    request.header.opcode = FUSE_INIT;
    request.header.unique = 1;
    request.body.major = FUSE_KERNEL_VERSION;
    request.body.minor = FUSE_KERNEL_MINOR_VERSION;
    fuse_buf buffer{};
    buffer.mem = &request;
    buffer.size = sizeof request;
    ::fuse_session_process_buf(session_.get(), &buffer);
    const std::lock_guard lock(mutex_);
    notices_.clear();
  }

  static ssize_t keep(int /*fd*/, iovec* parts, int count, void* test) {
    std::string notice;
    for (int i = 0; i < count; ++i)
      notice.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    auto& self = *static_cast<NotifierTest*>(test);
    const std::lock_guard lock(self.mutex_);
    self.notices_.push_back(notice);
    return static_cast<ssize_t>(notice.size());
  }
  static ssize_t read_nothing(int /*fd*/, void* /*buffer*/, size_t /*size*/, void* /*test*/) {
    return 0;
  }

  std::vector<std::string> notices() {
    const std::lock_guard lock(mutex_);
    return notices_;
  }
  template <typename Part>
  static Part part(const std::string& notice, std::size_t offset) {
    Part value{};
    std::memcpy(&value, notice.data() + offset, sizeof value);
    return value;
  }
  static int code_of(const std::string& notice) { return part<fuse_out_header>(notice, 0).error; }

  struct Destroyer {
    void operator()(fuse_session* session) const { ::fuse_session_destroy(session); }
  };
  std::string name_ = "test";
  fs::UniqueFd reader_;
  fs::UniqueFd writer_;
  std::mutex mutex_;
  std::vector<std::string> notices_;
  std::unique_ptr<fuse_session, Destroyer> session_;
  std::unique_ptr<fs::Notifier> notifier_;
};

TEST_F(NotifierTest, NamesAreForgottenByANewEpochBeforeTheCallReturns) {
  open_device(true);
  notifier_->forget_names({{7, "model.done"}, {7, "model.neff"}});
  fuse_out_header header{};
  ASSERT_EQ(::read(reader_.get(), &header, sizeof header), static_cast<ssize_t>(sizeof header));
  EXPECT_EQ(header.len, sizeof header);
  EXPECT_EQ(header.error, 8);
  EXPECT_EQ(header.unique, 0U);
  EXPECT_TRUE(notices().empty());
}

TEST_F(NotifierTest, AKernelWithoutEpochsIsToldOfEachName) {
  open_device(false);
  notifier_->forget_names({{7, "model.done"}, {8, "model.neff"}});
  ASSERT_TRUE(eventually([&] { return notices().size() == 2; }));
  const auto first = notices().front();
  EXPECT_EQ(code_of(first), FUSE_NOTIFY_INVAL_ENTRY);
  const auto body = part<fuse_notify_inval_entry_out>(first, sizeof(fuse_out_header));
  EXPECT_EQ(body.parent, 7U);
  EXPECT_EQ(body.namelen, std::string("model.done").size());
  EXPECT_NE(first.find("model.done"), std::string::npos);
}

TEST_F(NotifierTest, AttributesAreForgottenAndNotTheData) {
  open_device(true);
  notifier_->forget_attributes(42);
  ASSERT_TRUE(eventually([&] { return notices().size() == 1; }));
  EXPECT_EQ(code_of(notices().front()), FUSE_NOTIFY_INVAL_INODE);
  const auto body = part<fuse_notify_inval_inode_out>(notices().front(), sizeof(fuse_out_header));
  EXPECT_EQ(body.ino, 42U);
  EXPECT_EQ(body.off, -1);
}

TEST_F(NotifierTest, NothingToForgetIsNoNotice) {
  open_device(true);
  notifier_->forget_names({});
  fuse_out_header header{};
  EXPECT_LT(::read(reader_.get(), &header, sizeof header), 0);
}

}  // namespace
}  // namespace neffs::test
