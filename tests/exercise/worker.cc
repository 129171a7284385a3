#include "tests/exercise/worker.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "tests/exercise/performer.h"

namespace neffs::test {
namespace {

constexpr std::size_t kLongestMessage = 128 * 1024;
constexpr std::chrono::seconds kLongestOperation{30};

int require(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + path);
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

fs::UniqueFd new_socket() {
  return fs::UniqueFd(require(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket"));
}

fs::UniqueFd listening(const std::string& path) {
  fs::UniqueFd socket = new_socket();
  const sockaddr_un address = address_of(path);
  ::unlink(path.c_str());
  require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "bind");
  require(::listen(socket.get(), 1), "listen");
  return socket;
}

bool is_ready(int fd) {
  pollfd wait{fd, POLLIN, 0};
  const std::chrono::milliseconds limit = kLongestOperation;
  return ::poll(&wait, 1, static_cast<int>(limit.count())) > 0;
}

std::string path_of_socket(const Scratch& scratch) {
  return (scratch / "workers").string();
}

// Empty when the other end has closed.
std::string received(int socket) {
  std::string message(kLongestMessage, '\0');
  const auto got = ::recv(socket, message.data(), message.size(), 0);
  message.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return message;
}

void become(uid_t uid) {
  const gid_t group = kCommonGroup;
  require(::setgroups(1, &group), "setgroups");
  require(::setresgid(uid, uid, uid), "setgid");
  require(::setresuid(uid, uid, uid), "setuid");
}

}  // namespace

Worker::Worker(const Scratch& scratch, const User& user, const std::filesystem::path& root)
    : socket_(listening(path_of_socket(scratch))),
      process_({{NEFFS_EXERCISE_WORKER, path_of_socket(scratch), std::to_string(user.uid),
                 root.string()},
                scratch.variables()}) {
  if (!is_ready(socket_.get())) throw std::runtime_error("no worker: " + process_.err());
  socket_.reset(require(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
}

void Worker::ask(const Operation& operation) {
  const std::string text = text_of(operation);
  ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);  // a failure has no answer
}

std::string Worker::answer() {
  if (!is_ready(socket_.get())) return std::string(kNoAnswer) + "it hangs";
  const std::string text = received(socket_.get());
  return text.empty() ? std::string(kNoAnswer) + "the worker has ended " + process_.err() : text;
}

int work(const std::string& path, uid_t uid, const std::string& root) {
  Performer performer(root);  // before there is an operation that could shut it out
  const fs::UniqueFd socket = new_socket();
  const sockaddr_un address = address_of(path);
  require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "connect");
  become(uid);
  ::signal(SIGPIPE, SIG_IGN);  // a fifo that nobody reads
  while (true) {
    const std::string line = received(socket.get());
    if (line.empty()) return 0;
    const std::string answer = performer.perform(operation_of(line));
    ::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

}  // namespace neffs::test
