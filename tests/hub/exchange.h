// A request as it arrived and the answer to it, as plain values: no handler knows the HTTP library.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/hub/content.h"

namespace neffs::test {

// The two machines the Hub looks like: the one that knows repos and the one that sends big files.
enum class Host { kHub, kCdn };

struct IgnoreCase {
  bool operator()(const std::string& a, const std::string& b) const;
};
using HeaderMap = std::map<std::string, std::string, IgnoreCase>;
using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string target;  // as sent: path and query, percent-encoded
  std::vector<std::string>
      segments;  // the path between slashes, each decoded: "refs%2Fpr%2F1" is one
  std::multimap<std::string, std::string> query;
  HeaderMap headers;
  std::string body;
  std::string remote_ip;
  std::uint64_t number = 0;  // in the log of traffic; 0: not there yet

  // What faults ask of the handlers.
  bool sign_expired = false;
  bool page_for_ever = false;

  // "" if there is none.
  std::string header(const std::string& name) const;
  std::string query_value(const std::string& name) const;
  bool query_flag(const std::string& name) const;  // "true" or "1"
  // The decoded path from the given segment on, joined by slashes.
  std::string path_from(std::size_t segment) const;
};

// How a body leaves the Hub, where it is not simply sent, or how one arrives.
struct Delivery {
  bool hang_up = false;                      // no answer at all: the connection is closed
  std::optional<std::uint64_t> cut_after;    // close the connection after so many bytes
  std::optional<std::uint64_t> stall_after;  // send or read nothing more after so many bytes
  std::uint64_t bytes_per_second = 0;        // 0: as fast as it goes
};

struct Answer {
  int status = 200;
  HeaderList headers;
  ContentPtr body;  // nullptr: none; Content-Length is set from it unless it is among the headers
  Delivery delivery;
  // Called once with the bytes of the body that were sent.
  std::function<void(std::uint64_t bytes)> on_sent;

  std::string header(std::string_view name) const;
  void set_header(const std::string& name, const std::string& value);
  void drop_header(std::string_view name);
  std::uint64_t body_size() const { return body ? body->size() : 0; }
};

Answer json_answer(const nlohmann::json& json, int status = 200);
Answer text_answer(std::string text, int status = 200,
                   const std::string& type = "text/plain; charset=utf-8");
// An error as the Hub words it: X-Error-Code (if any), X-Error-Message and a JSON body.
Answer error_answer(int status, const std::string& code, const std::string& message);
Answer redirect_answer(int status, const std::string& location);

std::string percent_decode(std::string_view text, bool plus_is_blank = false);
// Everything but letters, digits and "-_.~" is encoded; encode_path leaves slashes.
std::string percent_encode(std::string_view text);
std::string encode_path(std::string_view path);
std::multimap<std::string, std::string> parse_query(std::string_view text);
// Splits at '/' and decodes each part; a leading slash starts no part.
std::vector<std::string> split_path(std::string_view raw_path);

}  // namespace neffs::test
