#include "tests/neuron/workers.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "tests/eventually.h"
#include "tests/neuron/family.h"

namespace neffs::test {
namespace {

enum class As { kProcesses, kThreads, kPool };

constexpr int kPoolSize = 4;
constexpr int kGraphsOfPool = 4;

std::vector<uid_t> users_of(const std::string& text) {
  std::vector<uid_t> users;
  std::istringstream list(text);
  for (std::string user; std::getline(list, user, ',');)
    users.push_back(static_cast<uid_t>(std::stoul(user)));
  return users;
}

// One that compiles goes on when everybody has missed.
Meeting meeting_of(int count, Shared& shared) {
  return {.missed = [&shared] { ++shared.arrived; },
          .compiling =
              [&shared, count] {
                if (!eventually([&] { return shared.arrived == count; }))
                  throw std::runtime_error("not all have come");
              }};
}

std::string line_of(const Outcome& outcome) {
  return outcome.word + ' ' + outcome.digest;
}

void take_tasks(const Job& job, int count, Shared& shared, const Say& say) {
  for (int task = shared.next_task++; task < count; task = shared.next_task++) {
    Job own = job;
    own.module.insert(own.module.find('+', own.module.find("MODULE_")),
                      std::to_string(task % kGraphsOfPool));
    say(line_of(Compile(own, Transcript(true)).run()));
  }
}

}  // namespace

void become(uid_t user) {
  const gid_t group = user;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(group, group, group) != 0 ||
      ::setresuid(user, user, user) != 0)
    throw std::system_error(errno, std::generic_category(), "becoming another user");
}

int run_workers(const Job& job, Words& words, const Transcript& transcript) {
  const int count = words.number("count", 32);
  const auto users = users_of(words.text("uids"));
  const As as = words.one_of<As>(
      "as", {{"processes", As::kProcesses}, {"threads", As::kThreads}, {"pool", As::kPool}});
  words.expect_all_known();
  const auto one = [&](int number, Shared& shared, const Say& say) {
    if (!users.empty()) become(users[static_cast<std::size_t>(number) % users.size()]);
    if (as == As::kPool) return take_tasks(job, count, shared, say);
    say(line_of(Compile(job, Transcript(true), meeting_of(count, shared)).run()));
  };
  const auto counts = as == As::kThreads ? run_threads(count, one)
                                         : run_processes(as == As::kPool ? kPoolSize : count, one);
  int good = 0;
  for (const auto& [line, times] : counts) {
    transcript.say(std::to_string(times) + " x " + line);
    if (line.starts_with("compiled ") || line.starts_with("hit ")) good += times;
  }
  return good == count ? 0 : 1;
}

}  // namespace neffs::test
