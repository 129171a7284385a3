// How this process talks HTTP, whatever it asks for.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace neffs::hub {

struct CurlOptions {
  std::string user_agent;  // "neffs/0.1.0"
  std::string ca_file;     // "" for the system's; libcurl itself does not read SSL_CERT_FILE
  std::chrono::milliseconds connect_timeout{10'000};
  std::size_t buffer_limit = 1U << 20U;  // bytes of one transfer that may wait for their reader
};

}  // namespace neffs::hub
