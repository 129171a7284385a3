#include "hub/file_start.h"

#include <fmt/format.h>

#include "hub/error_of_response.h"
#include "hub/retry_policy.h"

namespace neffs::hub {
namespace {

using std::chrono::steady_clock;

constexpr int kMostHops = 5;

struct Question {
  std::string subject;
  Url url;
  Headers range;
  std::size_t bytes = 0;
  steady_clock::time_point deadline;
};

// The start of what `response` brought; 416 is the Hub's way to say that the file is empty.
std::string start_of(const Question& question, const HttpResponse& response) {
  if (response.status == 416) return "";
  const auto range = response.headers.get("Content-Range").value_or("");
  if (response.status == 206 && !range.starts_with("bytes 0-")) {
    throw HubError(HubErrorKind::kInvalidAnswer, question.subject + ": another range than asked");
  }
  return response.body.substr(0, question.bytes);
}

std::string from_storage(const HubClient& hub, const Question& question, const Url& from,
                         const HttpResponse& redirect) {
  const auto exchange = hub.exchange(std::stop_token());
  Url url = from;
  HttpResponse response = redirect;
  for (int hops = 0; hops <= kMostHops && is_redirect(response.status); ++hops) {
    const auto next = resolve(url, response.headers.get("Location").value_or(""));
    if (!next || (url.scheme == "https" && next->scheme == "http")) break;
    url = *next;
    HttpRequest request = hub.request("GET", url, "");
    request.headers.add("Range", std::string(question.range.get("Range").value_or("")));
    request.deadline = question.deadline;
    request.bulk = true;
    response = perform(*exchange, std::move(request), question.bytes, WhenLonger::kCut);
  }
  if (response.status == 200 || response.status == 206 || response.status == 416) {
    return start_of(question, response);
  }
  // An expired address is as good a reason to ask again as a tired server.
  throw HubError(HubErrorKind::kUnavailable,
                 fmt::format("{}: {} answers {}", question.subject, url.host, response.status),
                 response.status);
}

std::string from_hub(const HubClient& hub, const Question& question) {
  HubCall call;
  call.url = question.url;
  call.headers = question.range;
  call.bucket = Bucket::kResolvers;
  call.subject = question.subject;
  call.any_answer = true;
  for (int hops = 0; hops <= kMostHops; ++hops) {
    const HttpResponse response = hub.ask(call, question.deadline, std::stop_token());
    if (response.status / 100 == 2 || response.status == 416) return start_of(question, response);
    if (!is_redirect(response.status)) {
      throw error_of_response({question.subject, hub.credentials().token().empty()},
                              response.status, response.headers, response.body);
    }
    const auto next = hub.returned_url(call.url, response.headers.get("Location").value_or(""));
    if (!next) break;
    if (!hub.is_endpoint(*next)) return from_storage(hub, question, call.url, response);
    call.url = *next;
  }
  throw HubError(HubErrorKind::kInvalidAnswer, question.subject + ": redirected without end");
}

}  // namespace

std::string read_file_start(const HubClient& hub, const std::string& repo_id,
                            const std::string& commit, const std::string& path, std::size_t bytes,
                            steady_clock::time_point deadline) {
  if (bytes == 0) return "";
  Question question;
  question.subject = fmt::format("{}/{}", repo_id, quotable(path));
  question.url = hub.file_url(repo_id, commit, path);
  question.range.add("Range", fmt::format("bytes=0-{}", bytes - 1));
  question.bytes = bytes;
  question.deadline = deadline;
  for (int attempt = 0;; ++attempt) {
    try {
      return from_hub(hub, question);
    } catch (const HubError& error) {
      const auto delay = retry_delay(failure_of(error), attempt, random_number());
      const auto now = steady_clock::now();
      if (!delay || now + *delay >= deadline) throw;
      hub.exchange(std::stop_token())->next(now + *delay);
    }
  }
}

}  // namespace neffs::hub
