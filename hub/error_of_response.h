// The one place that turns an HTTP answer into a HubError: a pure function.
#pragma once

#include <string>
#include <string_view>

#include "hub/http_client.h"
#include "hub/hub_error.h"

namespace neffs::hub {

// What the message has to name besides the answer.
struct AnswerContext {
  std::string subject;     // what was asked for: "ada/m", "ada/m@main", a path
  bool anonymous = false;  // no token was sent
};

// The error of an answer that is not 2xx. Decides by X-Error-Code, then by X-Error-Message or the
// body's JSON `error`, then by the status. The Hub's own words are quoted in one short line without
// tokens or signatures; a body that is not JSON (a proxy's HTML) never is.
HubError error_of_response(const AnswerContext& context, int status, const Headers& headers,
                           std::string_view body);

// Text from the network made fit for a message: one line, at most 200 characters, whatever looks
// like a token or the query of a URL left out.
std::string quotable(std::string_view text);

}  // namespace neffs::hub
