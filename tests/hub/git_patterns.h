// The patterns of .gitattributes and .gitignore, read as git reads them at the root of a repo.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace neffs::test {

// Whether `path` falls under a pattern: one without a slash (but at its end) is about names at any
// depth, any other about whole paths; "*" and "?" stop at slashes, "**" does not.
bool matches_pattern(std::string_view pattern, std::string_view path);

// Which paths a .gitattributes text sends to LFS.
class GitAttributes {
 public:
  explicit GitAttributes(std::string_view text);
  bool is_lfs(std::string_view path) const;

 private:
  struct Rule {
    std::string pattern;
    bool lfs = false;
  };
  std::vector<Rule> rules_;  // in the order of the text: the last that fits decides
};

// The line that the Hub adds to send `path` (not empty) to LFS; as there, a name at the root stands
// for the same name everywhere.
std::string lfs_line(std::string_view path);

// Which paths a .gitignore text hides.
class GitIgnore {
 public:
  explicit GitIgnore(std::string_view text);
  bool ignores(std::string_view path) const;

 private:
  struct Rule {
    std::string pattern;
    bool shows = false;             // it began with "!"
    bool directories_only = false;  // it ended in "/"
  };
  // Whether the rules hide this very name, whatever is above it.
  bool hides(std::string_view path, bool is_directory) const;

  std::vector<Rule> rules_;
};

}  // namespace neffs::test
