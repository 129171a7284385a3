#include "hub/curl_http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <map>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "hub/mailbox.h"
#include "hub/url.h"

namespace neffs::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kLongestHead = 256UL * 1024;
constexpr long kKeptConnections = 32;
constexpr milliseconds kLongestPoll{10'000};
constexpr std::size_t kOutgoingPiece = 256UL * 1024;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using Multi = std::unique_ptr<CURLM, MultiDeleter>;
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

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

// One request on its way. Constant after construction except for what the I/O thread owns.
struct Transfer {
  Transfer(TransferId transfer_id, HttpRequest what, std::shared_ptr<Mailbox> where)
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
  steady_clock::time_point last_byte;
  curl_off_t bytes_sent = 0;
  std::uint64_t bytes_taken = 0;  // of the source, by curl

  void take_header_line(std::string_view line);
  std::size_t fill(std::span<char> room);
  bool may_have_arrived() const;
  bool waits_for_us() const { return paused || starved; }
  std::string host() const;
  HubError failure(CURLcode code) const;
  HubError timeout(const char* what) const;
};

void Transfer::take_header_line(std::string_view line) {
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

std::string Transfer::host() const {
  const auto url = Url::parse(request.url);
  return url ? url->host : "the Hub";
}

// What curl has not taken, nobody can have got.
bool Transfer::may_have_arrived() const {
  long request_bytes = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
  return request_bytes > 0 && (!request.source || bytes_taken == request.source->size());
}

HubError Transfer::timeout(const char* what) const {
  HubError error(HubErrorKind::kUnavailable, fmt::format("{}: {}", host(), what));
  error.may_have_arrived = may_have_arrived();
  return error;
}

std::size_t Transfer::fill(std::span<char> room) {
  last_byte = steady_clock::now();
  if (bytes_taken == request.source->size()) return 0;
  const std::size_t length = mailbox->take_outgoing(id, room);
  bytes_taken += length;
  starved = length == 0;
  return starved ? CURL_READFUNC_PAUSE : length;
}

HubError Transfer::failure(CURLcode code) const {
  if (code == CURLE_OPERATION_TIMEDOUT) return timeout("no answer in time");
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    return timeout("its certificate is not trusted (name your own CA in SSL_CERT_FILE)");
  }
  // curl's own text may quote a header or a URL, its general one never does.
  return timeout(curl_easy_strerror(code));
}

// C callbacks: nothing is thrown through curl, a failed one ends its transfer.
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    static_cast<Transfer*>(user)->take_header_line({data, size * count});
    return size * count;
  } catch (...) {
    return 0;
  }
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    auto& transfer = *static_cast<Transfer*>(user);
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
    return static_cast<Transfer*>(user)->fill({data, size * count});
  } catch (...) {
    return CURL_READFUNC_ABORT;
  }
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code != CURLE_OK) throw std::runtime_error(curl_easy_strerror(code));
}

void set_source(Transfer& transfer) {
  CURL* easy = transfer.easy.get();
  set(easy, CURLOPT_UPLOAD, 1L);
  set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(transfer.request.source->size()));
  set(easy, CURLOPT_READFUNCTION, &on_room);
  set(easy, CURLOPT_READDATA, static_cast<void*>(&transfer));
  set(easy, CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(kOutgoingPiece));
  set(easy, CURLOPT_CUSTOMREQUEST, transfer.request.method.c_str());
}

void set_method(Transfer& transfer) {
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

void set_headers(Transfer& transfer) {
  append(transfer.header_lines, "Accept-Encoding: identity");
  append(transfer.header_lines, "Expect:");
  for (const Header& header : transfer.request.headers.list()) {
    append(transfer.header_lines, header.name + ": " + header.value);
  }
  set(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.header_lines.get());
}

void set_callbacks(Transfer& transfer) {
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

// The I/O thread, and the letter-box through which other threads tell it what to do.
class CurlHttpClient::Io {
 public:
  explicit Io(CurlOptions options);
  ~Io();
  Io(const Io&) = delete;
  Io& operator=(const Io&) = delete;

  void start(std::shared_ptr<Transfer> transfer) { post({Action::kStart, std::move(transfer)}); }
  void cancel(std::shared_ptr<Transfer> transfer) { post({Action::kCancel, std::move(transfer)}); }
  void resume(std::shared_ptr<Transfer> transfer) { post({Action::kResume, std::move(transfer)}); }

  std::shared_ptr<Mailbox> new_mailbox();
  void shutdown();

 private:
  enum class Action { kStart, kCancel, kResume };
  struct Command {
    Action action;
    std::shared_ptr<Transfer> transfer;
  };

  void post(Command command);
  void run();
  bool obey();  // false: shut down
  void obey(const Command& command);
  void begin(const std::shared_ptr<Transfer>& transfer);
  void end(Transfer& transfer);
  void collect_finished();
  milliseconds expire();  // returns when the next one may expire
  std::optional<HubError> overdue(Transfer& transfer, steady_clock::time_point now) const;

  const CurlOptions options_;
  const Multi multi_;

  std::mutex mutex_;
  std::vector<Command> commands_;                  // protected by mutex_
  std::vector<std::weak_ptr<Mailbox>> mailboxes_;  // protected by mutex_
  bool shut_down_ = false;                         // protected by mutex_

  std::map<Transfer*, std::shared_ptr<Transfer>> running_;  // the I/O thread's own
  std::thread thread_;
};

CurlHttpClient::Io::Io(CurlOptions options)
    : options_(std::move(options)), multi_(curl_multi_init()) {
  if (!multi_) throw HubError(HubErrorKind::kLocal, "libcurl cannot be started");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kKeptConnections);
  thread_ = std::thread([this] { run(); });
}

CurlHttpClient::Io::~Io() {
  shutdown();
  thread_.join();
}

std::shared_ptr<Mailbox> CurlHttpClient::Io::new_mailbox() {
  auto mailbox = std::make_shared<Mailbox>(options_.buffer_limit);
  const std::lock_guard lock(mutex_);
  std::erase_if(mailboxes_, [](const auto& known) { return known.expired(); });
  mailboxes_.push_back(mailbox);
  if (shut_down_) mailbox->close();
  return mailbox;
}

void CurlHttpClient::Io::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    // The readers are released here and do not depend on what curl is doing.
    for (const auto& known : mailboxes_) {
      if (const auto mailbox = known.lock()) mailbox->close();
    }
  }
  curl_multi_wakeup(multi_.get());
}

void CurlHttpClient::Io::post(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  curl_multi_wakeup(multi_.get());
}

void CurlHttpClient::Io::run() {
  // Signals belong to the threads that wait for them, and a closed socket is an error, not SIGPIPE.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  while (obey()) {
    int still_running = 0;
    curl_multi_perform(multi_.get(), &still_running);
    collect_finished();
    const milliseconds wait = expire();
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
  for (const auto& [address, transfer] : running_) {
    curl_multi_remove_handle(multi_.get(), address->easy.get());
    address->easy.reset();
  }
  running_.clear();
}

bool CurlHttpClient::Io::obey() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    if (shut_down_) return false;
    commands.swap(commands_);
  }
  for (const Command& command : commands) obey(command);
  return true;
}

void CurlHttpClient::Io::obey(const Command& command) {
  Transfer& transfer = *command.transfer;
  if (command.action == Action::kStart) {
    begin(command.transfer);
  } else if (!running_.contains(&transfer)) {
    return;  // it has ended meanwhile
  } else if (command.action == Action::kCancel) {
    end(transfer);
  } else {
    transfer.paused = false;
    transfer.starved = false;
    transfer.last_byte = steady_clock::now();
    curl_easy_pause(transfer.easy.get(), CURLPAUSE_CONT);
  }
}

void CurlHttpClient::Io::begin(const std::shared_ptr<Transfer>& transfer) {
  try {
    transfer->easy.reset(curl_easy_init());
    if (!transfer->easy) throw std::bad_alloc();
    set(transfer->easy.get(), CURLOPT_URL, transfer->request.url.c_str());
    set_method(*transfer);
    set_headers(*transfer);
    set_callbacks(*transfer);
    set_network(transfer->easy.get(), transfer->request, options_);
    transfer->last_byte = steady_clock::now();
    if (curl_multi_add_handle(multi_.get(), transfer->easy.get()) != CURLM_OK) {
      throw std::runtime_error("curl_multi_add_handle");
    }
    running_.emplace(transfer.get(), transfer);
  } catch (const std::exception& e) {
    transfer->easy.reset();
    transfer->mailbox->put_failure(
        transfer->id, HubError(HubErrorKind::kLocal, fmt::format("libcurl: {}", e.what())));
  }
}

void CurlHttpClient::Io::end(Transfer& transfer) {
  curl_multi_remove_handle(multi_.get(), transfer.easy.get());
  transfer.easy.reset();
  running_.erase(&transfer);  // may destroy it
}

void CurlHttpClient::Io::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    void* user = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
    auto& transfer = *static_cast<Transfer*>(user);
    const auto mailbox = transfer.mailbox;
    if (code != CURLE_OK) {
      mailbox->put_failure(transfer.id, transfer.failure(code));
    } else if (!transfer.head_given) {
      mailbox->put_failure(transfer.id, transfer.timeout("an answer without a head"));
    } else {
      mailbox->put_end(transfer.id);
    }
    end(transfer);
  }
}

std::optional<HubError> CurlHttpClient::Io::overdue(Transfer& transfer,
                                                    steady_clock::time_point now) const {
  if (now >= transfer.request.deadline) return transfer.timeout("no answer in time");
  if (transfer.waits_for_us() || now < transfer.last_byte + transfer.request.idle_timeout) {
    return std::nullopt;
  }
  curl_off_t sent = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  if (sent != transfer.bytes_sent) {
    transfer.bytes_sent = sent;
    transfer.last_byte = now;
    return std::nullopt;
  }
  return transfer.timeout("the connection has stalled");
}

milliseconds CurlHttpClient::Io::expire() {
  const auto now = steady_clock::now();
  auto next = now + kLongestPoll;
  for (auto it = running_.begin(); it != running_.end();) {
    Transfer& transfer = *(it++)->second;
    if (auto error = overdue(transfer, now)) {
      transfer.mailbox->put_failure(transfer.id, std::move(*error));
      // Whatever is wrong with this connection, the next request must not meet it again.
      curl_easy_setopt(transfer.easy.get(), CURLOPT_FORBID_REUSE, 1L);
      end(transfer);
      continue;
    }
    next = std::min(next, transfer.request.deadline);
    if (transfer.waits_for_us()) continue;
    next = std::min(next, transfer.last_byte + transfer.request.idle_timeout);
  }
  return std::chrono::ceil<milliseconds>(std::max(next, now) - now);
}

class CurlHttpClient::Exchange final : public HttpExchange {
 public:
  Exchange(std::shared_ptr<Io> io, std::stop_token stop)
      : io_(std::move(io)), stop_(std::move(stop)), mailbox_(io_->new_mailbox()) {}
  ~Exchange() override {
    for (auto& [id, transfer] : transfers_) io_->cancel(std::move(transfer));
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  TransferId start(HttpRequest request) override {
    const TransferId id = ++last_id_;
    auto transfer = std::make_shared<Transfer>(id, std::move(request), mailbox_);
    mailbox_->expect(id, transfer->request.source ? transfer->request.source->size() : 0);
    transfers_.emplace(id, transfer);
    io_->start(std::move(transfer));
    return id;
  }

  void cancel(TransferId id) override {
    mailbox_->forget(id);
    if (auto found = transfers_.extract(id)) io_->cancel(std::move(found.mapped()));
  }

  std::optional<HttpEvent> next(steady_clock::time_point until) override {
    while (auto taken = mailbox_->take(until, stop_)) {
      if (!taken->event) {
        if (auto failure = feed(*taken)) return failure;
        if (steady_clock::now() >= until) break;
        continue;
      }
      const auto& what = taken->event->what;
      if (std::holds_alternative<BodyEnd>(what) || std::holds_alternative<HubError>(what)) {
        transfers_.erase(taken->transfer);
      } else if (taken->room_again) {
        io_->resume(transfers_.at(taken->transfer));
      }
      return std::move(taken->event);
    }
    return std::nullopt;
  }

 private:
  // Gives a transfer the next piece of its body; returns an event if there is none.
  std::optional<HttpEvent> feed(const Mailbox::Taken& wish) {
    const auto transfer = transfers_.at(wish.transfer);
    try {
      const auto most = std::min<std::uint64_t>(wish.outgoing, kOutgoingPiece);
      auto bytes = transfer->request.source->read(static_cast<std::size_t>(most));
      if (mailbox_->send(wish.transfer, std::move(bytes))) io_->resume(transfer);
      return std::nullopt;
    } catch (const HubError& error) {
      cancel(wish.transfer);
      return HttpEvent{wish.transfer, error};
    }
  }

  const std::shared_ptr<Io> io_;
  const std::stop_token stop_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::map<TransferId, std::shared_ptr<Transfer>> transfers_;
  TransferId last_id_ = 0;
};

CurlHttpClient::CurlHttpClient(CurlOptions options)
    : io_([&] {
        // For the life of the process; thread-safe once, and never undone, as others may use curl.
        static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
        if (kStarted != CURLE_OK) throw HubError(HubErrorKind::kLocal, "libcurl cannot be started");
        return std::make_shared<Io>(std::move(options));
      }()) {}

CurlHttpClient::~CurlHttpClient() {
  io_->shutdown();
}

std::unique_ptr<HttpExchange> CurlHttpClient::exchange(std::stop_token stop) {
  return std::make_unique<Exchange>(io_, std::move(stop));
}

void CurlHttpClient::shutdown() {
  io_->shutdown();
}

}  // namespace neffs::hub
