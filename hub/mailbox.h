// Where the I/O thread leaves what arrives, and where the thread that asked for it waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "hub/http_client.h"

namespace neffs::hub {

// Between one reader and the I/O thread. Bounded: of each transfer at most about `limit` bytes wait
// here, the rest stays in the network. Its lock is a leaf, held for moving bytes only.
class Mailbox {
 public:
  explicit Mailbox(std::size_t limit) : limit_(limit) {}

  // --- the I/O thread; what comes for a transfer that is not expected is dropped -----------------
  void put_head(TransferId transfer, HttpHead head);
  // False: no room, nothing was taken; take() will say when to offer it again.
  bool put_body(TransferId transfer, std::string_view bytes);
  void put_end(TransferId transfer);
  void put_failure(TransferId transfer, HubError error);

  // --- the reader --------------------------------------------------------------------------------
  void expect(TransferId transfer);
  void forget(TransferId transfer);
  struct Taken {
    HttpEvent event;
    bool room_again = false;  // the I/O thread was refused before and may offer again
  };
  // The next event, nullopt if none has come until then. Bytes come in one piece, as many as wait.
  // Throws HubError kCancelled if closed or if `stop` asks.
  std::optional<Taken> take(std::chrono::steady_clock::time_point until,
                            const std::stop_token& stop);

  // --- any thread --------------------------------------------------------------------------------
  void close();

 private:
  struct Slot {
    std::optional<HttpHead> head;
    std::string body;
    bool refused = false;  // put_body has answered false
    bool ended = false;
    std::optional<HubError> failure;
  };

  Slot* slot_of(TransferId transfer);  // with mutex_ held
  std::optional<Taken> take_now();     // with mutex_ held
  static std::optional<Taken> take_from(TransferId transfer, Slot& slot);

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::map<TransferId, Slot> slots_;  // protected by mutex_
  TransferId last_served_ = 0;        // protected by mutex_
  bool closed_ = false;               // protected by mutex_
};

}  // namespace neffs::hub
