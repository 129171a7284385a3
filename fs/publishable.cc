#include "fs/publishable.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace neffs::fs {
namespace {

using nlohmann::json;

constexpr std::string_view kModulePrefix = "MODULE_";
constexpr std::string_view kModelIndex = "model_index.json";
constexpr std::string_view kConfig = "config.json";
// What a traced export is made for; the files around it are of the tokenizers and the like.
constexpr std::string_view kTracedEnd = ".neuron";
constexpr std::size_t kFlagDigits = 8;
constexpr std::size_t kTracedDigits = 20;

bool is_hex(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

Piece piece_of_module(std::string_view name) {
  name.remove_prefix(kModulePrefix.size());
  const auto plus = name.find('+');
  if (plus == std::string_view::npos)
    return is_hex(name) && name.size() == kTracedDigits ? Piece::kTraced : Piece::kNone;
  const auto flags = name.substr(plus + 1);
  const bool is_compiled =
      is_hex(name.substr(0, plus)) && is_hex(flags) && flags.size() == kFlagDigits;
  return is_compiled ? Piece::kCompiled : Piece::kNone;
}

// Requests are JSON, which knows no other names.
bool is_utf8(std::string_view name) {
  try {
    return !json(name).dump().empty();
  } catch (const json::type_error&) {
    return false;
  }
}

bool stays_here(std::string_view name) {
  constexpr std::array<std::string_view, 4> kEnds = {"~", ".tmp", ".part", ".lock"};
  return name.starts_with('.') || name.starts_with("tmp") || name == kFailureLog ||
         is_hostile_name(name, false) ||
         std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

bool has(std::span<const LocalFile> files, std::string_view path) {
  return std::any_of(files.begin(), files.end(), [&](const LocalFile& file) {
    return file.path == path && file.kind == LocalFile::Kind::kRegular;
  });
}

// --- what a module still lacks: "" if nothing ------------------------------------------------------

std::string lack_of_compiled(const ModuleFacts& module) {
  if (module.state == LocalState::kComplete) return "";
  if (module.state == LocalState::kFailed) return "a failed compilation";
  return has(module.files, kNeff) ? "no model.done" : "no model.neff";
}

// A pipeline's index names its components as "name": ["library", "class"], or two nulls for one that it
// does without.
bool is_component(const std::string& name, const json& value) {
  // Never exported for Neuron, whatever the index of the original says.
  if (name.starts_with('_') || name == "safety_checker") return false;
  return value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string();
}

// The export splits some: "vae" is in vae_encoder and vae_decoder, "controlnet" in controlnet_0.
bool has_component(std::span<const LocalFile> files, const std::string& name) {
  const auto part = name + "_";
  return std::any_of(files.begin(), files.end(), [&](const LocalFile& file) {
    const auto slash = file.path.find('/');
    if (slash == std::string_view::npos || !is_published_name(file.path)) return false;
    const auto folder = file.path.substr(0, slash);
    return folder == name || folder.starts_with(part);
  });
}

std::string lack_of_traced(const ModuleFacts& module, const ReadText& read) {
  const bool is_pipeline = has(module.files, kModelIndex);
  if (!is_pipeline && !has(module.files, kConfig))
    return "neither config.json nor model_index.json";
  const std::string described_by(is_pipeline ? kModelIndex : kConfig);
  const auto described = json::parse(read(described_by), nullptr, false);
  if (!described.is_object()) return described_by + " is no JSON object";
  if (is_pipeline)
    for (const auto& [name, value] : described.items())
      if (is_component(name, value) && !has_component(module.files, name))
        return fmt::format("no {}, which {} names", name, described_by);
  const bool has_traced =
      std::any_of(module.files.begin(), module.files.end(), [](const LocalFile& file) {
        return file.path.ends_with(kTracedEnd) && is_published_name(file.path);
      });
  return has_traced ? "" : "no compiled model, *.neuron";
}

// --- why a whole module cannot be published: "" if it can ------------------------------------------

std::string fault_of(std::span<const LocalFile> files) {
  for (const auto& file : files) {
    if (!is_published_name(file.path)) continue;
    if (!is_utf8(file.path)) return "holds a name that is not UTF-8";
    if (file.kind == LocalFile::Kind::kSymlink) return "holds a symlink: " + std::string(file.path);
    if (file.kind == LocalFile::Kind::kOther)
      return "holds what is no file: " + std::string(file.path);
  }
  return "";
}

}  // namespace

bool is_in_registry(std::string_view path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || locate(path.substr(0, slash)).place != Place::kVersion)
    return false;
  const auto rest = path.substr(slash + 1);
  return rest.starts_with(kRegistryName) &&
         (rest.size() == kRegistryName.size() || rest[kRegistryName.size()] == '/');
}

Piece piece_of(std::string_view path) {
  const auto slash = path.find('/');
  if (is_hostile_name(path.substr(0, slash), true) || !is_utf8(path)) return Piece::kNone;
  if (is_in_registry(path)) {
    path.remove_prefix(std::min(path.size(), slash + kRegistryName.size() + 2));
    return path.ends_with(".json") && is_published_name(path) ? Piece::kRegistry : Piece::kNone;
  }
  if (locate(path).place != Place::kModule) return Piece::kNone;
  return piece_of_module(path.substr(slash + 1));
}

bool is_published_name(std::string_view inside) {
  for (;;) {
    const auto slash = inside.find('/');
    if (stays_here(inside.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    inside.remove_prefix(slash + 1);
  }
}

Publishing judge_module_to_publish(const ModuleFacts& module, const ReadText& read) {
  const auto piece = piece_of(module.path);
  const auto verdict = [piece](PublishState state, std::string why) {
    return Publishing{state, piece, std::move(why)};
  };
  if (piece != Piece::kCompiled && piece != Piece::kTraced)
    return verdict(PublishState::kNever, "its name is not of the kind that is published");
  const auto lack =
      piece == Piece::kTraced ? lack_of_traced(module, read) : lack_of_compiled(module);
  if (!lack.empty()) return verdict(PublishState::kIncomplete, lack);
  if (piece == Piece::kCompiled && !has(module.files, kDoneMark) && !module.is_adopted)
    return verdict(PublishState::kWhenAdopted,
                   "its compiler writes no model.done: published only when it is adopted");
  const auto is_lock_file = [](const LocalFile& file) { return file.path.ends_with(".lock"); };
  if (std::any_of(module.files.begin(), module.files.end(), is_lock_file))
    return verdict(PublishState::kLocked, "locked");
  const auto fault = fault_of(module.files);
  if (!fault.empty()) return verdict(PublishState::kFailed, fault);
  return verdict(PublishState::kReady, "complete");
}

Publishing judge_registry_file(std::string_view path, const std::string& text) {
  const auto piece = piece_of(path);
  if (piece != Piece::kRegistry)
    return {PublishState::kNever, piece, "its name is not of the kind that is published"};
  if (!json::accept(text)) return {PublishState::kIncomplete, piece, "no JSON"};
  return {PublishState::kReady, piece, "complete"};
}

std::optional<std::string> alias_target(std::string_view alias, std::string_view target,
                                        std::string_view mountpoint) {
  using std::filesystem::path;
  if (piece_of(alias) != Piece::kRegistry || target.empty()) return std::nullopt;
  auto reached = (path(alias).parent_path() / target).lexically_normal().string();
  if (target.starts_with('/')) {
    const auto root = (path(mountpoint) / "").lexically_normal().string();
    if (mountpoint.empty() || !reached.starts_with(root)) return std::nullopt;
    reached.erase(0, root.size());
  }
  if (reached == alias || piece_of(reached) != Piece::kRegistry) return std::nullopt;
  return reached;
}

}  // namespace neffs::fs
