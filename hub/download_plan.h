// Which parts of a file are fetched, by whom, and which are still to do: no I/O, no time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace neffs::hub {

// Bytes [begin, end) of the file; [begin, next) are there. Carried: a transfer is bringing the rest.
struct Piece {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t next = 0;
  bool carried = false;

  bool is_whole() const { return next == end; }
};

// The pieces of one file, in order. Small files are one piece, so that they cost one request.
class DownloadPlan {
 public:
  explicit DownloadPlan(std::uint64_t size);

  // One piece for everything, from the start: the sender does not do ranges.
  void make_sequential();

  Piece& piece(std::size_t index) { return pieces_.at(index); }
  std::size_t count() const { return pieces_.size(); }
  // The first piece that is neither whole nor carried; count() if there is none.
  std::size_t first_idle() const;
  // Everything before this is there.
  std::uint64_t frontier();
  bool is_whole() { return frontier() == size_; }

 private:
  std::uint64_t size_;
  std::vector<Piece> pieces_;
  std::size_t first_open_ = 0;  // all pieces before it are whole
};

// How a file of `size` is cut: whole up to 16 MiB, then into pieces of 8 MiB, large ones of 16 MiB.
std::uint64_t piece_size(std::uint64_t size);

}  // namespace neffs::hub
