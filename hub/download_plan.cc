#include "hub/download_plan.h"

#include <algorithm>

namespace neffs::hub {
namespace {

constexpr std::uint64_t kMiB = 1024UL * 1024;
constexpr std::uint64_t kMostPieces = 1U << 16U;  // whatever size somebody promises

}  // namespace

std::uint64_t piece_size(std::uint64_t size) {
  if (size <= 16 * kMiB) return size;
  if (size <= 256 * kMiB) return 8 * kMiB;
  return std::max(16 * kMiB, size / kMostPieces + 1);
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
