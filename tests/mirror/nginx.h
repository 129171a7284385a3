// The real nginx with the configuration of packaging/mirror, before a Hub on loopback.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/hub/test_hub.h"
#include "tests/mount/child.h"
#include "tests/mount/scratch.h"

namespace neffs::test {

// Why it cannot run here; nullopt if it can.
std::optional<std::string> nginx_is_missing();

class Nginx {
 public:
  // Answers when the constructor returns. Throws std::runtime_error with what nginx said.
  Nginx(const Scratch& scratch, const TestHub& hub);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  // Everything that it has written: logs, and the names and bytes of what it keeps.
  std::string everything_written() const;

 private:
  const Scratch& scratch_;
  std::string endpoint_;
  std::unique_ptr<Child> process_;
};

// What nginx says of the configuration as it is shipped; "" if it is content.
std::string complaints_of_shipped_configuration(const Scratch& scratch);

}  // namespace neffs::test
