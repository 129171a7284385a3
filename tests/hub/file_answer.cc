#include "tests/hub/file_answer.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace neffs::test {
namespace {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

enum class RangeKind { kNone, kValid, kBeyondEnd };

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 19 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// One range only; several at once are ignored, as HTTP allows.
RangeKind parse_range(const std::string& header, std::uint64_t size, ByteRange& range) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return RangeKind::kNone;
  const std::string spec = header.substr(kUnit.size());
  const std::size_t dash = spec.find('-');
  if (dash == std::string::npos) return RangeKind::kNone;
  const std::string first = spec.substr(0, dash);
  const std::string last = spec.substr(dash + 1);
  if (first.empty() && is_number(last)) {
    const std::uint64_t suffix = std::min<std::uint64_t>(std::stoull(last), size);
    range = {size - suffix, size - 1};
    return suffix == 0 ? RangeKind::kBeyondEnd : RangeKind::kValid;
  }
  if (!is_number(first) || (!last.empty() && !is_number(last))) return RangeKind::kNone;
  range.first = std::stoull(first);
  if (range.first >= size) return RangeKind::kBeyondEnd;
  range.last = last.empty() ? size - 1 : std::min<std::uint64_t>(std::stoull(last), size - 1);
  return range.last < range.first ? RangeKind::kNone : RangeKind::kValid;
}

std::string gzip(std::string bytes) {
  constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for gzip's framing
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib cannot compress");
  }
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Answer empty_answer(int status) {
  Answer answer;
  answer.status = status;
  return answer;
}

Answer range_answer(const FileToSend& file, const ByteRange& range) {
  Answer answer = empty_answer(206);
  answer.body = slice_content(file.content, range.first, range.last - range.first + 1);
  answer.set_header("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                         std::to_string(range.last) + "/" +
                                         std::to_string(file.content->size()));
  return answer;
}

Answer whole_answer(const Request& request, const FileToSend& file) {
  Answer answer;
  ByteRange range;
  const RangeKind kind = parse_range(request.header("Range"), file.content->size(), range);
  const bool compress = file.may_compress &&
                        request.header("Accept-Encoding").find("gzip") != std::string::npos &&
                        (kind == RangeKind::kNone || file.compression_beats_range);
  if (compress) {
    answer.body = text_content(gzip(read_all(*file.content)));
    answer.headers = {{"Content-Encoding", "gzip"}, {"ETag", "W/" + file.etag}};
  } else if (kind == RangeKind::kBeyondEnd) {
    answer = text_answer("The requested range is not satisfiable", 416);
    answer.set_header("Content-Range", "bytes */" + std::to_string(file.content->size()));
  } else if (kind == RangeKind::kValid && request.method == "GET") {
    answer = range_answer(file, range);
  } else {
    answer.body = file.content;
  }
  return answer;
}

}  // namespace

bool is_unchanged(const Request& request, const std::string& etag) {
  const std::string known = request.header("If-None-Match");
  return known == "*" || known.find(etag) != std::string::npos;
}

Answer file_answer(const Request& request, const FileToSend& file) {
  Answer answer =
      is_unchanged(request, file.etag) ? empty_answer(304) : whole_answer(request, file);
  if (answer.header("ETag").empty()) answer.set_header("ETag", file.etag);
  if (answer.status / 100 == 2) answer.set_header("Content-Type", file.type);
  answer.set_header("Accept-Ranges", "bytes");
  return answer;
}

}  // namespace neffs::test
