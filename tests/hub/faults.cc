#include "tests/hub/faults.h"

#include <algorithm>
#include <utility>

#include "tests/hub/commit_answers.h"

namespace neffs::test {
namespace {

constexpr std::string_view kHtmlPage =
    "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went "
    "wrong</h1></body></html>";

bool replaces_answer(FaultType type) {
  return type == FaultType::kAnswer || type == FaultType::kHangUp;
}

bool comes_before(const Fault& fault) {
  if (replaces_answer(fault.type)) return !fault.after_effect;
  return fault.type <= FaultType::kEndlessPages;
}

bool is_about_upload(FaultType type) {
  return type >= FaultType::kCutUpload;
}

bool is_about_the_body(FaultType type) {
  switch (type) {
    case FaultType::kInvalidJson:
    case FaultType::kTruncate:
    case FaultType::kCorrupt:
    case FaultType::kStall:
    case FaultType::kResize:
    case FaultType::kSlow:
      return true;
    default:
      return false;
  }
}

bool applies_to(const Fault& fault, const Answer& answer) {
  if (comes_before(fault) || is_about_upload(fault.type)) return false;
  if (fault.after_effect && replaces_answer(fault.type)) return answer.status < 400;
  if (fault.type == FaultType::kWrongContentRange) return !answer.header("Content-Range").empty();
  if (!is_about_the_body(fault.type)) return true;
  return answer.status / 100 == 2 && answer.body_size() > 0;
}

// An answer of the Hub's own as a fault.
Fault said_by_the_hub(const Answer& answer) {
  return Fault::answer(answer.status, read_all(*answer.body), answer.headers);
}

Answer replacement(const Fault& fault) {
  Answer answer = text_answer(fault.text, fault.status);
  answer.delivery.hang_up = fault.type == FaultType::kHangUp;
  for (const auto& [name, value] : fault.headers) answer.set_header(name, value);
  return answer;
}

std::string shifted(const std::string& content_range) {
  const std::size_t start = content_range.find_first_of("0123456789");
  const std::size_t dash = content_range.find('-');
  const std::size_t slash = content_range.find('/');
  if (start == std::string::npos || dash == std::string::npos) return content_range;
  const auto first = std::stoull(content_range.substr(start, dash - start)) + 1;
  const auto last = std::stoull(content_range.substr(dash + 1, slash - dash - 1)) + 1;
  return "bytes " + std::to_string(first) + "-" + std::to_string(last) +
         content_range.substr(slash);
}

void resize(Answer& answer, std::int64_t delta) {
  const auto size = static_cast<std::int64_t>(answer.body_size());
  answer.body = slice_content(answer.body, 0,
                              static_cast<std::uint64_t>(std::max<std::int64_t>(0, size + delta)));
}

void apply(const Fault& fault, Answer& answer) {
  switch (fault.type) {
    case FaultType::kAnswer:
    case FaultType::kHangUp:
      answer = replacement(fault);
      break;
    case FaultType::kInvalidJson:
      answer.body = slice_content(answer.body, 0, answer.body_size() / 2);
      break;
    case FaultType::kTruncate:
      answer.delivery.cut_after = fault.at;
      break;
    case FaultType::kCorrupt:
      answer.body = flipped_content(answer.body, fault.at);
      break;
    case FaultType::kStall:
      answer.delivery.stall_after = fault.at;
      break;
    case FaultType::kResize:
      resize(answer, fault.delta);
      break;
    case FaultType::kWrongContentRange:
      answer.set_header("Content-Range", shifted(answer.header("Content-Range")));
      break;
    case FaultType::kDropHeader:
      answer.drop_header(fault.text);
      break;
    case FaultType::kSetHeader:
      for (const auto& [name, value] : fault.headers) answer.set_header(name, value);
      break;
    case FaultType::kSlow:
      answer.delivery.bytes_per_second = fault.at;
      break;
    default:
      break;  // those that come before
  }
}

}  // namespace

Fault Fault::of(FaultType type, std::uint64_t at) {
  Fault fault;
  fault.type = type;
  fault.at = at;
  return fault;
}

Fault Fault::answer(int status, std::string body, HeaderList headers) {
  Fault fault = of(FaultType::kAnswer);
  fault.status = status;
  fault.text = std::move(body);
  fault.headers = std::move(headers);
  return fault;
}

Fault Fault::html(int status) {
  return answer(status, std::string(kHtmlPage), {{"Content-Type", "text/html; charset=utf-8"}});
}

Fault Fault::hang_up() {
  return of(FaultType::kHangUp);
}

Fault Fault::resize(std::int64_t delta) {
  Fault fault = of(FaultType::kResize);
  fault.delta = delta;
  return fault;
}

Fault Fault::drop_header(std::string name) {
  Fault fault = of(FaultType::kDropHeader);
  fault.text = std::move(name);
  return fault;
}

Fault Fault::set_header(std::string name, std::string value) {
  Fault fault = of(FaultType::kSetHeader);
  fault.headers = {{std::move(name), std::move(value)}};
  return fault;
}

Fault Fault::commit_running() {
  return said_by_the_hub(commit_running_answer());
}

Fault Fault::head_moved() {
  return said_by_the_hub(head_moved_answer());
}

Fault Fault::commit_quota() {
  return said_by_the_hub(commit_quota_answer(128));
}

Fault Fault::after() const {
  Fault fault = *this;
  fault.after_effect = true;
  return fault;
}

int Faults::add(Match match, Fault fault, std::size_t times) {
  const std::scoped_lock lock(mutex_);
  const int number = static_cast<int>(rules_.size()) + 1;
  rules_.push_back({number, std::move(match), std::move(fault), times, 0});
  return number;
}

void Faults::remove(int rule) {
  const std::scoped_lock lock(mutex_);
  rules_.at(static_cast<std::size_t>(rule) - 1).left = 0;
}

void Faults::clear() {
  const std::scoped_lock lock(mutex_);
  for (Rule& rule : rules_) rule.left = 0;
}

std::size_t Faults::struck(int rule) const {
  const std::scoped_lock lock(mutex_);
  return rules_.at(static_cast<std::size_t>(rule) - 1).struck;
}

// The first rule that fits and applies, used up by one.
template <typename Applies>
std::optional<Fault> Faults::take(Host host, Kind kind, const Request& request,
                                  const Applies& applies) {
  const std::string decoded = percent_decode(request.target);
  const std::scoped_lock lock(mutex_);
  for (Rule& rule : rules_) {
    if (rule.left == 0 || !rule.match.fits(host, kind, request.method, decoded) ||
        !applies(rule.fault)) {
      continue;
    }
    if (rule.left != kForEver) --rule.left;
    ++rule.struck;
    return rule.fault;
  }
  return std::nullopt;
}

Delivery Faults::on_arrival(Host host, Kind kind, const Request& request) {
  const std::optional<Fault> fault =
      take(host, kind, request, [](const Fault& one) { return is_about_upload(one.type); });
  Delivery terms;
  if (!fault) return terms;
  if (fault->type == FaultType::kCutUpload) terms.cut_after = fault->at;
  if (fault->type == FaultType::kStallUpload) terms.stall_after = fault->at;
  if (fault->type == FaultType::kSlowUpload) terms.bytes_per_second = fault->at;
  return terms;
}

std::optional<Answer> Faults::before_handling(Host host, Kind kind, Request& request) {
  const std::optional<Fault> fault = take(host, kind, request, comes_before);
  if (!fault) return std::nullopt;
  if (replaces_answer(fault->type)) return replacement(*fault);
  if (fault->type == FaultType::kRedirectLoop) return redirect_answer(307, request.target);
  if (fault->type == FaultType::kIgnoreRange) request.headers.erase("Range");
  request.sign_expired |= fault->type == FaultType::kExpiredUrl;
  request.page_for_ever |= fault->type == FaultType::kEndlessPages;
  return std::nullopt;
}

void Faults::after_handling(Host host, Kind kind, const Request& request, Answer& answer) {
  const auto applies = [&](const Fault& fault) { return applies_to(fault, answer); };
  const std::optional<Fault> fault = take(host, kind, request, applies);
  if (fault) apply(*fault, answer);
}

}  // namespace neffs::test
