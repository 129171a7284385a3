// Where the I/O thread leaves what arrives and finds what is to be sent, and where the thread that
// asked for it waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "hub/http_client.h"

namespace neffs::hub {

// Between one reader and the I/O thread. Bounded: of each transfer at most about `limit` bytes wait
// here, the rest stays in the network; of each body two pieces, the rest stays at its source. Its
// lock is a leaf, held for moving bytes only.
class Mailbox {
 public:
  explicit Mailbox(std::size_t limit) : limit_(limit) {}

  // --- the I/O thread; what comes for a transfer that is not expected is dropped -----------------
  void put_head(TransferId transfer, HttpHead head);
  // False: no room, nothing was taken; take() will say when to offer it again.
  bool put_body(TransferId transfer, std::string_view bytes);
  void put_end(TransferId transfer);
  void put_failure(TransferId transfer, HubError error);
  // Fills the start of `room` with what is to be sent next and returns its length. 0: nothing is
  // here now; send() will say when to ask again.
  std::size_t take_outgoing(TransferId transfer, std::span<char> room);

  // --- the reader --------------------------------------------------------------------------------
  // outgoing: how many bytes send() will bring.
  void expect(TransferId transfer, std::uint64_t outgoing = 0);
  void forget(TransferId transfer);
  // The next piece of a body. True: the I/O thread has found nothing before and may ask again.
  bool send(TransferId transfer, std::string bytes);
  struct Taken {
    TransferId transfer = 0;
    std::optional<HttpEvent> event;  // nullopt: the transfer wants `outgoing` more bytes, or some
    std::uint64_t outgoing = 0;
    bool room_again = false;  // the I/O thread was refused before and may offer again
  };
  // The next event or wish, nullopt if none has come until then. Bytes come in one piece, as many as
  // wait. Throws HubError kCancelled if closed or if `stop` asks.
  std::optional<Taken> take(std::chrono::steady_clock::time_point until,
                            const std::stop_token& stop);

  // --- any thread --------------------------------------------------------------------------------
  void close();

 private:
  struct Slot {
    std::optional<HttpHead> head;
    std::string body;
    bool refused = false;              // put_body has answered false
    std::deque<std::string> outgoing;  // at most two pieces
    std::size_t taken = 0;             // of the first piece
    std::uint64_t unsent = 0;          // bytes that send() has still to bring
    bool starved = false;              // take_outgoing has answered 0
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
