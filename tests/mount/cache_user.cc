// Uses a cache directory as the programs around libneuronxla do. What it finds goes to stdout: the
// SHA-256 of what it read, or "errno N".
//
//   cache_user [--uid N] read FILE
//   cache_user [--uid N] hit-old CACHE MODULE COUNTER    under the lock of the whole cache
//   cache_user [--uid N] hit-new CACHE MODULE            with the module's own lock file
//   cache_user open-between-signals FILE                 while signals with a handler come and go
//   cache_user hold FILE | stay DIRECTORY                says "ready", until its input ends
//   cache_user guard SCRATCH                             cleans up when its input ends
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "tests/eventually.h"
#include "tests/hub/digest.h"
#include "tests/mount/files.h"
#include "tests/mount/scratch.h"

namespace neffs::test {
namespace {

using Words = std::vector<std::string>;

int tell(const Bytes& bytes) {
  if (bytes.error != 0)
    std::cout << "errno " << bytes.error << std::endl;
  else
    std::cout << digest_hex(DigestKind::kSha256, bytes.text) << std::endl;
  return bytes.error == 0 ? 0 : 1;
}

int read_one(const Words& words) {
  return tell(read_file(words.at(0)));
}

// Up to SDK 2.19 every method opens the cache's lock for writing, also on a hit.
int hit_old(const Words& words) {
  const std::string cache = words.at(0) + "/";
  const std::string neff = cache + words.at(1) + "/model.neff";
  ::umask(0);
  const auto lock = open_file(cache + "lock", O_WRONLY | O_CREAT | O_TRUNC);
  while (::flock(lock.get(), LOCK_EX) != 0) {
  }
  const auto counter = open_file(words.at(2), O_RDWR);
  const int before = std::stoi("0" + read_all_of(counter.get()).text);
  const Bytes bytes = stat_error(neff) == 0 ? read_file(neff) : Bytes{ENOENT, ""};
  write_file(words.at(2), std::to_string(before + 1));  // lost if another one was in here too
  return tell(bytes);
}

// From SDK 2.20 on a hit may make the module's directory and a lock file in it.
int hit_new(const Words& words) {
  const std::string module = words.at(0) + "/" + words.at(1);
  ::umask(0);
  if (::mkdir(module.c_str(), 0777) != 0 && errno != EEXIST) return tell({errno, ""});
  const std::string lock = module + "/model.hlo_module.pb.lock";
  int error = 0;
  eventually([&] {
    error = open_error(lock, O_WRONLY | O_CREAT | O_EXCL);
    return error != EEXIST;
  });
  if (error != 0) return tell({error, ""});
  error = stat_error(module + "/model.done");
  const Bytes bytes = error == 0 ? read_file(module + "/model.neff") : Bytes{error, ""};
  if (::unlink(lock.c_str()) != 0) return tell({errno, ""});
  return tell(bytes);
}

// As Python with children, or a profiler: the handler does nothing and system calls are not
// restarted by it.
int open_between_signals(const Words& words) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  for (const int signal : {SIGALRM, SIGCHLD, SIGPROF}) ::sigaction(signal, &action, nullptr);
  const itimerval often{{0, 2000}, {0, 2000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  std::cout << "ready" << std::endl;
  const int fd = ::open(words.at(0).c_str(), O_RDONLY | O_CLOEXEC);
  const int error = errno;
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  return tell(fd < 0 ? Bytes{error, ""} : read_all_of(fd));
}

void wait_for_end_of_input() {
  std::array<char, 64> ignored{};
  while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
  }
}

int hold(const Words& words) {
  const auto fd = open_file(words.at(0), O_RDONLY);
  std::cout << "ready" << std::endl;
  wait_for_end_of_input();
  return 0;
}

int stay(const Words& words) {
  if (::chdir(words.at(0).c_str()) != 0) return tell({errno, ""});
  std::cout << "ready" << std::endl;
  wait_for_end_of_input();
  return 0;
}

// Leaves the test's family of processes, so that what ends that does not end this.
int guard(const Words& words) {
  if (::fork() != 0) return 0;
  ::setsid();
  wait_for_end_of_input();
  clean_up(words.at(0));
  return 0;
}

void become(const std::string& user) {
  const auto id = static_cast<uid_t>(std::stoul(user));
  if (::setgroups(0, nullptr) != 0 || ::setresgid(id, id, id) != 0 || ::setresuid(id, id, id) != 0)
    throw std::system_error(errno, std::generic_category(), "becoming another user");
}

int use_cache(Words words) {
  const std::map<std::string, std::function<int(const Words&)>> verbs = {
      {"read", read_one},   {"hit-old", hit_old},
      {"hit-new", hit_new}, {"open-between-signals", open_between_signals},
      {"hold", hold},       {"stay", stay},
      {"guard", guard}};
  if (words.at(0) == "--uid") {
    become(words.at(1));
    words.erase(words.begin(), words.begin() + 2);
  }
  const std::string verb = words.at(0);
  words.erase(words.begin());
  return verbs.at(verb)(words);
}

}  // namespace
}  // namespace neffs::test

int main(int argc, char** argv) {
  try {
    return neffs::test::use_cache({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "cache_user: " << error.what() << '\n';
    return 2;
  }
}
