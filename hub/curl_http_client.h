// HttpClient on libcurl: one I/O thread drives every transfer of the process.
#pragma once

#include <memory>
#include <stop_token>

#include "hub/curl_options.h"
#include "hub/http_client.h"

namespace neffs::hub {

class CurlIo;

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
  class Exchange;
  const std::shared_ptr<CurlIo> io_;
};

}  // namespace neffs::hub
