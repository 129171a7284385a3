#include "hub/url.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

namespace neffs::hub {
namespace {

constexpr std::string_view kPublicEndpoint = "https://huggingface.co";

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > ' ' && c != 0x7F; });
}

bool parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return false;
  std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  if (bracket != std::string_view::npos && colon != std::string_view::npos && colon < bracket) {
    colon = std::string_view::npos;
  }
  url.host = lower(authority.substr(0, colon));
  url.port = default_port(url.scheme);
  if (url.host.empty()) return false;
  if (colon == std::string_view::npos) return true;
  const auto digits = authority.substr(colon + 1);
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, url.port);
  return parsed.ec == std::errc() && parsed.ptr == end && url.port != 0;
}

// Sets path and query from what follows the host.
void set_target(std::string_view target, Url& url) {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  url.path = target.substr(0, mark);
  url.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  if (url.path.empty()) url.path = "/";
}

// RFC 3986, 5.2.4, for a path that begins with '/'.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> segments;
  bool open_end = false;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    open_end = segment.empty() || segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (segment != "." && segment != ".." && (!segment.empty() || end < path.size())) {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  std::string result;
  for (const auto segment : segments) (result += '/') += segment;
  if (open_end || result.empty()) result += '/';
  return result;
}

}  // namespace

std::optional<Url> Url::parse(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || !is_printable(text)) return std::nullopt;
  Url url;
  url.scheme = lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  const auto rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  if (!parse_authority(rest.substr(0, end), url)) return std::nullopt;
  set_target(rest.substr(end), url);
  return url;
}

std::string Url::text() const {
  std::string result = redacted();
  if (!query.empty()) (result += '?') += query;
  return result;
}

std::string Url::redacted() const {
  std::string result = scheme + "://" + host;
  if (port != default_port(scheme)) result += ":" + std::to_string(port);
  return result + path;
}

bool same_origin(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

std::optional<Url> resolve(const Url& base, std::string_view reference) {
  if (reference.empty() || !is_printable(reference)) return std::nullopt;
  if (reference.starts_with("//")) return Url::parse(base.scheme + ":" + std::string(reference));
  const std::size_t colon = reference.find(':');
  if (colon < reference.find_first_of("/?#")) return Url::parse(reference);
  Url url = base;
  if (reference.front() == '?') {
    set_target(base.path + std::string(reference), url);
  } else if (reference.front() == '/') {
    set_target(reference, url);
  } else {
    set_target(base.path.substr(0, base.path.rfind('/') + 1) + std::string(reference), url);
  }
  url.path = without_dots(url.path);
  return url;
}

std::string encode_segment(std::string_view segment) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~');
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4U];
      encoded += kDigits[byte & 0xFU];
    }
  }
  return encoded;
}

std::string encode_path(std::string_view path) {
  std::string encoded;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    encoded += encode_segment(path.substr(begin, end - begin));
    if (end == path.size()) return encoded;
    encoded += '/';
    begin = end + 1;
  }
}

std::string at_endpoint(std::string_view url, std::string_view endpoint) {
  const bool is_public =
      url.starts_with(kPublicEndpoint) &&
      (url.size() == kPublicEndpoint.size() || url[kPublicEndpoint.size()] == '/');
  if (!is_public) return std::string(url);
  return std::string(endpoint) + std::string(url.substr(kPublicEndpoint.size()));
}

}  // namespace neffs::hub
