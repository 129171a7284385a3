// The ways in which the Hub can be made to fail.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/hub/request_kind.h"

namespace neffs::test {

enum class FaultType {
  // Instead of the Hub's answer.
  kAnswer,        // status, headers and body as given
  kHangUp,        // the connection is closed without an answer
  kRedirectLoop,  // 307 to the same URL
  // Asked of the Hub's own answer.
  kIgnoreRange,   // 200 and the whole file
  kExpiredUrl,    // a redirect to the CDN is signed with a time that is over
  kEndlessPages,  // every page of a listing names a next one
  // Done to the Hub's own answer. Those about the body wait for one with a 2xx status and a body.
  kInvalidJson,        // the body ends in the middle of the JSON, lengths agree
  kTruncate,           // the connection is closed after `at` bytes of the body
  kCorrupt,            // byte `at` of the body is inverted
  kStall,              // nothing more is sent after `at` bytes
  kResize,             // the body is `delta` bytes longer (zeros) or shorter, lengths agree
  kWrongContentRange,  // Content-Range claims a range one byte further on
  kDropHeader,         // header `text` is missing
  kSetHeader,          // `headers` replace those of the answer
  kSlow,               // the body comes at `at` bytes per second
  // Done to the body of the request as it arrives.
  kCutUpload,    // the connection is closed when `at` bytes are here
  kStallUpload,  // nothing more is read after `at` bytes
  kSlowUpload,   // it is read at `at` bytes per second
};

struct Fault {
  FaultType type = FaultType::kAnswer;
  int status = 0;
  HeaderList headers;
  std::string text;
  std::uint64_t at = 0;
  std::int64_t delta = 0;
  // kAnswer and kHangUp: the request takes effect first, only its answer is lost. Requests that the
  // Hub itself refuses have none and are left alone.
  bool after_effect = false;

  static Fault answer(int status, std::string body = "", HeaderList headers = {});
  static Fault html(int status);  // the page a proxy or CDN shows
  static Fault hang_up();
  static Fault redirect_loop() { return of(FaultType::kRedirectLoop); }
  static Fault ignore_range() { return of(FaultType::kIgnoreRange); }
  static Fault expired_url() { return of(FaultType::kExpiredUrl); }
  static Fault endless_pages() { return of(FaultType::kEndlessPages); }
  static Fault invalid_json() { return of(FaultType::kInvalidJson); }
  static Fault truncate(std::uint64_t after_bytes) { return of(FaultType::kTruncate, after_bytes); }
  static Fault corrupt(std::uint64_t byte) { return of(FaultType::kCorrupt, byte); }
  static Fault stall(std::uint64_t after_bytes) { return of(FaultType::kStall, after_bytes); }
  static Fault resize(std::int64_t delta);
  static Fault wrong_content_range() { return of(FaultType::kWrongContentRange); }
  static Fault drop_header(std::string name);
  static Fault set_header(std::string name, std::string value);
  static Fault slow(std::uint64_t bytes_per_second) {
    return of(FaultType::kSlow, bytes_per_second);
  }
  static Fault cut_upload(std::uint64_t after_bytes) {
    return of(FaultType::kCutUpload, after_bytes);
  }
  static Fault stall_upload(std::uint64_t after_bytes) {
    return of(FaultType::kStallUpload, after_bytes);
  }
  static Fault slow_upload(std::uint64_t bytes_per_second) {
    return of(FaultType::kSlowUpload, bytes_per_second);
  }
  // What the Hub itself says to those who commit, at moments of the test's choice.
  static Fault commit_running();  // 409
  static Fault head_moved();      // 412
  static Fault commit_quota();    // 429, with r above 0

  // The same, but the request takes effect: a lost answer.
  Fault after() const;

 private:
  static Fault of(FaultType type, std::uint64_t at = 0);
};

// Ordered rules; the first that fits and applies is used up by one. Any thread may call.
class Faults {
 public:
  static constexpr std::size_t kForEver = static_cast<std::size_t>(-1);

  // Returns a number for remove().
  int add(Match match, Fault fault, std::size_t times = kForEver);
  void remove(int rule);
  void clear();
  // How often a rule (also a used-up or removed one) has struck.
  std::size_t struck(int rule) const;

  // For the Hub: how the body of a request arrives.
  Delivery on_arrival(Host host, Kind kind, const Request& request);
  // Changes what is asked; an answer if there is nothing to handle any more.
  std::optional<Answer> before_handling(Host host, Kind kind, Request& request);
  // Changes what is answered.
  void after_handling(Host host, Kind kind, const Request& request, Answer& answer);

 private:
  struct Rule {
    int number = 0;
    Match match;
    Fault fault;
    std::size_t left = 0;
    std::size_t struck = 0;
  };
  template <typename Applies>
  std::optional<Fault> take(Host host, Kind kind, const Request& request, const Applies& applies);

  mutable std::mutex mutex_;
  std::vector<Rule> rules_;  // guarded by mutex_; removed and used-up ones stay, with nothing left
};

}  // namespace neffs::test
