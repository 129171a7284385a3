#include "hub/download_plan.h"

#include <algorithm>

namespace neffs::hub {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

}  // namespace

std::uint64_t piece_size(std::uint64_t size) {
  if (size <= 16 * kMiB) return size;
  return size <= 256 * kMiB ? 8 * kMiB : 16 * kMiB;
}

DownloadPlan::DownloadPlan(std::uint64_t size) : size_(size) {
  const std::uint64_t step = piece_size(size);
  for (std::uint64_t begin = 0; begin < size; begin += step) {
    pieces_.push_back({begin, std::min(begin + step, size), begin});
  }
}

void DownloadPlan::make_sequential() {
  pieces_.assign(1, Piece{0, size_, 0});
  first_open_ = 0;
}

std::size_t DownloadPlan::first_idle() const {
  const auto idle =
      std::find_if(pieces_.begin() + static_cast<std::ptrdiff_t>(first_open_), pieces_.end(),
                   [](const Piece& piece) { return !piece.carried && !piece.is_whole(); });
  return static_cast<std::size_t>(idle - pieces_.begin());
}

std::uint64_t DownloadPlan::frontier() {
  while (first_open_ < pieces_.size() && pieces_[first_open_].is_whole()) ++first_open_;
  return first_open_ == pieces_.size() ? size_ : pieces_[first_open_].next;
}

}  // namespace neffs::hub
