#include "hub/curl_io.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace neffs::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr long kKeptConnections = 32;
constexpr milliseconds kLongestPoll{10'000};

// For the life of the process; thread-safe once, and never undone, as others may use curl.
CURLM* new_multi() {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  return kStarted == CURLE_OK ? curl_multi_init() : nullptr;
}

}  // namespace

CurlIo::CurlIo(CurlOptions options) : options_(std::move(options)), multi_(new_multi()) {
  if (!multi_) throw HubError(HubErrorKind::kLocal, "libcurl cannot be started");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kKeptConnections);
  thread_ = std::thread([this] { run(); });
}

CurlIo::~CurlIo() {
  shutdown();
  thread_.join();
}

std::shared_ptr<Mailbox> CurlIo::new_mailbox() {
  auto mailbox = std::make_shared<Mailbox>(options_.buffer_limit);
  const std::lock_guard lock(mutex_);
  std::erase_if(mailboxes_, [](const auto& known) { return known.expired(); });
  mailboxes_.push_back(mailbox);
  if (shut_down_) mailbox->close();
  return mailbox;
}

void CurlIo::shutdown() {
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

void CurlIo::post(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  curl_multi_wakeup(multi_.get());
}

void CurlIo::run() {
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

bool CurlIo::obey() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    if (shut_down_) return false;
    commands.swap(commands_);
  }
  for (const Command& command : commands) obey(command);
  return true;
}

void CurlIo::obey(const Command& command) {
  CurlTransfer& transfer = *command.transfer;
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

void CurlIo::begin(const std::shared_ptr<CurlTransfer>& transfer) {
  try {
    transfer->prepare(options_);
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

void CurlIo::end(CurlTransfer& transfer) {
  curl_multi_remove_handle(multi_.get(), transfer.easy.get());
  transfer.easy.reset();
  running_.erase(&transfer);  // may destroy it
}

void CurlIo::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    void* user = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
    auto& transfer = *static_cast<CurlTransfer*>(user);
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

std::optional<HubError> CurlIo::overdue(CurlTransfer& transfer,
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

milliseconds CurlIo::expire() {
  const auto now = steady_clock::now();
  auto next = now + kLongestPoll;
  for (auto it = running_.begin(); it != running_.end();) {
    CurlTransfer& transfer = *(it++)->second;
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

}  // namespace neffs::hub
