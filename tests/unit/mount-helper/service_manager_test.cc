#include "mount-helper/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <map>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::credential_file;
using mount_helper::tell_service_manager;

hub::Environment with(std::map<std::string, std::string> variables) {
  return hub::Environment(
      [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      });
}

// A socket as systemd binds it; `name` as NOTIFY_SOCKET has it.
class Listener {
 public:
  explicit Listener(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    auto length = offsetof(sockaddr_un, sun_path) + name.size();
    if (name.front() == '@')
      address.sun_path[0] = '\0';
    else
      ++length;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(length)),
              0)
        << std::strerror(errno);
  }
  // What waits there; "" if nothing does.
  std::string heard() const {
    std::array<char, 4096> buffer{};
    const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    return got < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

 private:
  fs::UniqueFd fd_;
};

TEST(ServiceManager, HearsOfItByAPathOrAnAbstractName) {
  const TemporaryDirectory directory;
  const std::string abstract = "@neffs-test/" + std::to_string(::getpid());
  for (const std::string& name : {(directory.path() / "notify").string(), abstract}) {
    SCOPED_TRACE(name);
    const Listener listener(name);
    EXPECT_TRUE(tell_service_manager(with({{"NOTIFY_SOCKET", name}}), "READY=1\nSTATUS=x"));
    EXPECT_EQ(listener.heard(), "READY=1\nSTATUS=x");
    EXPECT_EQ(listener.heard(), "");
  }
}

TEST(ServiceManager, NobodyToTellIsNoReasonToFail) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(tell_service_manager(with({}), "READY=1"));
  for (const std::string& name :
       {(directory.path() / "nobody").string(), std::string("relative"),
        "/" + std::string(200, 'x'), std::string("@nobody-listens-here")}) {
    EXPECT_FALSE(tell_service_manager(with({{"NOTIFY_SOCKET", name}}), "READY=1")) << name;
  }
}

TEST(ServiceManager, ACredentialIsAFileIfItWasGiven) {
  const TemporaryDirectory directory;
  const auto given = with({{"CREDENTIALS_DIRECTORY", directory.path().string()}});
  EXPECT_EQ(credential_file(given, "token"), "");
  write_file(directory.path() / "token", "hf_x");
  EXPECT_EQ(credential_file(given, "token"), (directory.path() / "token").string());
  EXPECT_EQ(credential_file(with({}), "token"), "");
}

}  // namespace
}  // namespace neffs::test
