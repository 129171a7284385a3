#include "hub/whoami.h"

#include "hub/json_answer.h"

namespace neffs::hub {

std::string user_of_token(const HubClient& hub, const CallLimits& limits) {
  if (hub.credentials().token().empty())
    throw HubError(HubErrorKind::kUnauthorized,
                   "there is no token to tell whose repo it is (`hf auth login`, or HF_TOKEN)");
  HubCall question;
  question.url = hub.url("/api/whoami-v2");
  question.subject = "the token's user";
  return text_in(parsed_answer(hub.ask(question, limits.deadline, limits.stop).body), "name");
}

}  // namespace neffs::hub
