// A Hub and its storage for one large file, each with one thing that can be broken.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "tests/unit/hub/hub_under_test.h"
#include "tests/unit/hub/loopback_server.h"

namespace neffs::test {

// The begin and the end (exclusive) of a request's Range header within a body of `size` bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};
Span range_of(const SeenRequest& request, std::size_t size);

// A 206 for what the request asks.
void answer_range(const SeenRequest& request, Reply& reply, const std::string& content);
// The head of that 206 only.
std::string head_of_range(const SeenRequest& request, std::size_t size);

// The Hub redirects every resolve to the storage with a signed address, new each time
// (/blob?n=1&Signature=x, n=2, …), and the storage serves `content`.
class StorageOfTest {
 public:
  // fault: called for each storage request; true if it has answered itself.
  using Fault = std::function<bool(const SeenRequest&, Reply&)>;
  explicit StorageOfTest(std::string bytes, Fault fault = nullptr);

  hub::DownloadRequest request() const;
  // Downloads with a client of its own and expects the right content.
  void expect_download();

  const std::string content;
  LoopbackServer storage;
  std::atomic<int> resolved{0};
  LoopbackServer hub;
};

}  // namespace neffs::test
