#include "hub/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "hub/hub_error.h"

namespace neffs::hub {
namespace {

constexpr auto kKeepFor = std::chrono::seconds(30);
constexpr std::size_t kLongestToken = 8192;

class OpenFile {
 public:
  // Never blocks: whatever stands there instead of a token file (a pipe, a device) is refused below.
  explicit OpenFile(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct FileText {
  int error = 0;  // errno, 0 if `text` was read
  std::string text;
};

FileText read_small_file(const std::string& path) {
  const OpenFile file(path);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return {errno, ""};
  if (!S_ISREG(status.st_mode)) return {EINVAL, ""};
  std::array<char, kLongestToken> buffer{};
  const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
  if (length < 0) return {errno, ""};
  return {0, std::string(buffer.data(), static_cast<std::size_t>(length))};
}

// A token ends up in a header line, so nothing but visible ASCII may remain.
std::string cleaned(const std::string& raw, const std::string& origin) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const std::size_t begin = raw.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  std::string token = raw.substr(begin, raw.find_last_not_of(kBlanks) - begin + 1);
  const bool visible =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!visible) {
    throw HubError(
        HubErrorKind::kUnauthorized,
        fmt::format("{} holds characters that no token has (run `hf auth login`)", origin));
  }
  return token;
}

std::string token_path(const Environment& environment) {
  if (const auto path = environment.get("HF_TOKEN_PATH")) return environment.expand(*path);
  return hf_home(environment) + "/token";
}

FoundToken token_of_option(const std::string& token_file) {
  const FileText file = read_small_file(token_file);
  if (file.error != 0) {
    throw HubError::local(token_file + ": the token file cannot be read", file.error);
  }
  const std::string token = cleaned(file.text, token_file);
  if (token.empty()) {
    throw HubError(HubErrorKind::kUnauthorized, token_file + ": the token file is empty");
  }
  return {token, token_file};
}

}  // namespace

std::string hf_home(const Environment& environment) {
  if (const auto home = environment.get("HF_HOME")) return environment.expand(*home);
  const auto cache = environment.get("XDG_CACHE_HOME").value_or("~/.cache");
  return environment.expand(cache) + "/huggingface";
}

FoundToken find_token(const std::string& token_file, const Environment& environment) {
  if (!token_file.empty()) return token_of_option(token_file);
  if (environment.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return {"", "anonymous"};
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    const std::string token = cleaned(environment.get(name).value_or(""), name);
    if (!token.empty()) return {token, name};
  }
  const std::string path = token_path(environment);
  const std::string token = cleaned(read_small_file(path).text, path);
  if (token.empty()) return {"", "anonymous"};
  return {token, path};
}

Credentials::Credentials(std::string token_file, Environment environment, Clock clock)
    : token_file_(std::move(token_file)),
      environment_(std::move(environment)),
      clock_(std::move(clock)),
      found_(find_token(token_file_, environment_)),
      looked_at_(clock_()) {}

std::string Credentials::token() {
  const std::lock_guard lock(mutex_);
  if (clock_() - looked_at_ >= kKeepFor) look_again();
  return found_.token;
}

bool Credentials::renewed_after(const std::string& rejected) {
  const std::lock_guard lock(mutex_);
  look_again();
  return !found_.token.empty() && found_.token != rejected;
}

void Credentials::renew() {
  const std::lock_guard lock(mutex_);
  auto found = find_token(token_file_, environment_);
  looked_at_ = clock_();
  if (!found.token.empty()) found_ = std::move(found);
}

std::string Credentials::origin() const {
  const std::lock_guard lock(mutex_);
  return found_.origin;
}

void Credentials::look_again() {
  looked_at_ = clock_();
  try {
    // An empty result is a file that is being replaced, or a log-out: the Hub judges the old token.
    if (auto found = find_token(token_file_, environment_); !found.token.empty()) {
      found_ = std::move(found);
    }
  } catch (const HubError&) {
    // The last token stays; the Hub says so if it is no longer good.
  }
}

}  // namespace neffs::hub
