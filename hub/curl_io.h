// The thread that drives every transfer of a client.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "hub/curl_options.h"
#include "hub/curl_transfer.h"
#include "hub/hub_error.h"
#include "hub/mailbox.h"

namespace neffs::hub {

// The I/O thread, and the letter-box through which other threads tell it what to do. Safe for any thread.
class CurlIo {
 public:
  // Throws HubError kLocal if libcurl or the thread cannot be started.
  explicit CurlIo(CurlOptions options);
  ~CurlIo();  // shuts down, and waits for the thread
  CurlIo(const CurlIo&) = delete;
  CurlIo& operator=(const CurlIo&) = delete;

  void start(std::shared_ptr<CurlTransfer> transfer) {
    post({Action::kStart, std::move(transfer)});
  }
  void cancel(std::shared_ptr<CurlTransfer> transfer) {
    post({Action::kCancel, std::move(transfer)});
  }
  void resume(std::shared_ptr<CurlTransfer> transfer) {
    post({Action::kResume, std::move(transfer)});
  }

  // Closed at once by shutdown().
  std::shared_ptr<Mailbox> new_mailbox();
  void shutdown();

 private:
  enum class Action { kStart, kCancel, kResume };
  struct Command {
    Action action;
    std::shared_ptr<CurlTransfer> transfer;
  };

  void post(Command command);
  void run();
  bool obey();  // false: shut down
  void obey(const Command& command);
  void begin(const std::shared_ptr<CurlTransfer>& transfer);
  void end(CurlTransfer& transfer);
  void collect_finished();
  std::chrono::milliseconds expire();  // returns when the next one may expire
  std::optional<HubError> overdue(CurlTransfer& transfer,
                                  std::chrono::steady_clock::time_point now) const;

  const CurlOptions options_;
  const Multi multi_;

  std::mutex mutex_;
  std::vector<Command> commands_;                  // protected by mutex_
  std::vector<std::weak_ptr<Mailbox>> mailboxes_;  // protected by mutex_
  bool shut_down_ = false;                         // protected by mutex_

  std::map<CurlTransfer*, std::shared_ptr<CurlTransfer>> running_;  // the I/O thread's own
  std::thread thread_;
};

}  // namespace neffs::hub
