#include "hub/download.h"

#include <fmt/format.h>

#include <algorithm>

#include "hub/answer_check.h"
#include "hub/error_of_response.h"
#include "hub/retry_policy.h"

namespace neffs::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMostFlights = 4;
constexpr int kMostHops = 8;
constexpr int kMostExpiredRoutes = 2;
constexpr int kMostWholeFiles = 3;
constexpr std::size_t kLongestRefusal = 64UL * 1024;
constexpr milliseconds kLongestStall{10'000};

bool is_content(int status) {
  return status == 200 || status == 206;
}

}  // namespace

Download::Download(const HubClient& hub, const std::string& repo_id, const DownloadRequest& request,
                   int fd)
    : hub_(hub),
      request_(request),
      subject_(fmt::format("{}/{}", repo_id, quotable(request.path))),
      resolve_route_{hub.file_url(repo_id, request.commit, request.path)},
      file_(fd, request.size, request.content.kind),
      plan_(request.size),
      last_byte_(steady_clock::now()) {}

HubError Download::error(HubErrorKind kind, const std::string& what) const {
  return {kind, fmt::format("{}: {}", subject_, what)};
}

void Download::run() {
  file_.reserve();
  if (request_.size == 0) {  // nothing to ask for: the id is that of the empty file, or wrong
    distrusted_ = true;
    return check_hash();
  }
  exchange_ = hub_.exchange(request_.stop);
  while (!verified_) {
    // One look at the clock decides what has to wait and until when: a turn that came between two
    // looks would be slept through.
    const auto now = steady_clock::now();
    launch(now);
    const bool behind = file_.hashed() < plan_.frontier();
    if (auto event = exchange_->next(behind ? now : wake_at(now))) handle(*event);
    file_.hash_some(plan_.frontier());
    if (file_.hashed() == request_.size) check_hash();
    if (!verified_ && steady_clock::now() >= give_up_at()) {
      throw error(HubErrorKind::kUnavailable,
                  fmt::format("no byte for {} ms", request_.idle_timeout.count()));
    }
  }
}

void Download::check_hash() {
  if (file_.finish() == request_.content) {
    verified_ = true;
  } else {
    distrust(HubErrorKind::kCorrupt, "the bytes do not have the promised hash");
  }
}

Download::TimePoint Download::wake_at(TimePoint now) const {
  auto wake = give_up_at();
  if (pause_until_ > now) wake = std::min(wake, pause_until_);
  if (hub_turn_ && *hub_turn_ > now) wake = std::min(wake, *hub_turn_);
  return wake;
}

void Download::launch(TimePoint now) {
  const auto has_scout = [&] {
    return std::any_of(flights_.begin(), flights_.end(),
                       [](const auto& entry) { return entry.second.scout; });
  };
  if (now < pause_until_) return;
  while (flights_.size() < kMostFlights) {
    const std::size_t piece = plan_.first_idle();
    if (piece == plan_.count() || (!route_ && has_scout())) return;
    Flight flight;
    flight.piece = piece;
    flight.scout = !route_;
    flight.route = route_.value_or(resolve_route_);
    if (flight.route.via_hub && !is_hubs_turn(now)) return;
    start(std::move(flight));
  }
}

// Asks the rate limit once for each request, and then waits for the time it was given.
bool Download::is_hubs_turn(TimePoint now) {
  if (!hub_turn_) {
    const auto patience =
        std::max(milliseconds(0), std::chrono::floor<milliseconds>(give_up_at() - now));
    const auto wait = hub_.rates().wait_before(Bucket::kResolvers, now, patience);
    if (wait > patience) throw HubError::throttled(subject_, wait);
    hub_turn_ = now + wait;
  }
  if (now < *hub_turn_) return false;
  hub_turn_.reset();
  return true;
}

void Download::start(Flight flight) {
  Piece& piece = plan_.piece(flight.piece);
  piece.carried = true;
  flight.token = flight.route.via_hub ? hub_.credentials().token() : "";
  HttpRequest request = hub_.request("GET", flight.route.url, flight.token);
  request.headers.add("Range", fmt::format("bytes={}-{}", piece.next, piece.end - 1));
  // Short enough that a stalled transfer can be repeated before the caller's patience ends.
  request.idle_timeout = std::min(kLongestStall, request_.idle_timeout / 3);
  request.bulk = !flight.route.via_hub;
  request.fresh_connection = fresh_connection_;
  fresh_connection_ = false;
  flight.head = {};
  flight.refusal.clear();
  const TransferId transfer = exchange_->start(std::move(request));
  flights_.emplace(transfer, std::move(flight));
}

void Download::start_over() {
  for (const auto& [transfer, flight] : flights_) exchange_->cancel(transfer);
  flights_.clear();
  plan_ = DownloadPlan(request_.size);
  file_.start_over();
  route_.reset();
  received_ = 0;
}

void Download::handle(HttpEvent& event) {
  const auto found = flights_.find(event.transfer);
  if (found == flights_.end()) return;
  Flight& flight = found->second;
  if (auto* head = std::get_if<HttpHead>(&event.what)) {
    flight.head = std::move(*head);
    if (flight.head.status == 200) {
      on_whole_file(event.transfer, flight);
    } else {
      on_head(flight);
    }
  } else if (const auto* piece = std::get_if<BodyPiece>(&event.what)) {
    on_bytes(flight, piece->bytes);
  } else {
    Flight ended = std::move(flight);
    flights_.erase(found);
    plan_.piece(ended.piece).carried = false;
    if (const auto* failure = std::get_if<HubError>(&event.what)) return retry(*failure);
    on_end(std::move(ended));
  }
}

void Download::on_head(Flight& flight) {
  const HttpHead& head = flight.head;
  if (flight.route.via_hub) {
    hub_.rates().heard(Bucket::kResolvers, head.headers, steady_clock::now());
  }
  if (head.status != 206) return;  // its body says more
  const Piece& piece = plan_.piece(flight.piece);
  const auto fault = fault_of_partial(head.headers, piece.next, piece.end, request_.size);
  if (fault) return distrust(HubErrorKind::kInvalidAnswer, *fault);
  if (flight.scout) route_ = flight.route;
  flight.scout = false;
}

// The sender ignores ranges: this one transfer brings everything, from the start.
void Download::on_whole_file(TransferId transfer, Flight& flight) {
  on_head(flight);
  if (const auto fault = fault_of_whole(flight.head.headers, request_.size)) {
    return distrust(HubErrorKind::kInvalidAnswer, *fault);
  }
  const Piece& piece = plan_.piece(flight.piece);
  if (piece.next == 0 && piece.end == request_.size) return;
  if (++whole_files_ > kMostWholeFiles) {
    throw error(HubErrorKind::kUnavailable,
                "the transfer is cut again and again, and cannot resume");
  }
  Flight carrier = std::move(flight);
  flights_.erase(transfer);
  for (const auto& [other, unused] : flights_) exchange_->cancel(other);
  flights_.clear();
  plan_.make_sequential();
  file_.start_over();
  received_ = 0;
  carrier.piece = 0;
  carrier.scout = false;
  route_ = carrier.route;
  plan_.piece(0).carried = true;
  flights_.emplace(transfer, std::move(carrier));
}

void Download::on_bytes(Flight& flight, const std::string& bytes) {
  if (!is_content(flight.head.status)) {
    if (flight.refusal.size() + bytes.size() <= kLongestRefusal) flight.refusal += bytes;
    return;
  }
  Piece& piece = plan_.piece(flight.piece);
  if (bytes.size() > piece.end - piece.next) {
    return distrust(HubErrorKind::kInvalidAnswer, "more bytes than promised");
  }
  file_.write(piece.next, bytes);
  piece.next += bytes.size();
  received_ += bytes.size();
  last_byte_ = steady_clock::now();
  failures_ = 0;
  expired_routes_ = 0;
  token_renewed_ = false;
  if (request_.on_progress) request_.on_progress(received_);
}

void Download::on_end(Flight flight) {
  const int status = flight.head.status;
  if (is_content(status)) {
    if (plan_.piece(flight.piece).is_whole()) return;
    return retry(error(HubErrorKind::kUnavailable, "the transfer was cut"));
  }
  if (is_redirect(status)) return follow(std::move(flight));
  on_refusal(flight);
}

void Download::follow(Flight flight) {
  const Headers& headers = flight.head.headers;
  const auto location = headers.get("Location").value_or("");
  const Route from = flight.route;
  const auto next =
      from.via_hub ? hub_.returned_url(from.url, location) : resolve(from.url, location);
  if (!next || (from.url.scheme == "https" && next->scheme == "http")) {
    throw error(HubErrorKind::kInvalidAnswer, "redirected to no address that may be followed");
  }
  if (++flight.hops > kMostHops) {
    throw error(HubErrorKind::kInvalidAnswer, "redirected without end");
  }
  flight.route = {*next, from.via_hub && hub_.is_endpoint(*next), from.generation};
  if (flight.route.via_hub) {
    // Counted, but not held up: half-way is the wrong place to wait.
    hub_.rates().wait_before(Bucket::kResolvers, steady_clock::now(), milliseconds::max());
  } else if (from.via_hub) {
    if (const auto fault = fault_of_link(headers, request_.size, request_.content)) {
      return distrust(HubErrorKind::kCorrupt, *fault);
    }
    flight.route.generation = ++generations_;
    route_ = flight.route;
    flight.scout = false;
  }
  start(std::move(flight));
}

void Download::on_refusal(Flight& flight) {
  const int status = flight.head.status;
  const auto& route = flight.route;
  if (status == 416)
    return distrust(HubErrorKind::kInvalidAnswer, "the file is shorter than promised");
  if (route.via_hub && status == 401 && !token_renewed_ &&
      hub_.credentials().renewed_after(flight.token)) {
    token_renewed_ = true;
    return;
  }
  const bool expired =
      !route.via_hub && status >= 400 && status < 500 && status != 408 && status != 429;
  if (expired) return on_expired_route(flight);
  const bool anonymous = route.via_hub && flight.token.empty();
  const HubError refusal =
      error_of_response({subject_, anonymous}, status, flight.head.headers, flight.refusal);
  if (route.via_hub && refusal.retry_after) {
    hub_.rates().throttled(Bucket::kResolvers, *refusal.retry_after, steady_clock::now());
  }
  retry(refusal);
}

void Download::on_expired_route(const Flight& flight) {
  // Parallel transfers learn of it one after the other; only the first is news.
  if (!route_ || route_->generation != flight.route.generation) return;
  route_.reset();
  if (++expired_routes_ <= kMostExpiredRoutes) return;
  throw error(HubErrorKind::kUnavailable,
              fmt::format("{} refuses addresses that the Hub has just signed ({})",
                          flight.route.url.host, flight.head.status));
}

void Download::retry(const HubError& failure) {
  // Time is the only limit here: the tries get rarer, and the idle timeout ends them.
  const int attempt = std::min(failures_++, kMaxRetries - 1);
  const auto delay = retry_delay(failure_of(failure), attempt, random_number());
  const auto now = steady_clock::now();
  if (!delay || now + *delay >= give_up_at()) throw HubError(failure);
  pause_until_ = std::max(pause_until_, now + *delay);
  fresh_connection_ = failure.http_status == 0;
}

void Download::distrust(HubErrorKind kind, const std::string& fault) {
  if (distrusted_) throw error(kind, fault);
  distrusted_ = true;
  start_over();
}

}  // namespace neffs::hub
