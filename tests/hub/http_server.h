// An HTTP/1.1 server on loopback that hands requests over as plain values and can break the rules
// of HTTP on request. The only user of the HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "tests/hub/exchange.h"

namespace neffs::test {

// What a server is for. One thread per connection calls it, for as many connections as there are.
class HttpService {
 public:
  virtual ~HttpService() = default;

  // Before the body of a request is read, if it can have one: how the body may arrive.
  virtual Delivery admit(Request& head) = 0;
  // `piece` of the body came, `have` bytes with it. May wait, and note in `terms` what is done with;
  // must return soon after stop(). False: the connection is closed.
  virtual bool take(Delivery& terms, std::uint64_t have, std::string_view piece) = 0;
  // The connection ended before the body did.
  virtual void lost(const Request& request) = 0;

  virtual Answer answer(Request request) = 0;
  // Sends the body piece by piece through `write` (false: the client is gone) as answer.delivery
  // says. Returns false where the connection must be closed. Must return soon after stop().
  virtual bool send(const Answer& answer, const std::function<bool(std::string_view)>& write) = 0;
};

class HttpServer {
 public:
  // Listens on 127.0.0.1 at once; port 0 takes a free one. Throws std::system_error.
  HttpServer(int port, HttpService& service);
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
