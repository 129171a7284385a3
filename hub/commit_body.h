// A commit as the Hub reads it: one JSON object a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/http_client.h"
#include "hub/push_repo.h"

namespace neffs::hub {

// Writes the lines while they are sent: the files' bytes are there once, their base64 never as a
// whole. Two bodies of one request are equal to the last byte.
class CommitBody final : public BodySource {
 public:
  // request must outlive this. Throws HubError kRefused for a path or text that is no UTF-8.
  explicit CommitBody(const CommitRequest& request);

  std::uint64_t size() const override { return size_; }
  std::string read(std::size_t most) override;

 private:
  // A text, and after it the base64 of some bytes.
  struct Segment {
    std::string text;
    std::string_view bytes;
  };

  void add(std::string text, std::string_view bytes = {});
  void refill();

  std::vector<Segment> segments_;
  std::uint64_t size_ = 0;
  std::size_t next_ = 0;     // the segment to be written next
  bool text_done_ = false;   // its text is written,
  std::size_t encoded_ = 0;  // and so many of its bytes
  std::string pending_;      // written, not read yet
  std::size_t pending_read_ = 0;
};

}  // namespace neffs::hub
