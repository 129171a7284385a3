#include "hub/curl_http_client.h"

#include <algorithm>
#include <map>
#include <utility>

#include "hub/curl_io.h"
#include "hub/curl_transfer.h"
#include "hub/mailbox.h"

namespace neffs::hub {

using std::chrono::steady_clock;

class CurlHttpClient::Exchange final : public HttpExchange {
 public:
  Exchange(std::shared_ptr<CurlIo> io, std::stop_token stop)
      : io_(std::move(io)), stop_(std::move(stop)), mailbox_(io_->new_mailbox()) {}
  ~Exchange() override {
    for (auto& [id, transfer] : transfers_) io_->cancel(std::move(transfer));
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  TransferId start(HttpRequest request) override {
    const TransferId id = ++last_id_;
    auto transfer = std::make_shared<CurlTransfer>(id, std::move(request), mailbox_);
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

  const std::shared_ptr<CurlIo> io_;
  const std::stop_token stop_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::map<TransferId, std::shared_ptr<CurlTransfer>> transfers_;
  TransferId last_id_ = 0;
};

CurlHttpClient::CurlHttpClient(CurlOptions options)
    : io_(std::make_shared<CurlIo>(std::move(options))) {}

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
