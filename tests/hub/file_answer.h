// Sends a file as HTTP allows to ask for it: whole, a range of it, only if changed, compressed.
#pragma once

#include "tests/hub/exchange.h"

namespace neffs::test {

struct FileToSend {
  ContentPtr content;
  std::string etag;  // with quotes
  std::string type = "application/octet-stream";
  bool may_compress = false;
  bool compression_beats_range = false;
};

// 200, 206, 304 or 416.
Answer file_answer(const Request& request, const FileToSend& file);

// Whether If-None-Match names this etag (with quotes); weak and strong compare equal.
bool is_unchanged(const Request& request, const std::string& etag);

}  // namespace neffs::test
