#include "hub/http_client.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

namespace neffs::hub {
namespace {

HubError too_long(std::size_t max_body) {
  return {HubErrorKind::kInvalidAnswer, fmt::format("an answer of more than {} bytes", max_body)};
}

}  // namespace

void Headers::add(std::string name, std::string value) {
  list_.push_back({std::move(name), std::move(value)});
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  const auto found = std::find_if(list_.begin(), list_.end(), [&](const Header& header) {
    return header.name.size() == name.size() &&
           ::strncasecmp(header.name.data(), name.data(), name.size()) == 0;
  });
  if (found == list_.end()) return std::nullopt;
  return found->value;
}

HttpResponse perform(HttpExchange& exchange, HttpRequest request, std::size_t max_body,
                     WhenLonger when_longer) {
  const TransferId transfer = exchange.start(std::move(request));
  HttpResponse response;
  for (;;) {
    auto event = exchange.next(std::chrono::steady_clock::time_point::max());
    if (!event || event->transfer != transfer) continue;
    if (auto* head = std::get_if<HttpHead>(&event->what)) {
      response.status = head->status;
      response.headers = std::move(head->headers);
    } else if (const auto* piece = std::get_if<BodyPiece>(&event->what)) {
      response.body += piece->bytes;
      if (response.body.size() <= max_body) continue;
      exchange.cancel(transfer);
      if (when_longer == WhenLonger::kRefuse) throw too_long(max_body);
      response.body.resize(max_body);
      return response;
    } else if (const auto* error = std::get_if<HubError>(&event->what)) {
      throw HubError(*error);
    } else {
      return response;
    }
  }
}

}  // namespace neffs::hub
