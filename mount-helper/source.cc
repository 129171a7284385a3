#include "mount-helper/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "mount-helper/command_error.h"
#include "mount-helper/default_repo.h"

namespace neffs::mount_helper {
namespace {

constexpr std::string_view kPublicCache = "aws-neuron/optimum-neuron-cache";
constexpr std::string_view kDefaultRevision = "main";
constexpr std::size_t kLongestPart = 96;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_word_char(char c) {
  return is_letter_or_digit(c) || c == '_';
}

bool is_part_of_id(std::string_view part) {
  return !part.empty() && part.size() <= kLongestPart && is_word_char(part.front()) &&
         is_word_char(part.back()) && std::all_of(part.begin(), part.end(), [](char c) {
           return is_word_char(c) || c == '-' || c == '.';
         });
}

// What git refuses in the name of a branch or tag, as far as one character or pair shows it.
bool is_revision(std::string_view text) {
  constexpr std::string_view kForbidden = " ~^:?*[\\";
  const bool has_forbidden = std::any_of(text.begin(), text.end(), [&](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
           kForbidden.find(c) != kForbidden.npos;
  });
  return !text.empty() && !has_forbidden && text.find("..") == text.npos && text.front() != '/' &&
         text.front() != '-' && text.back() != '/' && text.back() != '.';
}

Source parse_source(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view repo = text.substr(0, at);
  const auto failed = fmt::format("source '{}'", text);
  if (repo.find('/') == repo.npos) {
    throw usage_error(failed, "not a repo", "write namespace/name or namespace/name@revision");
  }
  if (!is_repo_id(repo)) {
    throw usage_error(failed, "no repo can have this id",
                      "namespace/name, of letters, digits, '-', '_' and '.'");
  }
  if (at == text.npos) return {std::string(repo), std::string(kDefaultRevision)};
  const std::string_view revision = text.substr(at + 1);
  if (!is_revision(revision)) {
    throw usage_error(failed, "no branch, tag or commit can have this name");
  }
  return {std::string(repo), std::string(revision)};
}

std::string custom_repo(const Invoker& invoker) {
  if (const auto named = invoker.own.get("CUSTOM_CACHE_REPO"))
    return *named == "none" ? "" : *named;
  std::string written = read_default_repo(invoker.own);
  if (written.empty() && invoker.behind_sudo) written = read_default_repo(*invoker.behind_sudo);
  return written;
}

}  // namespace

bool is_repo_id(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return false;
  const bool has_forbidden = text.find("--") != text.npos || text.find("..") != text.npos;
  return !has_forbidden && !text.ends_with(".git") && is_part_of_id(text.substr(0, slash)) &&
         is_part_of_id(text.substr(slash + 1));
}

std::vector<Source> parse_sources(std::string_view text) {
  std::vector<Source> sources;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    Source source = parse_source(text.substr(begin, end - begin));
    if (std::find(sources.begin(), sources.end(), source) != sources.end()) {
      throw usage_error(fmt::format("source '{}'", text), source.repo + " is there twice");
    }
    sources.push_back(std::move(source));
    begin = end + 1;
  }
  return sources;
}

std::string sources_text(const std::vector<Source>& sources) {
  std::string text;
  for (const Source& source : sources) {
    if (!text.empty()) text += ',';
    text += source.repo;
    if (source.revision != kDefaultRevision) text += '@' + source.revision;
  }
  return text;
}

std::vector<Source> default_sources(const Invoker& invoker) {
  const std::string custom = custom_repo(invoker);
  std::vector<Source> sources;
  if (!custom.empty()) sources.push_back(parse_source(custom));
  Source shared = parse_source(kPublicCache);
  shared.is_named = sources.empty();
  if (sources.empty() || sources.front() != shared) sources.push_back(std::move(shared));
  return sources;
}

const Source& only_source(const std::vector<Source>& sources) {
  if (sources.size() == 1) return sources.front();
  throw usage_error(fmt::format("sources {}", sources_text(sources)),
                    "this is done to one repo at a time",
                    fmt::format("name one of them, as {}", sources_text({sources.front()})));
}

std::vector<Source> with_push_repo(std::vector<Source> sources, const std::string& repo) {
  const bool is_there = std::any_of(sources.begin(), sources.end(),
                                    [&](const Source& source) { return source.repo == repo; });
  if (!repo.empty() && !is_there) sources.insert(sources.begin(), {repo, "main"});
  return sources;
}

}  // namespace neffs::mount_helper
