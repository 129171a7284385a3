#include "tests/mount/bad_layer.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace neffs::test {

namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kHeldSize = 100'000;

}  // namespace

std::vector<NameChange> name_changes(int number) {
  const std::string name = "new" + std::to_string(number);
  const std::string old = "old" + std::to_string(number);
  const auto shows = [name](const stdfs::path& in) { return is_there(in / name); };
  const auto has_moved = [=](const stdfs::path& in) {
    return is_there(in / name) && !is_there(in / old);
  };
  const auto create = [=](const stdfs::path& in) {
    return open_error(in / name, O_WRONLY | O_CREAT | O_EXCL);
  };
  const auto mkdir = [=](const stdfs::path& in) {
    return error_of(::mkdir((in / name).c_str(), 0777));
  };
  const auto symlink = [=](const stdfs::path& in) {
    return error_of(::symlink("target", (in / name).c_str()));
  };
  const auto link = [=](const stdfs::path& in) {
    return error_of(::link((in / old).c_str(), (in / name).c_str()));
  };
  const auto rename = [=](const stdfs::path& in) {
    return error_of(::rename((in / old).c_str(), (in / name).c_str()));
  };
  return {{"create", create, shows},
          {"mkdir", mkdir, shows},
          {"symlink", symlink, shows},
          {"link", link, shows},
          {"rename", rename, has_moved}};
}

int error_of(long result) {
  return result < 0 ? errno : 0;
}

int append_error(const stdfs::path& file, std::string text) {
  const fs::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd) return errno;
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd.get(), text.data(), text.size());
    if (wrote < 0) return errno;
    text.erase(0, static_cast<std::size_t>(wrote));
  }
  return 0;
}

bool is_there(const stdfs::path& path) {
  return stat_error(path) == 0;
}

void BadLayerTest::TearDown() {
  disk_.reset();
  MountTestBothWays::TearDown();
}

void BadLayerTest::use_disk(const std::string& type, std::uint64_t bytes) {
  disk_.reset();
  if (const std::string why = Disk::missing_for(type); !why.empty()) GTEST_SKIP() << why;
  disk_ = std::make_unique<Disk>(type, bytes, layer());
}

std::unique_ptr<Mount> BadLayerTest::mount_with_files() {
  write_file(layer() / "held", std::string(kHeldSize, 'h'));
  auto mounted = mount_layer();
  write_file(*mounted / "mine", "mine");
  stdfs::create_directories(*mounted / "d");
  EXPECT_EQ(read_file(*mounted / kFetched).error, 0);
  EXPECT_TRUE(
      eventually([&] { return is_there(layer() / (sample::kTransformerModule + "/model.done")); }));
  return mounted;
}

void BadLayerTest::expect_reads_go_on(const Mount& mounted) {
  EXPECT_EQ(read_file(mounted / "mine").text, "mine");
  EXPECT_EQ(read_file(mounted / "held").text, std::string(kHeldSize, 'h'));
  EXPECT_TRUE(read_file(mounted / kFetched).text == sample::bytes_of(kFetched));
  EXPECT_TRUE(names_in(mounted.root()).contains("mine"));
  EXPECT_EQ(mounted.status()["mounted"], true);
}

void BadLayerTest::expect_whole_or_nothing(const Mount& mounted, const NameChange& change,
                                           int error) {
  const auto seen = mounted / "d";
  const int result = change.run(seen);
  EXPECT_TRUE(result == 0 || result == error) << change.name << ": errno " << result;
  EXPECT_EQ(change.has_happened(seen), result == 0) << change.name << ", errno " << result;
  EXPECT_EQ(change.has_happened(layer() / "d"), result == 0)
      << change.name << " in the layer, errno " << result;
}

}  // namespace neffs::test
