// What ends a command: said once on stderr, in one line.
#pragma once

#include <stdexcept>
#include <string>

namespace neffs::mount_helper {

enum ExitCode { kSuccess = 0, kFailure = 1, kWrongUsage = 2 };

// what() is "what failed: why (what to do)", the last part left out where there is nothing to do.
class CommandError : public std::runtime_error {
 public:
  CommandError(const std::string& what_failed, const std::string& why,
               const std::string& what_to_do = "", ExitCode exit_code = kFailure)
      : std::runtime_error(what_failed + ": " + why +
                           (what_to_do.empty() ? "" : " (" + what_to_do + ")")),
        exit_code_(exit_code) {}

  ExitCode exit_code() const { return exit_code_; }

 private:
  ExitCode exit_code_;
};

// The same for what the user has typed wrongly.
inline CommandError usage_error(const std::string& what_failed, const std::string& why,
                                const std::string& what_to_do = "") {
  return {what_failed, why, what_to_do, kWrongUsage};
}

}  // namespace neffs::mount_helper
