#include "fs/cache_layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace neffs::fs {
namespace {

constexpr std::string_view kVersionPrefix = "neuronxcc-";
constexpr std::string_view kModulePrefix = "MODULE_";
constexpr std::string_view kWrappedNeff = "wrapped_neff.hlo";
constexpr std::uint64_t kSmallestNeff = 1024;
constexpr std::size_t kLongestName = 255;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// A traced TorchScript export, MODULE_<20 hex>: a free-form tree without a completion mark.
bool is_traced(std::string_view name) {
  name.remove_prefix(std::min(name.size(), kModulePrefix.size()));
  return name.size() == 20 && std::all_of(name.begin(), name.end(), is_hex);
}

std::optional<unsigned> take_number(std::string_view& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// model.done came with neuronx-cc 2.15; before that the NEFF was the mark.
bool writes_no_done_mark(std::string_view version) {
  version.remove_prefix(std::min(version.size(), kVersionPrefix.size()));
  const auto major = take_number(version);
  if (!major || version.empty() || version.front() != '.') return false;
  version.remove_prefix(1);
  const auto minor = take_number(version);
  return minor && (*major < 2 || (*major == 2 && *minor <= 14));
}

const ModuleFile* find(std::span<const ModuleFile> files, std::string_view path) {
  const auto it = std::find_if(files.begin(), files.end(),
                               [&](const ModuleFile& file) { return file.path == path; });
  return it == files.end() ? nullptr : &*it;
}

}  // namespace

Location locate(std::string_view path) {
  if (path.empty()) return {Place::kRoot, {}, {}, {}};
  const auto slash = path.find('/');
  const auto top = path.substr(0, slash);
  const bool in_version = top.starts_with(kVersionPrefix);
  if (slash == std::string_view::npos) {
    if (in_version) return {Place::kVersion, top, {}, {}};
    return {Place::kTopLevel, {}, {}, {}};
  }
  const auto rest = path.substr(slash + 1);
  if (!in_version || !rest.starts_with(kModulePrefix)) return {Place::kElsewhere, {}, {}, {}};
  const auto end = rest.find('/');
  if (end == std::string_view::npos) return {Place::kModule, top, path, {}};
  return {Place::kInsideModule, top, path.substr(0, slash + 1 + end), rest.substr(end + 1)};
}

std::string unit_of(const std::string& path) {
  const auto module = locate(path).module;
  return module.empty() ? path : std::string(module);
}

bool is_hostile_name(std::string_view name, bool at_root) {
  if (name.empty() || name == "." || name == ".." || name.size() > kLongestName) return true;
  if (at_root && is_reserved_root_name(name)) return true;
  return std::any_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || byte == '/';
  });
}

bool is_reserved_root_name(std::string_view name) {
  return name == kPrivateName || name == kControlName;
}

bool is_lock(std::string_view path) {
  return path == "lock" || path.ends_with(".lock");
}

bool is_input(std::string_view inside) {
  constexpr std::array<std::string_view, 4> kInputs = {"model.hlo_module.pb", "model.hlo.pb",
                                                       "compile_flags.json", kFailureLog};
  return inside.ends_with(".lock") ||
         std::find(kInputs.begin(), kInputs.end(), inside) != kInputs.end();
}

Verdict judge_module(std::string_view version, std::string_view name,
                     std::span<const ModuleFile> files) {
  if (is_traced(name)) {
    if (find(files, "config.json") || find(files, "model_index.json"))
      return {ModuleState::kFinished, "traced export"};
    return {ModuleState::kUnfinished, "neither config.json nor model_index.json"};
  }
  const auto* neff = find(files, kNeff);
  if (neff == nullptr) {
    if (find(files, kFailureLog))
      return {ModuleState::kFailed, "a failed compilation: model.log without model.neff"};
    return {ModuleState::kUnfinished, "no model.neff"};
  }
  if (find(files, kDoneMark)) return {ModuleState::kFinished, "model.neff and model.done"};
  if (!writes_no_done_mark(version)) return {ModuleState::kUnfinished, "no model.done"};
  if (neff->size < kSmallestNeff)
    return {ModuleState::kFailed, "model.neff is too small for a NEFF: the text of a failure"};
  return {ModuleState::kProbeNeff, "model.neff of a compiler that wrote no model.done"};
}

bool is_failure_text(std::string_view first_bytes) {
  first_bytes = first_bytes.substr(0, kProbeBytes);
  return !first_bytes.empty() && std::all_of(first_bytes.begin(), first_bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 ? byte != 0x7f : (byte == '\n' || byte == '\r' || byte == '\t');
  });
}

LocalState judge_local(std::string_view version, std::string_view name,
                       std::span<const ModuleFile> files,
                       const std::function<std::string()>& neff_start) {
  auto state = judge_module(version, name, files).state;
  if (state == ModuleState::kProbeNeff)
    state = is_failure_text(neff_start()) ? ModuleState::kFailed : ModuleState::kFinished;
  if (state == ModuleState::kFinished) return LocalState::kComplete;
  if (state == ModuleState::kFailed) return LocalState::kFailed;
  const bool is_locked = std::any_of(files.begin(), files.end(), [](const ModuleFile& file) {
    return file.path.ends_with(".lock");
  });
  return is_locked ? LocalState::kLocked : LocalState::kUnfinished;
}

int place_rank(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  if (name == kDoneMark) return 3;
  if (name == kNeff) return 2;
  return name == "config.json" || name == "model_index.json" ? 1 : 0;
}

PlacePlan plan_module(std::string_view name, std::span<const ModuleFile> files) {
  PlacePlan plan;
  plan.whole = is_traced(name) || find(files, kDoneMark) == nullptr;
  if (plan.whole) {
    for (const auto& file : files) plan.hit_files.emplace_back(file.path);
    return plan;
  }
  for (const auto hit : {kNeff, kWrappedNeff, kDoneMark})
    if (find(files, hit)) plan.hit_files.emplace_back(hit);
  return plan;
}

}  // namespace neffs::fs
