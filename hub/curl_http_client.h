// HttpClient on libcurl: one I/O thread drives every transfer of the process.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "hub/http_client.h"

namespace neffs::hub {

struct CurlOptions {
  std::string user_agent;  // "neffs/0.1.0"
  std::string ca_file;     // "" for the system's; libcurl itself does not read SSL_CERT_FILE
  std::chrono::milliseconds connect_timeout{10'000};
  std::size_t buffer_limit = 1U << 20U;  // bytes of one transfer that may wait for their reader
};

// HTTP/2 where TLS offers it, connections kept, redirects not followed, no compression, proxies as
// libcurl reads them from HTTPS_PROXY and NO_PROXY. The I/O thread takes no lock but leaves, never
// touches the disk and never runs a caller's code: a slow reader pauses its own transfer only.
class CurlHttpClient final : public HttpClient {
 public:
  // Throws HubError kLocal if libcurl or the thread cannot be started.
  explicit CurlHttpClient(CurlOptions options);
  ~CurlHttpClient() override;  // shuts down and joins the I/O thread
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  std::unique_ptr<HttpExchange> exchange(std::stop_token stop) override;
  void shutdown() override;

 private:
  class Io;
  class Exchange;
  const std::shared_ptr<Io> io_;
};

}  // namespace neffs::hub
