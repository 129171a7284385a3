#include "hub/curl_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "hub/url.h"

namespace neffs::hub {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kLongestHead = 256UL * 1024;

std::string_view without_line_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  return line;
}

// 0 for anything that is not a status line.
int status_of_line(std::string_view line) {
  if (!line.starts_with("HTTP/")) return 0;
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return 0;
  const auto digits = line.substr(blank + 1, 3);
  int status = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  return parsed.ec == std::errc() ? status : 0;
}

// C callbacks: nothing is thrown through curl, a failed one ends its transfer.
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    static_cast<CurlTransfer*>(user)->take_header_line({data, size * count});
    return size * count;
  } catch (...) {
    return 0;
  }
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    auto& transfer = *static_cast<CurlTransfer*>(user);
    transfer.last_byte = steady_clock::now();
    if (transfer.mailbox->put_body(transfer.id, {data, size * count})) return size * count;
    transfer.paused = true;
    return CURL_WRITEFUNC_PAUSE;
  } catch (...) {
    return CURL_WRITEFUNC_PAUSE + 1;  // any number that was not asked for is an error
  }
}

std::size_t on_room(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    return static_cast<CurlTransfer*>(user)->fill({data, size * count});
  } catch (...) {
    return CURL_READFUNC_ABORT;
  }
}

void set_source(CurlTransfer& transfer) {
  CURL* easy = transfer.easy.get();
  set(easy, CURLOPT_UPLOAD, 1L);
  set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.request.source->size()));
  set(easy, CURLOPT_READFUNCTION, &on_room);
  set(easy, CURLOPT_READDATA, static_cast<void*>(&transfer));
  set(easy, CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(kOutgoingPiece));
  set(easy, CURLOPT_CUSTOMREQUEST, transfer.request.method.c_str());
}

void set_method(CurlTransfer& transfer) {
  CURL* easy = transfer.easy.get();
  const HttpRequest& request = transfer.request;
  if (request.source) {
    set_source(transfer);
  } else if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void set_headers(CurlTransfer& transfer) {
  append(transfer.header_lines, "Accept-Encoding: identity");
  append(transfer.header_lines, "Expect:");
  for (const Header& header : transfer.request.headers.list()) {
    append(transfer.header_lines, header.name + ": " + header.value);
  }
  set(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.header_lines.get());
}

void set_callbacks(CurlTransfer& transfer) {
  CURL* easy = transfer.easy.get();
  set(easy, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  set(easy, CURLOPT_HEADERFUNCTION, &on_header);
  set(easy, CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
  set(easy, CURLOPT_WRITEFUNCTION, &on_body);
  set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
}

void set_network(CURL* easy, const HttpRequest& request, const CurlOptions& options) {
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);  // a signed path must arrive as it was signed
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy, CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  const bool plain = request.bulk || request.source;
  set(easy, CURLOPT_HTTP_VERSION,
      static_cast<long>(plain ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
  if (request.bulk) set(easy, CURLOPT_BUFFERSIZE, 256L * 1024L);
  if (!options.ca_file.empty()) set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
#if LIBCURL_VERSION_NUM >= 0x075700
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a name look-up that hangs must not hold up the exit
#endif
}

}  // namespace

void CurlTransfer::take_header_line(std::string_view line) {
  last_byte = steady_clock::now();
  if (head_given) return;  // trailers
  line = without_line_end(line);
  head_bytes += line.size();
  if (head_bytes > kLongestHead) throw std::length_error("head too long");
  if (const int status = status_of_line(line)) {
    head = HttpHead{status, {}};
  } else if (!line.empty()) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    head.headers.add(std::string(line.substr(0, colon)), std::string(value));
  } else if (head.status >= 200) {
    head_given = true;
    mailbox->put_head(id, std::move(head));
  }
}

std::string CurlTransfer::host() const {
  const auto url = Url::parse(request.url);
  return url ? url->host : "the Hub";
}

// What curl has not taken, nobody can have got.
bool CurlTransfer::may_have_arrived() const {
  long request_bytes = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
  return request_bytes > 0 && (!request.source || bytes_taken == request.source->size());
}

HubError CurlTransfer::timeout(const char* what) const {
  HubError error(HubErrorKind::kUnavailable, fmt::format("{}: {}", host(), what));
  error.may_have_arrived = may_have_arrived();
  return error;
}

std::size_t CurlTransfer::fill(std::span<char> room) {
  last_byte = steady_clock::now();
  if (bytes_taken == request.source->size()) return 0;
  const std::size_t length = mailbox->take_outgoing(id, room);
  bytes_taken += length;
  starved = length == 0;
  return starved ? CURL_READFUNC_PAUSE : length;
}

HubError CurlTransfer::failure(CURLcode code) const {
  if (code == CURLE_OPERATION_TIMEDOUT) return timeout("no answer in time");
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    return timeout("its certificate is not trusted (name your own CA in SSL_CERT_FILE)");
  }
  // curl's own text may quote a header or a URL, its general one never does.
  return timeout(curl_easy_strerror(code));
}

void CurlTransfer::prepare(const CurlOptions& options) {
  easy.reset(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  set(easy.get(), CURLOPT_URL, request.url.c_str());
  set_method(*this);
  set_headers(*this);
  set_callbacks(*this);
  set_network(easy.get(), request, options);
  last_byte = steady_clock::now();
}

}  // namespace neffs::hub
