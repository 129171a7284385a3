// A /proc that a test writes: a host with the processes it says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {

class MadeUpProc {
 public:
  static constexpr const char* kBoot = "6f6a1f5c-0000-4000-8000-000000000001";
  static constexpr std::uint64_t kNamespace = 4026531836;

  struct Entry {
    std::int64_t id = 0;
    std::uint64_t started = 0;
    char state = 'S';
    int threads = 1;
    std::string name = "python3";
  };

  MadeUpProc() {
    set_boot(kBoot);
    write("self/status", "Name:\tneffs\nNSpid:\t5\n");
    std::filesystem::create_directories(path() / "self/ns");
    std::filesystem::create_symlink("pid:[" + std::to_string(kNamespace) + "]",
                                    path() / "self/ns/pid");
    add({.id = 1, .started = 1, .name = "init"});
  }

  const std::filesystem::path& path() const { return directory_.path(); }

  void set_boot(const std::string& boot) { write("sys/kernel/random/boot_id", boot + "\n"); }
  void set_booted(std::int64_t unix_time_s) {
    write("stat", "cpu  1 2 3\nbtime " + std::to_string(unix_time_s) + "\nprocesses 4\n");
  }
  void add(const Entry& entry) {
    const auto id = std::to_string(entry.id);
    write(id + "/status", "Name:\tx\nTgid:\t" + id + "\nPid:\t" + id + "\n");
    write(id + "/stat", id + " (" + entry.name + ") " + entry.state +
                            " 1 1 1 0 -1 4194304 90 0 0 0 2 1 0 0 20 0 " +
                            std::to_string(entry.threads) + " 0 " + std::to_string(entry.started) +
                            " 9000000 700 18446744073709551615\n");
  }
  void add_thread(std::int64_t process, std::int64_t thread) {
    write(std::to_string(thread) + "/status", "Name:\tx\nTgid:\t" + std::to_string(process) + "\n");
  }
  void remove(const std::string& what) { std::filesystem::remove_all(path() / what); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((path() / name).parent_path());
    write_file(path() / name, text);
  }

 private:
  TempDirectory directory_;
};

}  // namespace neffs::test
