#include "mount-helper/service_manager.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>
#include <system_error>

#include "fs/unique_fd.h"

namespace neffs::mount_helper {
namespace {

// 0, or errno.
int send_datagram(const std::string& name, const std::string& text) {
  sockaddr_un address{};
  const bool is_abstract = name.front() == '@';
  if (!is_abstract && name.front() != '/') return EAFNOSUPPORT;
  if (name.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  // An abstract name begins with a zero, and ends where its length says so.
  if (is_abstract) address.sun_path[0] = '\0';
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1));
  const fs::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno;
  const auto sent = ::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length);
  return sent < 0 ? errno : 0;
}

}  // namespace

bool tell_service_manager(const hub::Environment& environment, const std::string& state) noexcept {
  try {
    const auto name = environment.get("NOTIFY_SOCKET");
    if (!name) return false;
    const int error = send_datagram(*name, state);
    if (error == 0) return true;
    spdlog::warn("NOTIFY_SOCKET={}: {}", *name, std::generic_category().message(error));
  } catch (const std::exception&) {  // the mount is there all the same
  }
  return false;
}

std::string credential_file(const hub::Environment& environment, const std::string& name) {
  const auto directory = environment.get("CREDENTIALS_DIRECTORY");
  if (!directory) return "";
  const auto path = *directory + "/" + name;
  return ::access(path.c_str(), F_OK) == 0 ? path : "";
}

}  // namespace neffs::mount_helper
