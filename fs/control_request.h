// What a command hands to the daemon through the control file, which both sides include.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace neffs::fs {

// By ioctl and not by write: the file is opened for reading, which also a read-only mount grants, and
// nobody's output that is led into it is taken for a request.
struct ControlRequest {
  std::uint32_t size = 0;  // of text
  char text[16'376] = {};  // JSON, without an end mark

  // None if the text is longer than what one ioctl carries.
  static std::optional<ControlRequest> of(std::string_view text) {
    ControlRequest request;
    if (text.size() > sizeof request.text) return std::nullopt;
    request.size = static_cast<std::uint32_t>(text.copy(request.text, sizeof request.text));
    return request;
  }
};
static_assert(sizeof(ControlRequest) < 1U << _IOC_SIZEBITS);

// After it the file reads as the answer.
inline constexpr unsigned long kAskControl = _IOW('N', 1, ControlRequest);

}  // namespace neffs::fs
