#include "tests/unit/hub/storage_of_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

namespace neffs::test {

Span range_of(const SeenRequest& request, std::size_t size) {
  unsigned long begin = 0;
  unsigned long last = size - 1;
  if (std::sscanf(request.header("Range").c_str(), "bytes=%lu-%lu", &begin, &last) < 1) begin = 0;
  return {begin, std::min<std::size_t>(last + 1, size)};
}

std::string head_of_range(const SeenRequest& request, std::size_t size) {
  const Span span = range_of(request, size);
  return "HTTP/1.1 206 x\r\nContent-Range: bytes " + std::to_string(span.begin) + "-" +
         std::to_string(span.end - 1) + "/" + std::to_string(size) +
         "\r\nContent-Length: " + std::to_string(span.end - span.begin) + "\r\n\r\n";
}

void answer_range(const SeenRequest& request, Reply& reply, const std::string& content) {
  const Span span = range_of(request, content.size());
  reply.send(head_of_range(request, content.size()));
  reply.send(std::string_view(content).substr(span.begin, span.end - span.begin));
}

StorageOfTest::StorageOfTest(std::string bytes, Fault fault)
    : content(std::move(bytes)),
      storage([this, fault = std::move(fault)](const SeenRequest& request, Reply& reply) {
        if (fault && fault(request, reply)) return;
        answer_range(request, reply, content);
      }),
      hub([this](const SeenRequest&, Reply& reply) {
        reply.answer(
            302,
            {{"Location", storage.url() + "/blob?n=" + std::to_string(++resolved) + "&Signature=x"},
             {"X-Repo-Commit", kCommit},
             {"X-Linked-Size", std::to_string(content.size())},
             {"X-Linked-ETag", "\"" + sha256_of(content).hex + "\""}},
            "");
      }) {}

hub::DownloadRequest StorageOfTest::request() const {
  hub::DownloadRequest request;
  request.commit = kCommit;
  request.path = "d/model.neff";
  request.size = content.size();
  request.content = sha256_of(content);
  return request;
}

void StorageOfTest::expect_download() {
  HubUnderTest under_test(hub.url());
  const TemporaryFile file;
  under_test.repo.download(request(), file.fd());
  EXPECT_TRUE(file.content() == content);
}

}  // namespace neffs::test
