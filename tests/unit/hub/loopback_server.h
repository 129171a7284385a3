// A server on loopback that says exactly what a test tells it to, broken answers included.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hub/http_client.h"

namespace neffs::test {

inline constexpr std::size_t kMostKeptBody = 4UL * 1024 * 1024;

struct SeenRequest {
  std::string method;
  std::string target;  // path and query as they were sent
  hub::Headers headers;
  std::string body;             // "" if it is longer than kMostKeptBody
  std::uint64_t body_size = 0;  // as it was sent

  std::string header(std::string_view name) const;
};

// The connection a request came on. Sending to a client that has gone is no error.
class Reply {
 public:
  Reply(int socket, const std::atomic<bool>& stopping) : socket_(socket), stopping_(stopping) {}

  // Any bytes.
  void send(std::string_view bytes);
  // A proper answer with its Content-Length; the connection is kept.
  void answer(int status, const hub::Headers& headers, std::string_view body);
  // Says nothing more until the client gives up or the server is ended.
  void stall();
  // Ends the connection after the handler.
  void cut() { cut_ = true; }
  bool is_cut() const { return cut_; }

 private:
  int socket_;
  const std::atomic<bool>& stopping_;
  bool cut_ = false;
};

class LoopbackServer {
 public:
  using Handler = std::function<void(const SeenRequest&, Reply&)>;

  enum class Reads { kEverything, kHeadOnly };

  // handler: called on a thread per connection, after the body or, with kHeadOnly, before it; then
  // the body is never read, and the handler had better cut.
  explicit LoopbackServer(Handler handler, Reads reads = Reads::kEverything);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:<port>"
  std::vector<SeenRequest> seen() const;
  // How many requests have come whose target contains `part`.
  std::size_t count(std::string_view part) const;
  // False if there were not so many within ten seconds.
  bool wait_for(std::size_t requests);

 private:
  void accept_all();
  void serve(int socket);

  Handler handler_;
  const Reads reads_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<SeenRequest> seen_;         // protected by mutex_
  std::vector<int> sockets_;              // protected by mutex_
  std::vector<std::thread> connections_;  // the accepting thread's, then the destructor's
  std::thread acceptor_;
};

}  // namespace neffs::test
