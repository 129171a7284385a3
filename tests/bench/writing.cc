#include "tests/bench/writing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include "fs/unique_fd.h"

namespace neffs::test {
namespace {

using std::filesystem::path;

constexpr std::size_t kPiece = 1U << 20;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kFlagsSize = 400;
constexpr std::size_t kInputSize = 500'000;

void check(long result, const path& at) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), at.string());
}

const std::string& bytes() {
  static const std::string piece(kPiece, 'n');
  return piece;
}

fs::UniqueFd open_new(const path& file, int more_flags = 0) {
  fs::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | more_flags, 0666));
  check(fd.get(), file);
  return fd;
}

void fill(int fd, std::size_t size, const path& file) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t wrote = ::write(fd, bytes().data(), std::min(kPiece, size - done));
    check(wrote, file);
    done += static_cast<std::size_t>(wrote);
  }
}

void write_new(const path& file, std::size_t size) {
  const auto fd = open_new(file, O_TRUNC);
  fill(fd.get(), size, file);
}

bool is_there(const path& file) {
  struct stat st {};
  return ::stat(file.c_str(), &st) == 0;
}

void expect(bool there, const path& file) {
  if (is_there(file) != there)
    throw std::system_error(there ? ENOENT : EEXIST, std::generic_category(), file.string());
}

path numbered(const path& directory, const char* stem, int number) {
  return directory / (stem + std::to_string(number));
}

void sync_files_in(const path& module) {
  for (const auto& file : std::filesystem::directory_iterator(module)) {
    const fs::UniqueFd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    check(fd.get(), file.path());
    check(::fdatasync(fd.get()), file.path());
  }
}

void compile_module(const path& module, std::size_t neff_size, bool syncs) {
  expect(false, module / "model.done");
  check(::mkdir(module.c_str(), 0777), module);
  const auto lock = module / "model.hlo_module.pb.lock";
  open_new(lock, O_EXCL).reset();
  expect(false, module / "model.neff");
  write_new(module / "compile_flags.json", kFlagsSize);
  write_new(module / "model.hlo_module.pb", kInputSize);
  expect(true, module / "model.hlo_module.pb");
  write_new(module / "model.neff", neff_size);
  write_new(module / "wrapped_neff.hlo", neff_size);
  expect(true, module / "model.neff");
  if (syncs) sync_files_in(module);
  write_new(module / "model.done", 0);
  check(::unlink(lock.c_str()), lock);
  expect(true, module / "model.done");
}

}  // namespace

void compile_modules(const path& cache, int modules, std::size_t neff_size, bool syncs) {
  for (int i = 0; i < modules; ++i)
    compile_module(cache / ("MODULE_" + std::to_string(1'000'000 + i) + "+e30acd3a"), neff_size,
                   syncs);
}

void write_in_blocks(const path& file, std::size_t size) {
  write_new(file, size);
}

void append_and_sync(const path& file, int times) {
  const auto fd = open_new(file, O_APPEND);
  for (int i = 0; i < times; ++i) {
    fill(fd.get(), kPage, file);
    check(::fdatasync(fd.get()), file);
  }
}

void make_synced_files(const path& directory, int files) {
  for (int i = 0; i < files; ++i) {
    const auto file = numbered(directory, "synced-", i);
    const auto fd = open_new(file);
    fill(fd.get(), kPage, file);
    check(::fsync(fd.get()), file);
  }
}

void create_files(const path& directory, int files) {
  for (int i = 0; i < files; ++i) write_new(numbered(directory, "file-", i), kFlagsSize);
}

void stat_files(const path& directory, int files) {
  for (int i = 0; i < files; ++i) expect(true, numbered(directory, "file-", i));
}

void rename_files(const path& directory, int files) {
  for (int i = 0; i < files; ++i) {
    const auto from = numbered(directory, "file-", i);
    check(::rename(from.c_str(), numbered(directory, "renamed-", i).c_str()), from);
  }
}

void unlink_renamed_files(const path& directory, int files) {
  for (int i = 0; i < files; ++i) {
    const auto file = numbered(directory, "renamed-", i);
    check(::unlink(file.c_str()), file);
  }
}

void make_and_remove_directories(const path& directory, int directories) {
  for (int i = 0; i < directories; ++i) {
    const auto made = numbered(directory, "directory-", i);
    check(::mkdir(made.c_str(), 0777), made);
  }
  for (int i = 0; i < directories; ++i) {
    const auto made = numbered(directory, "directory-", i);
    check(::rmdir(made.c_str()), made);
  }
}

void list_with_stat(const path& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), &::closedir);
  if (!listing) check(-1, directory);
  while (const dirent* entry = ::readdir(listing.get())) {
    struct stat st {};
    check(::fstatat(::dirfd(listing.get()), entry->d_name, &st, AT_SYMLINK_NOFOLLOW),
          directory / entry->d_name);
  }
}

}  // namespace neffs::test
