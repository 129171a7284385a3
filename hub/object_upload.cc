#include "hub/object_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "hub/content_check.h"
#include "hub/file_body.h"
#include "hub/retry_policy.h"

namespace neffs::hub {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kLongestAnswer = 64UL * 1024;

bool is_good(int status) {
  return status / 100 == 2;
}

// S3 says so when it has lost patience with a connection, not with the request.
bool is_transient(int status, const std::string& body) {
  return status == 408 || status == 429 || status >= 500 ||
         (status == 400 && body.find("RequestTimeout") != std::string::npos);
}

HubError changed(const LfsObject& object) {
  return {HubErrorKind::kLocal,
          fmt::format("the file has changed: it does not hold {} any more", object.content.text())};
}

}  // namespace

// A part as it is sent: counted, and if it is everything, checked before the last of it is let go.
class ObjectUpload::Source final : public BodySource {
 public:
  Source(const OpenedFile& file, const Part& part, const LfsObject& object, UploadShare& share)
      : file_(file.fd, part.offset, part.size), object_(object), share_(share) {
    if (part.size == object.size) check_.emplace(object.content, object.size, file.seal);
  }

  std::uint64_t size() const override { return file_.size(); }

  std::string read(std::size_t most) override {
    std::string bytes = file_.read(most);
    if (check_) check_->update(std::as_bytes(std::span(bytes)));
    sent_ += bytes.size();
    if (check_ && sent_ == size() && !check_->finish()) throw changed(object_);
    share_.add_sent(bytes.size());
    return bytes;
  }

  // It will have to be sent again.
  void take_back() const { share_.take_back_sent(sent_); }

 private:
  FileBody file_;
  const LfsObject& object_;
  UploadShare& share_;
  std::optional<ContentCheck> check_;
  std::uint64_t sent_ = 0;
};

ObjectUpload::ObjectUpload(const HubClient& hub, const LfsObject& object, const OpenedFile& file,
                           UploadShare& share, std::chrono::milliseconds idle_timeout,
                           const CallLimits& limits)
    : hub_(hub),
      object_(object),
      file_(file),
      share_(share),
      idle_timeout_(idle_timeout),
      limits_(limits) {}

ObjectUpload::~ObjectUpload() = default;

bool ObjectUpload::send(const UploadRoute& route) {
  exchange_ = hub_.exchange(limits_.stop);
  plan_parts(route);
  if (!send_parts()) return false;
  if (in_parts_ && !complete(route)) return false;
  if (route.verify) verify(*route.verify);
  return true;
}

void ObjectUpload::take_back_progress() const {
  for (const auto& [transfer, flight] : flights_) flight.source->take_back();
  for (const Part& part : parts_) {
    if (part.stored) share_.take_back_sent(part.size);
  }
}

void ObjectUpload::plan_parts(const UploadRoute& route) {
  in_parts_ = route.chunk_size > 0;
  if (!in_parts_) add_part(route.href, 0, object_.size);
  for (std::size_t i = 0; i < route.parts.size(); ++i) {
    const std::uint64_t offset = i * route.chunk_size;
    add_part(route.parts[i], offset, std::min(route.chunk_size, object_.size - offset));
  }
}

void ObjectUpload::add_part(const Url& url, std::uint64_t offset, std::uint64_t size) {
  Part part;
  part.url = url;
  part.offset = offset;
  part.size = size;
  parts_.push_back(std::move(part));
}

bool ObjectUpload::send_parts() {
  const auto is_stored = [](const Part& part) { return part.stored; };
  while (!std::all_of(parts_.begin(), parts_.end(), is_stored)) {
    // One look at the clock: a part whose time came between two looks would be slept through.
    const auto now = steady_clock::now();
    launch(now);
    if (auto event = exchange_->next(wake_at(now)); event && !handle(*event)) return false;
  }
  return true;
}

void ObjectUpload::launch(TimePoint now) {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    if (part.stored || part.carried || now < part.not_before) continue;
    UploadShare::Turn turn{nullptr, nullptr};
    if (!flights_.empty() && !(turn = share_.another_turn())) return;
    start(part, i, std::move(turn));
  }
}

void ObjectUpload::start(Part& part, std::size_t index, UploadShare::Turn turn) {
  const auto source = std::make_shared<Source>(file_, part, object_, share_);
  HttpRequest request = hub_.request("PUT", part.url, "");
  request.source = source;
  request.idle_timeout = idle_timeout_;
  request.deadline = limits_.deadline;
  request.bulk = true;
  request.fresh_connection = std::exchange(fresh_connection_, false);
  part.carried = true;
  const TransferId transfer = exchange_->start(std::move(request));
  flights_.emplace(transfer, Flight{index, source, std::move(turn), {}, {}});
}

ObjectUpload::TimePoint ObjectUpload::wake_at(TimePoint now) const {
  auto wake = TimePoint::max();
  for (const Part& part : parts_) {
    // What could have started waits for a turn, and is seen again when a flight of ours ends.
    if (now < part.not_before && !part.stored) wake = std::min(wake, part.not_before);
  }
  return wake;
}

bool ObjectUpload::handle(HttpEvent& event) {
  const auto found = flights_.find(event.transfer);
  if (found == flights_.end()) return true;
  Flight& flight = found->second;
  if (auto* head = std::get_if<HttpHead>(&event.what)) {
    flight.head = std::move(*head);
    return true;
  }
  if (const auto* piece = std::get_if<BodyPiece>(&event.what)) {
    flight.body += piece->bytes.substr(0, kLongestAnswer - flight.body.size());
    return true;
  }
  const Flight ended = std::move(flight);
  flights_.erase(found);
  Part& part = parts_[ended.part];
  part.carried = false;
  bool accepted = true;
  if (const auto* failure = std::get_if<HubError>(&event.what)) {
    ended.source->take_back();
    retry(part, *failure);
  } else {
    accepted = on_answer(part, ended.head, ended.body);
    if (!part.stored) ended.source->take_back();
  }
  return accepted;
}

bool ObjectUpload::on_answer(Part& part, const HttpHead& head, const std::string& body) {
  if (is_good(head.status)) {
    part.etag = std::string(head.headers.get("ETag").value_or(""));
    part.stored = true;
    if (!in_parts_ || !part.etag.empty()) return true;
    throw HubError(HubErrorKind::kInvalidAnswer,
                   fmt::format("{}: a part was stored without an ETag", part.url.host));
  }
  HubError error = error_of_storage(part.url, head.status, body);
  if (is_transient(head.status, body)) {
    retry(part, error);
    return true;
  }
  refusal_ = std::move(error);
  return false;
}

void ObjectUpload::retry(Part& part, const HubError& failure) {
  const auto delay = retry_delay(failure_of(failure), part.failures++, random_number());
  const auto now = steady_clock::now();
  if (!delay || now + *delay >= limits_.deadline) throw HubError(failure);
  part.not_before = now + *delay;
  fresh_connection_ = failure.http_status == 0;
}

bool ObjectUpload::complete(const UploadRoute& route) {
  // The parts were read in no order: only now can be said that together they are the object.
  if (!holds_content(file_.fd, object_.size, object_.content, limits_.stop, file_.seal))
    throw changed(object_);
  std::vector<std::string> etags;
  for (const Part& part : parts_) etags.push_back(part.etag);
  for (int attempt = 0;; ++attempt) {
    try {
      HttpRequest request = hub_.request("POST", route.href, "");
      request.headers.add("Accept", kLfsMediaType);
      request.headers.add("Content-Type", kLfsMediaType);
      request.body = completion_body(object_, etags);
      request.idle_timeout = idle_timeout_;
      request.deadline = limits_.deadline;
      request.fresh_connection = attempt > 0;
      const auto response = perform(*exchange_, std::move(request), kLongestAnswer);
      if (is_good(response.status)) return true;
      HubError error = error_of_storage(route.href, response.status, response.body);
      if (is_transient(response.status, response.body)) throw HubError(error);
      refusal_ = std::move(error);
      return false;
    } catch (const HubError& error) {
      const auto delay = retry_delay(failure_of(error), attempt, random_number());
      const auto now = steady_clock::now();
      if (!delay || now + *delay >= limits_.deadline) throw;
      exchange_->next(now + *delay);
    }
  }
}

void ObjectUpload::verify(const Url& url) {
  if (!hub_.is_endpoint(url)) {
    throw HubError(HubErrorKind::kInvalidAnswer,
                   fmt::format("{}: an upload is to be verified by another host", url.host));
  }
  HubCall call;
  call.method = "POST";
  call.url = url;
  call.headers = {{"Accept", kLfsMediaType}, {"Content-Type", kLfsMediaType}};
  call.body = verify_body(object_);
  call.idle_timeout = idle_timeout_;
  call.bucket = Bucket::kPages;
  call.subject = object_.content.text();
  hub_.ask(call, limits_.deadline, limits_.stop);
}

HubError ObjectUpload::error_of_storage(const Url& url, int status, const std::string& body) const {
  // What it will never take: too long, without a length, or not as the Hub signed it.
  const bool refused =
      status == 411 || status == 413 || (status == 400 && !is_transient(status, body));
  return {refused ? HubErrorKind::kRefused : HubErrorKind::kUnavailable,
          fmt::format("{}: {} answers {}", object_.content.text(), url.host, status), status};
}

}  // namespace neffs::hub
