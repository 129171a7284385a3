// URLs as far as the Hub needs them: http and https, taken apart to compare hosts and to be shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace neffs::hub {

// An absolute http or https URL. A plain value.
struct Url {
  std::string scheme;      // "http" or "https"
  std::string host;        // lower case; an IPv6 address keeps its brackets
  std::uint16_t port = 0;  // always set, the scheme's own if none was given
  std::string path = "/";  // percent-encoded, begins with '/'
  std::string query;       // without '?', empty if none

  // nullopt for other schemes, user names in the host, blanks and control characters.
  static std::optional<Url> parse(std::string_view text);

  std::string text() const;
  // For messages and logs: a query may be a signature, so it is left out.
  std::string redacted() const;
};

// The same scheme, host and port: only there may the token be sent.
bool same_origin(const Url& a, const Url& b);

// What a Location or Link header means that came with the answer of `base`; nullopt if it is no URL
// that we would follow.
std::optional<Url> resolve(const Url& base, std::string_view reference);

// One path segment: everything but letters, digits and "-_.~" is encoded, '/' too. A revision is one.
std::string encode_segment(std::string_view segment);
// A path of segments: as above, but '/' stays.
std::string encode_path(std::string_view path);

// The Hub writes its own public address into what it returns; behind another endpoint (a mirror, a
// test Hub) such a URL means that endpoint. Other URLs come back unchanged.
std::string at_endpoint(std::string_view url, std::string_view endpoint);

}  // namespace neffs::hub
