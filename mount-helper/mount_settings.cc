#include "mount-helper/mount_settings.h"

#include <algorithm>
#include <utility>

#include "mount-helper/config_file.h"
#include "mount-helper/service_manager.h"

namespace neffs::mount_helper {
namespace {

constexpr const char* kTokenCredential = "token";

bool has_any(const hub::Environment& environment, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return environment.get(name).has_value(); });
}

// A token that nobody may look for is none.
bool has_token(const hub::Environment& environment) {
  return !environment.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN") &&
         has_any(environment, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"});
}

// Whether the environment says something else of the same.
bool is_overruled(const OptionLine& line, const hub::Environment& environment) {
  if (line.name == kSourceLine) return has_any(environment, {"CUSTOM_CACHE_REPO"});
  if (line.name == "offline")
    return has_any(environment, {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"});
  if (line.name == "token_file")
    return has_token(environment) || !credential_file(environment, kTokenCredential).empty();
  return false;
}

}  // namespace

MountSettings settle_settings(std::string sources, const std::vector<std::string>& lists,
                              std::vector<OptionLine> lines, const hub::Environment& environment) {
  std::erase_if(lines, [&](const OptionLine& line) { return is_overruled(line, environment); });
  std::string configured;
  for (const OptionLine& line : lines)
    if (line.name == kSourceLine) configured = line.value;
  std::erase_if(lines, [](const OptionLine& line) { return line.name == kSourceLine; });
  MountSettings settings;
  settings.sources = sources.empty() ? std::move(configured) : std::move(sources);
  settings.options = parse_options(lists, lines);
  auto& token_file = settings.options.token_file;
  if (token_file.empty()) token_file = credential_file(environment, kTokenCredential);
  return settings;
}

MountSettings read_settings(const std::string& sources, const std::vector<std::string>& lists,
                            const std::string& mount_point, const Invoker& invoker) {
  const auto files = config_files(invoker, kSystemConfig);
  std::vector<OptionLine> lines;
  if (!files.empty()) lines = read_config(files, mount_point, invoker.own);
  return settle_settings(sources, lists, std::move(lines), invoker.own);
}

}  // namespace neffs::mount_helper
