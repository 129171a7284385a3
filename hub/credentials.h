// The user's token: where it is looked for, and how a long-lived process keeps it fresh.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "hub/environment.h"

namespace neffs::hub {

// A token and where it came from, for people: "HF_TOKEN", a path, or "anonymous" with no token.
struct FoundToken {
  std::string token;
  std::string origin;
};

// Looks where the Hub's own clients look: `token_file` (an option; "" if none), HF_TOKEN,
// HUGGING_FACE_HUB_TOKEN, the file HF_TOKEN_PATH, $HF_HOME/token. Only the option counts under
// HF_HUB_DISABLE_IMPLICIT_TOKEN. Throws HubError: kLocal if `token_file` cannot be read,
// kUnauthorized if what was found cannot be a token.
FoundToken find_token(const std::string& token_file, const Environment& environment);

// Where the Hub's clients keep their files: HF_HOME, else ${XDG_CACHE_HOME:-~/.cache}/huggingface.
std::string hf_home(const Environment& environment);

// The current token. `hf auth login` stores tokens that expire and are refreshed in their file, so
// it is read again now and then. Any thread.
class Credentials {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Looks at once; throws what find_token() throws.
  Credentials(std::string token_file, Environment environment,
              Clock clock = std::chrono::steady_clock::now);

  // "" for anonymous. At most 30 s old; a file that has become unreadable keeps its last token.
  std::string token();

  // The Hub answered 401 to `rejected`: looks again at once; true if there is another token now.
  bool renewed_after(const std::string& rejected);

  // Looks at once. Throws what find_token() throws; the last token stays then.
  void renew();

  // Where the token came from, never the token.
  std::string origin() const;

 private:
  void look_again();  // with mutex_ held; the files are small and local

  const std::string token_file_;
  const Environment environment_;
  const Clock clock_;
  mutable std::mutex mutex_;
  FoundToken found_;                                 // protected by mutex_
  std::chrono::steady_clock::time_point looked_at_;  // protected by mutex_
};

}  // namespace neffs::hub
