#include "tests/hub/signed_url.h"

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

constexpr std::string_view kSecret = "known only to the Hub and its storage";
constexpr std::string_view kExpires = "&Expires=";

std::string signature(const std::string& method, const std::string& target,
                      const std::string& expires) {
  std::string text(kSecret);
  for (const auto* part : {&method, &target, &expires}) text.append("\n").append(*part);
  return digest_hex(DigestKind::kSha256, text);
}

}  // namespace

std::string signed_target(const std::string& method, const std::string& target,
                          std::int64_t expires) {
  const std::string until = std::to_string(expires);
  return target + std::string(kExpires) + until + "&Signature=" + signature(method, target, until) +
         "&Key-Pair-Id=TESTKEY";
}

bool is_signed(const Request& request) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const std::string target = request.target.substr(0, request.target.find(kExpires));
  return request.query_value("Signature") ==
         signature(method, target, request.query_value("Expires"));
}

bool is_expired(const Request& request, std::int64_t now) {
  const std::string expires = request.query_value("Expires");
  return expires.empty() || expires.size() > 18 || std::stoll(expires) < now;
}

std::optional<Answer> refuse_at_storage(const Request& request, std::int64_t now) {
  if (request.headers.contains("Authorization")) {
    return storage_error(400, "InvalidArgument", "Only one auth mechanism allowed");
  }
  if (!is_signed(request)) return storage_error(403, "AccessDenied", "Access denied");
  if (is_expired(request, now)) {
    return storage_error(403, "AccessDenied", "Request has expired");
  }
  return std::nullopt;
}

Answer storage_error(int status, const std::string& code, const std::string& message) {
  return text_answer("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + code +
                         "</Code><Message>" + message + "</Message></Error>",
                     status, "application/xml");
}

}  // namespace neffs::test
