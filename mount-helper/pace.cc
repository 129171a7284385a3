#include "mount-helper/pace.h"

#include <fmt/format.h>

#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::duration<double> kTooShort{0.5};

}  // namespace

std::string pace_text(std::uint64_t before, std::uint64_t done, std::uint64_t all,
                      std::chrono::duration<double> time) {
  auto text = fmt::format("{} of {}", human_size(before + done), human_size(all));
  if (time < kTooShort || done == 0) return text;
  const double rate = static_cast<double>(done) / time.count();
  text += fmt::format(", {}/s", human_size(static_cast<std::uint64_t>(rate)));
  if (before + done >= all) return text;
  const std::chrono::duration<double> left(static_cast<double>(all - before - done) / rate);
  return text + fmt::format(", {} left", human_duration(left));
}

}  // namespace neffs::mount_helper
