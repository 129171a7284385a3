#include "tests/hub/commit_rules.h"

#include <algorithm>
#include <functional>
#include <set>

#include "tests/hub/git_patterns.h"
#include "tests/hub/model_card.h"
#include "tests/hub/preupload_api.h"
#include "tests/hub/repo_path.h"

namespace neffs::test {
namespace {

using LineKind = CommitLine::Kind;

[[noreturn]] void refuse(const std::string& message) {
  throw Refused{error_answer(400, "", message)};
}

// The words of the hook that looks at what is pushed, with the files it is about.
void refuse_files(const CommitBody& body, const std::string& why,
                  const std::function<bool(const CommitLine&)>& offends) {
  std::string names;
  for (const CommitLine& line : body.lines) {
    if (offends(line)) names += "\n  - " + line.path;
  }
  if (names.empty()) return;
  refuse("Your push was rejected because it contains " + why + "\nOffending files:" + names);
}

// The .gitattributes that will hold after the commit, before the Hub's own edits.
std::string new_attributes(const CommitBody& body, const TestRepo& repo, const std::string& head) {
  for (const CommitLine& line : body.lines) {
    if (line.path == ".gitattributes" && line.kind == LineKind::kFile) return line.content;
  }
  return text_at(repo, head, ".gitattributes");
}

std::vector<std::string> parents_of(const std::string& path) {
  std::vector<std::string> parents;
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    parents.push_back(path.substr(0, slash));
  }
  return parents;
}

void check_paths(const CommitBody& body) {
  for (const CommitLine& line : body.lines) {
    const std::string fault = fault_of_path(line.path);
    if (!fault.empty()) refuse("path \"" + line.path + "\" " + fault);
  }
}

// A name can be one thing only: added once, and a file or a folder.
void check_additions(const CommitBody& body, const TestRepo& repo, const std::string& head) {
  std::set<std::string> added;
  std::set<std::string> deleted;
  for (const CommitLine& line : body.lines) {
    const bool is_new = (line.adds() ? added : deleted).insert(line.path).second;
    if (!is_new) refuse("path \"" + line.path + "\" occurs twice");
  }
  for (const std::string& path : added) {
    const std::optional<RepoEntry> old = repo.find(head, path);
    if (old && old->is_directory && !deleted.contains(path)) {
      refuse("path \"" + path + "\" is a folder");
    }
    for (const std::string& parent : parents_of(path)) {
      const std::optional<RepoEntry> above = repo.find(head, parent);
      const bool is_file = above && !above->is_directory && !deleted.contains(parent);
      if (is_file || added.contains(parent)) refuse("path \"" + parent + "\" is a file");
    }
  }
}

void check_deletions(const CommitBody& body, const TestRepo& repo, const std::string& head) {
  for (const CommitLine& line : body.lines) {
    if (line.adds()) continue;
    const std::optional<RepoEntry> old = repo.find(head, line.path);
    const bool folder = line.kind == LineKind::kDeletedFolder;
    if (old && old->is_directory == folder) continue;
    const std::string what = folder ? "folder" : "file";
    throw Refused{error_answer(404, "EntryNotFound",
                               "A " + what + " with this name doesn't exist: " + line.path)};
  }
}

void check_regular_files(const CommitBody& body, const GitAttributes& attributes,
                         const WritingLimits& limits) {
  const auto regular = [](const CommitLine& line) {
    return line.kind == LineKind::kFile && !line.content.empty();
  };
  refuse_files(body, "files larger than 10 MiB. Use LFS to store large files.",
               [&](const CommitLine& line) {
                 return regular(line) && line.content.size() > limits.git_file;
               });
  refuse_files(
      body, "binary files. Use LFS or Xet to store binary files.", [&](const CommitLine& line) {
        return regular(line) && looks_binary(std::string_view(line.content).substr(0, kSampleSize));
      });
  refuse_files(body, "files that .gitattributes sends to LFS.", [&](const CommitLine& line) {
    return regular(line) && attributes.is_lfs(line.path);
  });
  for (const CommitLine& line : body.lines) {
    if (line.path != "README.md" || line.kind != LineKind::kFile) continue;
    const std::string fault = fault_of_card(line.content);
    if (!fault.empty()) refuse(fault);
  }
}

void check_large_files(const CommitBody& body, const TestRepo& repo, const WritingLimits& limits) {
  const auto is_large = [](const CommitLine& line) { return line.kind == LineKind::kLfsFile; };
  const auto count = std::count_if(body.lines.begin(), body.lines.end(), is_large);
  if (static_cast<std::size_t>(count) > limits.lfs_files_per_commit) {
    refuse("too many LFS files in one commit");
  }
  refuse_files(body, "an LFS pointer to a file that does not exist.", [&](const CommitLine& line) {
    return is_large(line) && !repo.large_file(line.oid);
  });
  refuse_files(body, "an LFS pointer with a wrong size.", [&](const CommitLine& line) {
    return is_large(line) && line.size && *line.size != repo.large_file(line.oid)->size;
  });
}

}  // namespace

void check_commit(const CommitBody& body, const TestRepo& repo, const std::string& head,
                  const WritingLimits& limits) {
  check_paths(body);
  check_deletions(body, repo, head);
  check_additions(body, repo, head);
  check_regular_files(body, GitAttributes(new_attributes(body, repo, head)), limits);
  check_large_files(body, repo, limits);
}

std::string amended_attributes(const CommitBody& body, const TestRepo& repo,
                               const std::string& head) {
  std::string text = new_attributes(body, repo, head);
  const GitAttributes attributes(text);
  bool changed = false;
  for (const CommitLine& line : body.lines) {
    if (line.kind != LineKind::kLfsFile || attributes.is_lfs(line.path)) continue;
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    text += lfs_line(line.path);
    changed = true;
  }
  return changed ? text : "";
}

}  // namespace neffs::test
