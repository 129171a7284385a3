// The body of a commit request: lines of JSON, taken apart and checked for form only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace neffs::test {

struct CommitLine {
  enum class Kind { kFile, kLfsFile, kDeletedFile, kDeletedFolder };

  Kind kind = Kind::kFile;
  std::string path;                   // of a folder, without a slash at its end
  std::string content;                // kFile: the bytes
  std::string oid;                    // kLfsFile
  std::optional<std::uint64_t> size;  // kLfsFile; need not be there if the repo knows the object

  bool adds() const { return kind == Kind::kFile || kind == Kind::kLfsFile; }
};

struct CommitBody {
  std::string summary;
  std::string description;
  std::string parent;  // "" if the client does not care
  std::vector<CommitLine> lines;

  // As git keeps it.
  std::string message() const;
};

// Throws Refused.
CommitBody parse_commit_body(std::string_view text);

}  // namespace neffs::test
