// HTTP as hub/ needs it. An interface, so that nothing above knows curl; bodies reach their reader
// through bounded buffers, so that a slow disk slows the sender and not this process' memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/hub_error.h"

namespace neffs::hub {

struct Header {
  std::string name;
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> list) : list_(list) {}

  void add(std::string name, std::string value);
  // The value of the first header of that name, whatever its case.
  std::optional<std::string_view> get(std::string_view name) const;
  const std::vector<Header>& list() const { return list_; }

 private:
  std::vector<Header> list_;
};

// A body that is read while it is sent, so that it need not fit into memory. Read once, from its
// start, by the thread that drives the exchange and only while it waits in HttpExchange::next().
class BodySource {
 public:
  virtual ~BodySource() = default;

  virtual std::uint64_t size() const = 0;  // exact and constant: the Content-Length; any thread
  // The next bytes, at least one and at most `most`, which is never more than are left. A HubError
  // ends the transfer, before it is complete, and becomes its failure.
  virtual std::string read(std::size_t most) = 0;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> source;  // instead of `body`; sent by HTTP/1.1
  // No byte in either direction for so long: the transfer fails with kUnavailable.
  std::chrono::milliseconds idle_timeout{10'000};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  // HTTP/1.1 on a connection of its own: parallel bulk transfers want a TCP window each, and one
  // that waits for its reader must not hold up others on the same connection.
  bool bulk = false;
  // A new connection, because the last one to this host failed and may be dead.
  bool fresh_connection = false;
};

struct HttpHead {
  int status = 0;
  Headers headers;
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

using TransferId = int;

struct BodyPiece {
  std::string bytes;  // never empty
};
struct BodyEnd {};

// Of one transfer come, in this order: one HttpHead, any number of BodyPiece, one BodyEnd; a HubError
// (kUnavailable, kInvalidAnswer) instead of what is missing. Redirects are answers like any other.
struct HttpEvent {
  TransferId transfer = 0;
  std::variant<HttpHead, BodyPiece, BodyEnd, HubError> what;
};

// Some transfers that one thread drives. One thread at a time; must not outlive its client.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;  // cancels what is still running

  // Returns at once.
  virtual TransferId start(HttpRequest request) = 0;
  // No more events of this transfer. Nothing happens if it has ended.
  virtual void cancel(TransferId transfer) = 0;
  // The next event of any transfer, nullopt if there is none until then; with no transfer running
  // this is a sleep. Throws HubError kCancelled when the client is shut down or the stop token asks.
  virtual std::optional<HttpEvent> next(std::chrono::steady_clock::time_point until) = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // stop: ends the waits of this exchange, with kCancelled. Any thread.
  virtual std::unique_ptr<HttpExchange> exchange(std::stop_token stop) = 0;
  // Fails everything outstanding and everything later with kCancelled; returns at once. Any thread.
  virtual void shutdown() = 0;
};

// What perform() does with a body that is longer than wanted.
enum class WhenLonger { kRefuse, kCut };

// One answer of an exchange that has nothing else running. Throws HubError: what the transfer failed
// with, kInvalidAnswer if the body is longer than max_body; with kCut its start is the answer.
HttpResponse perform(HttpExchange& exchange, HttpRequest request, std::size_t max_body,
                     WhenLonger when_longer = WhenLonger::kRefuse);

}  // namespace neffs::hub
