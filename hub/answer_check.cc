#include "hub/answer_check.h"

#include <fmt/format.h>

#include <charconv>

#include "hub/error_of_response.h"

namespace neffs::hub {
namespace {

std::optional<std::uint64_t> number_in(std::string_view digits) {
  std::uint64_t number = 0;
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::string> fault_of_length(const Headers& headers, std::uint64_t expected) {
  if (const auto encoding = headers.get("Content-Encoding"); encoding && *encoding != "identity") {
    return "the content is compressed, which was not asked for";
  }
  const auto length = headers.get("Content-Length");
  if (!length || number_in(*length) == expected) return std::nullopt;
  return fmt::format("{} bytes instead of {}", quotable(*length), expected);
}

std::string_view bare_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return etag;
}

}  // namespace

std::optional<std::string> fault_of_partial(const Headers& headers, std::uint64_t begin,
                                            std::uint64_t end, std::uint64_t size) {
  const auto range = headers.get("Content-Range").value_or("");
  const bool fits = range == fmt::format("bytes {}-{}/{}", begin, end - 1, size) ||
                    range == fmt::format("bytes {}-{}/*", begin, end - 1);
  if (!fits) {
    return fmt::format("range '{}' instead of {}-{}/{}", quotable(range), begin, end - 1, size);
  }
  return fault_of_length(headers, end - begin);
}

std::optional<std::string> fault_of_whole(const Headers& headers, std::uint64_t size) {
  return fault_of_length(headers, size);
}

std::optional<std::string> fault_of_link(const Headers& headers, std::uint64_t size,
                                         const ContentId& content) {
  const auto linked_size = headers.get("X-Linked-Size");
  if (linked_size && number_in(*linked_size) != size) {
    return fmt::format("the Hub links {} bytes instead of {}", quotable(*linked_size), size);
  }
  const auto etag = headers.get("X-Linked-ETag");
  if (etag && content.kind == HashKind::kSha256 && bare_etag(*etag) != content.hex) {
    return "the Hub links other content than its tree names";
  }
  return std::nullopt;
}

}  // namespace neffs::hub
