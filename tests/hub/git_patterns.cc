#include "tests/hub/git_patterns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

namespace neffs::test {
namespace {

using CharTest = int (*)(int);
constexpr std::array<std::pair<std::string_view, CharTest>, 5> kClasses = {{
    {"[:space:]", ::isspace},
    {"[:digit:]", ::isdigit},
    {"[:alpha:]", ::isalpha},
    {"[:alnum:]", ::isalnum},
    {"[:xdigit:]", ::isxdigit},
}};

// One member of a bracket expression, taken off the front; whether `c` belongs to it.
bool take_member(std::string_view& rest, char c) {
  for (const auto& [name, test] : kClasses) {
    if (!rest.starts_with(name)) continue;
    rest.remove_prefix(name.size());
    return test(static_cast<unsigned char>(c)) != 0;
  }
  const auto take_char = [&] {
    if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
    const char taken = rest.front();
    rest.remove_prefix(1);
    return taken;
  };
  const char first = take_char();
  if (rest.size() < 2 || rest[0] != '-' || rest[1] == ']') return c == first;
  rest.remove_prefix(1);
  return first <= c && c <= take_char();
}

// A bracket expression at the front of `pattern`, taken off; nullopt if it never ends.
std::optional<bool> take_brackets(std::string_view& pattern, char c) {
  std::string_view rest = pattern.substr(1);
  const bool inverted = rest.starts_with('!') || rest.starts_with('^');
  if (inverted) rest.remove_prefix(1);
  bool found = false;
  for (bool first = true; !rest.empty(); first = false) {
    if (rest.front() == ']' && !first) {
      pattern = rest.substr(1);
      return found != inverted && c != '/';
    }
    found |= take_member(rest, c);
  }
  return std::nullopt;
}

// One pattern on one path. Remembers which rest of the one does not fit which rest of the other, or
// a pattern with many stars would take for ever.
class Glob {
 public:
  Glob(std::string_view pattern, std::string_view text) : pattern_(pattern), text_(text) {}
  bool fits() { return fits_from(0, 0); }

 private:
  bool fits_from(std::size_t pattern_at, std::size_t text_at) {
    const auto rest = std::pair(pattern_at, text_at);
    if (failed_.contains(rest)) return false;
    const bool fits = try_from(pattern_.substr(pattern_at), text_.substr(text_at));
    if (!fits) failed_.insert(rest);
    return fits;
  }
  bool fits_rests(std::string_view pattern, std::string_view text) {
    return fits_from(pattern_.size() - pattern.size(), text_.size() - text.size());
  }

  // "**" where git gives it a meaning: a whole component, or several, or none.
  bool fits_components(std::string_view rest, std::string_view text) {
    if (rest.empty()) return !text.empty();
    rest.remove_prefix(1);  // its slash
    for (;;) {
      if (fits_rests(rest, text)) return true;
      const std::size_t slash = text.find('/');
      if (slash == std::string_view::npos) return false;
      text.remove_prefix(slash + 1);
    }
  }

  bool fits_star(std::string_view rest, std::string_view text) {
    for (std::size_t taken = 0;; ++taken) {
      if (fits_rests(rest, text.substr(taken))) return true;
      if (taken == text.size() || text[taken] == '/') return false;
    }
  }

  // Plain characters up to the next star, where there is more than one way to go on.
  bool try_from(std::string_view pattern, std::string_view text) {
    while (!pattern.empty() && pattern.front() != '*') {
      if (text.empty() || !take_one(pattern, text.front())) return false;
      text.remove_prefix(1);
    }
    if (pattern.empty()) return text.empty();
    const std::size_t at = pattern_.size() - pattern.size();
    const bool whole_component = pattern.starts_with("**") &&
                                 (at == 0 || pattern_[at - 1] == '/') &&
                                 (pattern.size() == 2 || pattern[2] == '/');
    if (whole_component) return fits_components(pattern.substr(2), text);
    return fits_star(pattern.substr(std::min(pattern.find_first_not_of('*'), pattern.size())),
                     text);
  }

  // What stands for one character, taken off the pattern; whether it stands for `c`.
  static bool take_one(std::string_view& pattern, char c) {
    if (pattern.front() == '[') return take_brackets(pattern, c).value_or(false);
    const bool any = pattern.front() == '?';
    if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
    const bool fits = any ? c != '/' : c == pattern.front();
    pattern.remove_prefix(1);
    return fits;
  }

  const std::string_view pattern_;
  const std::string_view text_;
  std::set<std::pair<std::size_t, std::size_t>> failed_;
};

bool glob(std::string_view pattern, std::string_view text) {
  return Glob(pattern, text).fits();
}

// The lines that say something, without their ends.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

// The pattern at the start of a line of .gitattributes; quoted ones may hold blanks.
std::string take_attribute_pattern(std::istringstream& line) {
  std::string pattern;
  line >> std::ws;
  if (line.peek() != '"') {
    line >> pattern;
    return pattern;
  }
  line.get();
  for (char c = 0; line.get(c) && c != '"';) {
    if (c == '\\') line.get(c);
    pattern += c;
  }
  return pattern;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos) {
    return glob(pattern, path.substr(path.rfind('/') + 1));
  }
  return glob(pattern.starts_with('/') ? pattern.substr(1) : pattern, path);
}

GitAttributes::GitAttributes(std::string_view text) {
  for (const std::string& line : lines_of(text)) {
    std::istringstream in(line);
    const std::string pattern = take_attribute_pattern(in);
    std::optional<bool> lfs;
    for (std::string word; in >> word;) {
      const bool about_filter =
          word.starts_with("filter=") || word == "-filter" || word == "!filter" || word == "filter";
      if (about_filter) lfs = word == "filter=lfs";
    }
    if (lfs) rules_.push_back({pattern, *lfs});
  }
}

bool GitAttributes::is_lfs(std::string_view path) const {
  bool lfs = false;
  for (const Rule& rule : rules_) {
    // A pattern for directories is about no file.
    if (!rule.pattern.ends_with('/') && matches_pattern(rule.pattern, path)) lfs = rule.lfs;
  }
  return lfs;
}

std::string lfs_line(std::string_view path) {
  // A line may not start with what is a comment, a negation or a quotation there.
  std::string pattern =
      std::string_view("#!\"").find(path.front()) == std::string_view::npos ? "" : "\\";
  for (const char c : path) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      pattern += "[[:space:]]";
    } else {
      pattern += std::string_view("*?[\\").find(c) == std::string_view::npos ? "" : "\\";
      pattern += c;
    }
  }
  return pattern + " filter=lfs diff=lfs merge=lfs -text\n";
}

GitIgnore::GitIgnore(std::string_view text) {
  for (std::string line : lines_of(text)) {
    Rule rule;
    while (line.ends_with(' ') && !line.ends_with("\\ ")) line.pop_back();
    rule.shows = line.starts_with('!');
    if (rule.shows) line.erase(0, 1);
    rule.directories_only = line.ends_with('/');
    if (rule.directories_only) line.pop_back();
    rule.pattern = line;
    if (!line.empty()) rules_.push_back(rule);
  }
}

bool GitIgnore::ignores(std::string_view path) const {
  // What is below a hidden directory stays hidden, whatever else is said.
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (hides(path.substr(0, slash), true)) return true;
  }
  return hides(path, false);
}

bool GitIgnore::hides(std::string_view path, bool is_directory) const {
  bool hidden = false;
  for (const Rule& rule : rules_) {
    if (rule.directories_only && !is_directory) continue;
    if (matches_pattern(rule.pattern, path)) hidden = !rule.shows;
  }
  return hidden;
}

}  // namespace neffs::test
