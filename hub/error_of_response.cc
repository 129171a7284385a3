#include "hub/error_of_response.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>

#include "hub/rate_limit.h"

namespace neffs::hub {
namespace {

constexpr std::size_t kLongestQuote = 200;
// The only thing that sets this refusal apart.
constexpr std::string_view kFolderFull = "too many files per directory";

// `error`, or `message` from the LFS API, is a string or a list of strings; anything else says nothing.
std::string message_of_json(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return "";
  const char* key = json.contains("error") ? "error" : "message";
  if (!json.contains(key)) return "";
  const auto& error = json[key];
  if (error.is_string()) return error.get<std::string>();
  std::string joined;
  if (!error.is_array()) return joined;
  for (const auto& item : error) {
    if (!item.is_string()) continue;
    if (!joined.empty()) joined += "; ";
    joined += item.get<std::string>();
  }
  return joined;
}

struct Answer {
  int status = 0;
  std::string code;     // X-Error-Code
  std::string message;  // the Hub's words, quotable
  bool anonymous = false;
};

HubErrorKind kind_of_401(const Answer& answer) {
  // The Hub says this to anybody without a token, so that private names cannot be guessed.
  const bool about_repo = answer.anonymous || answer.message.starts_with("Invalid username");
  return about_repo ? HubErrorKind::kRepoNotFound : HubErrorKind::kUnauthorized;
}

HubErrorKind kind_of_404(const Answer& answer) {
  if (answer.message.starts_with("Invalid rev id")) return HubErrorKind::kRevisionNotFound;
  if (answer.message.starts_with("Repository not found")) return HubErrorKind::kRepoNotFound;
  if (answer.message.starts_with("Entry not found")) return HubErrorKind::kEntryNotFound;
  // Of a commit that deletes it.
  if (answer.message.starts_with("A file with this name")) return HubErrorKind::kEntryNotFound;
  // Absence is only believed from somebody who knows what is absent.
  return HubErrorKind::kInvalidAnswer;
}

HubErrorKind kind_of(const Answer& answer) {
  if (answer.code == "RevisionNotFound") return HubErrorKind::kRevisionNotFound;
  if (answer.code == "EntryNotFound") return HubErrorKind::kEntryNotFound;
  if (answer.code == "RepoNotFound") return HubErrorKind::kRepoNotFound;
  if (answer.code == "GatedRepo") return HubErrorKind::kGated;
  if (answer.message.find("Access to this resource is disabled") != std::string::npos) {
    return HubErrorKind::kDisabled;
  }
  if (answer.status == 401) return kind_of_401(answer);
  // 402 is what the Hub asks to be paid for, such as more storage.
  if (answer.status == 402 || answer.status == 403) return HubErrorKind::kForbidden;
  if (answer.status == 404) return kind_of_404(answer);
  if (answer.status == 409) return HubErrorKind::kBusy;
  if (answer.status == 412) return HubErrorKind::kHeadMoved;
  if (answer.status == 413) return HubErrorKind::kRefused;
  // A proxy says 400 as well, but has no reason that belongs to the content.
  const bool has_reason = !answer.message.empty();
  if ((answer.status == 400 || answer.status == 422) && has_reason) {
    const bool is_full = answer.message.find(kFolderFull) != std::string::npos;
    return is_full ? HubErrorKind::kFolderFull : HubErrorKind::kRefused;
  }
  if (answer.status == 429) return HubErrorKind::kThrottled;
  if (answer.status == 408 || answer.status >= 500) return HubErrorKind::kUnavailable;
  return HubErrorKind::kInvalidAnswer;
}

std::string with_words(std::string text, const Answer& answer) {
  return answer.message.empty() ? text : fmt::format("{}: {}", text, answer.message);
}

std::string repo_not_found_text(const Answer& answer) {
  if (answer.anonymous) {
    return "the repo does not exist or is private (check the name, or log in with "
           "`hf auth login` or HF_TOKEN)";
  }
  return "the repo does not exist, or is private and this token may not see it (check the name "
         "and the token's rights; `neffs create` makes a repo)";
}

std::string text_of(HubErrorKind kind, const Answer& answer) {
  switch (kind) {
    case HubErrorKind::kEntryNotFound:
      return with_words("no such file or directory in the repo", answer);
    case HubErrorKind::kRepoNotFound:
      return repo_not_found_text(answer);
    case HubErrorKind::kRevisionNotFound:
      return "the repo has no such branch, tag or commit (check the part after @)";
    case HubErrorKind::kUnauthorized:
      return "the Hub does not accept the token (log in again with `hf auth login`, or replace "
             "HF_TOKEN)";
    case HubErrorKind::kForbidden:
      // The Hub's hint is for its own clients.
      if (answer.message.find("create_pr") != std::string::npos)
        return "the token may not write here (use one that has the right to write)";
      return with_words("the token has no right to do this", answer);
    case HubErrorKind::kGated:
      return answer.anonymous ? "the repo is gated (log in with `hf auth login` and accept its "
                                "terms on its page)"
                              : "the repo is gated (accept its terms on its page)";
    case HubErrorKind::kDisabled:
      return "the Hub has disabled this repo";
    case HubErrorKind::kThrottled:
      return with_words("too many requests, the Hub asks to wait", answer);
    case HubErrorKind::kRefused:
    case HubErrorKind::kFolderFull:
      return with_words(fmt::format("the Hub refuses this ({})", answer.status), answer);
    case HubErrorKind::kHeadMoved:
      return with_words("the branch has got another commit meanwhile", answer);
    case HubErrorKind::kBusy:
      return with_words("the Hub is busy with another commit of this repo", answer);
    case HubErrorKind::kUnavailable:
      return with_words(fmt::format("the Hub answers {}", answer.status), answer);
    default:
      return with_words(fmt::format("unexpected answer {} (is HF_ENDPOINT a Hub, or is a proxy in "
                                    "between?)",
                                    answer.status),
                        answer);
  }
}

std::string request_id_of(const Headers& headers) {
  for (const char* name : {"X-Request-Id", "X-Amzn-Trace-Id", "x-amz-cf-id"}) {
    if (const auto id = headers.get(name)) return quotable(*id);
  }
  return "";
}

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

}  // namespace

std::string quotable(std::string_view text) {
  std::string quote;
  bool in_url = false;
  for (std::size_t i = 0; i < text.size() && quote.size() < kLongestQuote; ++i) {
    const auto rest = text.substr(i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte <= ' ' || byte == 0x7F) {
      in_url = false;
      if (!quote.empty() && quote.back() != ' ') quote += ' ';
      continue;
    }
    in_url = in_url || rest.starts_with("http://") || rest.starts_with("https://");
    const bool secret = (in_url && text[i] == '?') || rest.starts_with("hf_");
    if (!secret) {
      quote += text[i];
      continue;
    }
    quote += "…";
    while (i + 1 < text.size() && (in_url ? text[i + 1] > ' ' : is_token_char(text[i + 1]))) ++i;
  }
  while (!quote.empty() && quote.back() == ' ') quote.pop_back();
  return quote;
}

HubError error_of_response(const AnswerContext& context, int status, const Headers& headers,
                           std::string_view body) {
  Answer answer{status, std::string(headers.get("X-Error-Code").value_or("")), "",
                context.anonymous};
  answer.message = quotable(headers.get("X-Error-Message").value_or(""));
  if (answer.message.empty()) answer.message = quotable(message_of_json(body));

  const HubErrorKind kind = kind_of(answer);
  HubError error(kind, fmt::format("{}: {}", context.subject, text_of(kind, answer)));
  error.http_status = status;
  error.request_id = request_id_of(headers);
  if (kind == HubErrorKind::kThrottled) error.retry_after = throttle_wait(headers);
  // Whoever gave up on the request may have passed it on before.
  error.may_have_arrived = kind == HubErrorKind::kUnavailable;
  return error;
}

}  // namespace neffs::hub
