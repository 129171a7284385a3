// Measures two things in turn, so that what else the machine does hits both.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace neffs::test {

// Seconds that one run takes: the median of `rounds` interleaved runs of each.
struct Pair {
  double plain_s = 0;
  double mount_s = 0;

  // Speed of the mount relative to the plain directory.
  double ratio() const { return plain_s / mount_s; }
};
Pair measure(int rounds, const std::function<void()>& plain, const std::function<void()>& mount);
double measure(int rounds, const std::function<void()>& what);

// A directory to work in, and the same one by the path that leads past the mount.
struct Place {
  std::filesystem::path seen;
  std::filesystem::path below;
};
struct Places {
  Place plain;
  Place mount;
};
using Step = std::function<void(const Place&)>;
// Runs the steps one after the other in a new directory of one place, then of the other; a median
// for each step. What was written before is on the disk when the clock starts, and what a round
// leaves is removed, untimed.
std::vector<Pair> measure_steps(const Places& places, int rounds, const std::vector<Step>& steps);

// What programs do with files. They throw std::system_error.
void read_whole(const std::string& path);
void scan_mapped(const std::string& path);
void read_at_random(const std::string& path, int reads);
void stat_often(const std::string& path, int times);
void stat_absent(const std::string& path, int times);
void open_read_close(const std::string& path, int times);
// As open_read_close, by `threads` threads; the same number in all.
void open_read_close_threads(const std::string& path, int times, int threads);

}  // namespace neffs::test
