#include "hub/commit_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/base64.h"
#include "hub/error_of_response.h"

namespace neffs::hub {
namespace {

using nlohmann::json;

constexpr std::size_t kEncodeStep = 3UL * 64 * 1024;

std::string quoted(const std::string& text) {
  try {
    return json(text).dump();
  } catch (const json::exception&) {
    throw HubError(HubErrorKind::kRefused, quotable(text) + ": not UTF-8, which the Hub demands");
  }
}

std::string header_line(const CommitRequest& request) {
  return fmt::format(
      R"({{"key":"header","value":{{"summary":{},"description":{},"parentCommit":{}}}}})"
      "\n",
      quoted(request.summary), quoted(request.description), quoted(request.parent));
}

std::string lfs_line(const LfsFile& file) {
  return fmt::format(
      R"({{"key":"lfsFile","value":{{"path":{},"algo":"sha256","oid":"{}","size":{}}}}})"
      "\n",
      quoted(file.path), file.object.content.hex, file.object.size);
}

std::string deletion_line(const std::string& path) {
  return fmt::format(R"({{"key":"deletedFile","value":{{"path":{}}}}})"
                     "\n",
                     quoted(path));
}

}  // namespace

CommitBody::CommitBody(const CommitRequest& request) {
  add(header_line(request));
  for (const RegularFile& file : request.regular_files) {
    add(fmt::format(R"({{"key":"file","value":{{"path":{},"encoding":"base64","content":")",
                    quoted(file.path)),
        file.bytes);
    add("\"}}\n");
  }
  for (const LfsFile& file : request.lfs_files) add(lfs_line(file));
  for (const std::string& path : request.deleted_files) add(deletion_line(path));
}

void CommitBody::add(std::string text, std::string_view bytes) {
  size_ += text.size() + base64_size(bytes.size());
  segments_.push_back({std::move(text), bytes});
}

std::string CommitBody::read(std::size_t most) {
  std::string piece;
  while (piece.size() < most) {
    if (pending_read_ == pending_.size()) refill();
    const auto rest = std::string_view(pending_).substr(pending_read_, most - piece.size());
    piece += rest;
    pending_read_ += rest.size();
  }
  return piece;
}

void CommitBody::refill() {
  const Segment& segment = segments_.at(next_);
  pending_read_ = 0;
  if (!text_done_) {
    pending_ = segment.text;
    text_done_ = true;
  } else {
    const auto step = segment.bytes.substr(encoded_, kEncodeStep);
    pending_ = base64(step);
    encoded_ += step.size();
  }
  if (encoded_ < segment.bytes.size()) return;
  ++next_;
  text_done_ = false;
  encoded_ = 0;
}

}  // namespace neffs::hub
