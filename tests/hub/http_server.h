// An HTTP/1.1 server on loopback that hands requests over as plain values and can break the rules
// of HTTP on request. The only user of the HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "tests/hub/exchange.h"

namespace neffs::test {

// Sends a body piece by piece through `write` (false: the client is gone) as answer.delivery says.
// Returns false where the connection must be closed afterwards. Must return soon after stop().
using Sender =
    std::function<bool(const Answer& answer, const std::function<bool(std::string_view)>& write)>;

class HttpServer {
 public:
  // Called by one thread per connection, for as many connections as there are.
  using Handler = std::function<Answer(Request)>;

  // Listens on 127.0.0.1 at once; port 0 takes a free one. Throws std::system_error.
  HttpServer(int port, Handler handler, Sender sender);
  // stop()
  ~HttpServer();

  int port() const;
  // Closes every connection and joins every thread; handlers must not be waiting for anything then.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace neffs::test
