// Modules that are made here: their outputs hide what the sources have of them.
#include <dirent.h>

#include <algorithm>
#include <optional>

#include "fs/names.h"

namespace neffs::fs {
namespace {

// Some disks do not say what a name is.
bool is_unknown_directory(const Layer& layer, const std::string& module, const std::string& name,
                          unsigned char type) {
  if (type != DT_UNKNOWN) return false;
  const auto st = layer.stat(join_path(module, name));
  return st && S_ISDIR(st->st_mode);
}

}  // namespace

void Names::touch(const std::string& path) {
  if (is_lock(path)) return;
  const auto at = locate(path);
  const std::lock_guard lock(mutex_);
  const auto changed = [](ModuleNow& now) {
    now.wholly_local.reset();
    if (now.owner && *now.owner == nullptr) now.owner.reset();
    ++now.touched;
  };
  if (!at.module.empty()) changed(modules_[std::string(at.module)]);
  if (at.place != Place::kVersion) return;
  for (auto& [module, now] : modules_)
    if (parent_path(module) == path) changed(now);
}

void Names::expect_copy(const std::string& path) {
  const auto at = locate(path);
  if (at.module.empty()) return;
  const std::lock_guard lock(mutex_);
  auto& now = modules_[std::string(at.module)];
  now.settled = false;
  ++now.touched;
}

void Names::became_copy(const std::string& module) {
  touch(module);
  reconsider(module);
}

void Names::reconsider(const std::string& path) {
  const std::string module(locate(path).module);
  const std::lock_guard lock(mutex_);
  if (const auto now = modules_.find(module); now != modules_.end()) now->second.owner.reset();
}

// Of a file; an input decides nothing.
void Names::touch_output(const std::string& path, std::optional<bool> wholly_local) {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule || is_input(at.inside)) return;
  const std::lock_guard lock(mutex_);
  auto& now = modules_[std::string(at.module)];
  now.wholly_local = wholly_local;
  ++now.touched;
}

bool Names::is_wholly_local(std::string_view module) {
  const std::string key(module);
  std::uint64_t touched = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto& now = modules_[key];
    if (now.wholly_local) return *now.wholly_local;
    touched = now.touched;
  }
  const bool answer = has_local_outputs(key);
  const std::lock_guard lock(mutex_);
  auto& now = modules_[key];
  if (now.touched == touched) now.wholly_local = answer;
  return answer;
}

bool Names::hides_others(const std::string& path) {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule || is_input(at.inside) || is_wholly_local(at.module))
    return false;
  return remote_module(at.module).listing != nullptr;
}

bool Names::has_local_outputs(const std::string& module) {
  const auto st = layer_.stat(module);
  return st && S_ISDIR(st->st_mode) && has_local_outputs_below(module, {});
}

bool Names::has_local_outputs_below(const std::string& module, const std::string& inside) {
  for (const auto& entry : layer_.list_if_there(join_path(module, inside))) {
    const auto name = join_path(inside, entry.name);
    if (entry.type == DT_DIR || is_unknown_directory(layer_, module, name, entry.type)) {
      if (has_local_outputs_below(module, name)) return true;
      continue;
    }
    if (is_input(name)) continue;
    const auto record = index_.layer_file(join_path(module, name));
    if (!record || source_of(*record) == nullptr) return true;
  }
  return false;
}

}  // namespace neffs::fs
