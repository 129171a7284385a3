#include "mount-helper/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#include <cstdint>
#include <mutex>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>

#include "fs/unique_fd.h"

namespace neffs::mount_helper {
namespace {

constexpr std::string_view kSocket = "/run/systemd/journal/socket";

int priority_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return LOG_ERR;
  if (level == spdlog::level::warn) return LOG_WARNING;
  return level == spdlog::level::info ? LOG_INFO : LOG_DEBUG;
}

// NAME=value, or where a value has lines: NAME, its length in 64 bits, little-endian, and the bytes.
void add_field(std::string& datagram, std::string_view name, std::string_view value) {
  datagram += name;
  if (value.find('\n') == std::string_view::npos) {
    datagram += '=';
  } else {
    datagram += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      datagram += static_cast<char>((static_cast<std::uint64_t>(value.size()) >> shift) & 0xFFU);
  }
  datagram += value;
  datagram += '\n';
}

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  JournalSink(fs::UniqueFd socket, const JournalFields& fields) : socket_(std::move(socket)) {
    add_field(constant_, "SYSLOG_IDENTIFIER", "neffs");
    for (const auto& [name, value] : fields) add_field(constant_, name, value);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    auto datagram = constant_;
    add_field(datagram, "PRIORITY", std::to_string(priority_of(line.level)));
    add_field(datagram, "MESSAGE", std::string_view(line.payload.data(), line.payload.size()));
    (void)!::send(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  void flush_() override {}

 private:
  const fs::UniqueFd socket_;
  std::string constant_;
};

}  // namespace

bool is_journal(int fd, const hub::Environment& environment) {
  struct stat status {};
  const auto stream = environment.get("JOURNAL_STREAM");
  return stream && ::fstat(fd, &status) == 0 &&
         *stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

std::shared_ptr<spdlog::sinks::sink> journal_sink(const JournalFields& fields) {
  fs::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  kSocket.copy(address.sun_path, sizeof address.sun_path - 1);
  // Connected now, as whatever is mounted over /run later is not the journal.
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return nullptr;
  return std::make_shared<JournalSink>(std::move(socket), fields);
}

}  // namespace neffs::mount_helper
