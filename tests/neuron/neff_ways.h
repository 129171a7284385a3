// How a NEFF gets into a module, and how a user gets it out: every way that callers are known or
// thought to use.
#pragma once

#include <filesystem>
#include <string>

#include "tests/neuron/transcript.h"
#include "tests/neuron/words.h"

namespace neffs::test {

enum class PutWay {
  kInPlace,     // written under its name, piece by piece
  kTempRename,  // written under another name in the module, then renamed
  kLink,        // the same, but linked and unlinked
  kCopy,        // as shutil.copyfile: sendfile
  kMove,        // as shutil.move: rename, and a copy where that is EXDEV
};
PutWay put_way(Words& words);  // put=

enum class TakeWay { kRead, kMmap, kCopy, kLink, kSymlink };
TakeWay take_way(Words& words);  // take=

// What the compiler makes of a module: always the same, larger than any buffer, no multiple of a page.
std::string neff_of(const std::string& module);

// Brings the file from the work directory into the module. Throws std::system_error.
void put(PutWay way, const std::filesystem::path& made, const std::filesystem::path& neff,
         const Transcript& transcript);
// Half of a NEFF, as a process leaves it that is killed while it writes.
void put_half(const std::filesystem::path& made, const std::filesystem::path& neff);
// Reads a file of the cache and gives the digest of its bytes; `work` is where copies and links go.
std::string take(TakeWay way, const std::filesystem::path& file, const std::filesystem::path& work,
                 const Transcript& transcript);

// A name that no other process or thread uses.
std::string unique_name();

}  // namespace neffs::test
