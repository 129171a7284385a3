// The whole list of what a mount does otherwise than the directory below it, on purpose.
#pragma once

#include <array>
#include <string_view>

namespace neffs::test {

// SEMANTICS 11: these names at the root belong to neffs: nobody can make them, listings leave them
// out. The source of the mount has two names, which are not in the plain directory.
inline constexpr std::string_view kStateName = ".cache";
inline constexpr std::string_view kControlName = ".neffs-control";
inline constexpr std::string_view kSourceName = "neuronxcc-9.9.9.9+00000000";
inline constexpr std::string_view kGitsName = ".gitattributes";

inline bool is_left_out(std::string_view name_at_root) {
  return name_at_root == kStateName || name_at_root == kControlName ||
         name_at_root == kSourceName || name_at_root == kGitsName;
}

// What the mount refuses and a disk does, or may do. Performed one after the other in an empty mount.
struct Refusal {
  std::string_view operation;
  std::string_view outcome;
};

inline constexpr std::array kRefusals{
    Refusal{"root open 0 @/file rdwr,creat 0644", "ok"},
    Refusal{"root open 1 @/other rdwr,creat 0644", "ok"},
    // SEMANTICS 11 again.
    Refusal{"root mkdir @/.cache 0755", "EPERM"},
    Refusal{"root stat @/.cache", "ENOENT"},
    Refusal{"root open 2 @/.cache rdwr,creat 0644", "EPERM"},
    Refusal{"root rename @/file @/.cache", "EPERM"},
    Refusal{"root link @/file @/.cache 0", "EPERM"},
    Refusal{"root symlink file @/.cache", "EPERM"},
    Refusal{"root rmdir @/.cache", "ENOENT"},
    Refusal{"root unlink @/.neffs-control", "EPERM"},
    Refusal{"root rename @/file @/.neffs-control", "EPERM"},
    Refusal{"root rename @/.neffs-control @/file", "EPERM"},
    Refusal{"root mkdir @/.neffs-control 0755", "EEXIST"},
    // The kernel's FUSE has no message for it, or the daemon of this version no answer.
    Refusal{"root open 2 @ rdwr,tmpfile 0644", "EOPNOTSUPP"},
    Refusal{"root clone 0 1", "EOPNOTSUPP"},
    Refusal{"root fallocate 0 collapse 0 4096", "EOPNOTSUPP"},
    Refusal{"root fallocate 0 insert 0 4096", "EOPNOTSUPP"},
    // A device 0/0 would be left in the cache directory.
    Refusal{"root rename2 @/file @/third whiteout", "EINVAL"},
};

}  // namespace neffs::test
