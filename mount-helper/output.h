// How the program talks to people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace neffs::mount_helper {

// One line each on stderr: "neffs: …" and "neffs: warning: …".
void complain(std::string_view what);
void warn(std::string_view what);

// Whether escape codes may be written to `fd`: a terminal that is not dumb, and no NO_COLOR.
bool has_color(int fd);
// Whether what is there may be written over: a terminal that is not dumb.
bool can_draw_over(int fd);
// `text` in bold if `is_colored`.
std::string bold(std::string_view text, bool is_colored);

// Control characters become '?': names come from repos, and a terminal obeys what it is sent.
std::string printable(std::string_view text);

// "0 B", "999 B", "1.0 KiB", "17 GiB": at most three digits and the unit.
std::string human_size(std::uint64_t bytes);
// "0.4 s", "12 s", "3 min", "2 h 5 min", "4 d 3 h".
std::string human_duration(std::chrono::duration<double> time);
// "1 file", "2 files".
std::string counted(std::uint64_t count, std::string_view noun);

// Lines of a label and a text, the texts below each other, two blanks in front.
std::string aligned(const std::vector<std::pair<std::string, std::string>>& rows);

}  // namespace neffs::mount_helper
