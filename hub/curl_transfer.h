// One request on its way through libcurl.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hub/curl_handles.h"
#include "hub/curl_options.h"
#include "hub/http_client.h"
#include "hub/mailbox.h"

namespace neffs::hub {

// The most that curl takes of a body at once.
inline constexpr std::size_t kOutgoingPiece = 256UL * 1024;

// Constant after construction except for what the I/O thread owns.
struct CurlTransfer {
  CurlTransfer(TransferId transfer_id, HttpRequest what, std::shared_ptr<Mailbox> where)
      : id(transfer_id), request(std::move(what)), mailbox(std::move(where)) {}

  const TransferId id;
  const HttpRequest request;
  const std::shared_ptr<Mailbox> mailbox;

  // --- the I/O thread's own ----------------------------------------------------------------------
  Easy easy;
  List header_lines;
  std::array<char, CURL_ERROR_SIZE> error_text{};
  HttpHead head;
  std::size_t head_bytes = 0;
  bool head_given = false;
  bool paused = false;   // no room for what came
  bool starved = false;  // nothing there to be sent
  std::chrono::steady_clock::time_point last_byte;
  curl_off_t bytes_sent = 0;
  std::uint64_t bytes_taken = 0;  // of the source, by curl

  // Gets it ready to be started. Throws std::bad_alloc, std::runtime_error.
  void prepare(const CurlOptions& options);

  // What curl calls back with; may throw, which ends the transfer.
  void take_header_line(std::string_view line);
  std::size_t fill(std::span<char> room);
  bool may_have_arrived() const;
  bool waits_for_us() const { return paused || starved; }
  std::string host() const;
  HubError failure(CURLcode code) const;
  HubError timeout(const char* what) const;
};

}  // namespace neffs::hub
