// What there is to be fetched ahead of time. It is fetched by opening it, as anybody would.
#include <algorithm>

#include "fs/answered.h"
#include "fs/cache_fs.h"
#include "fs/cache_layout.h"

namespace neffs::fs {
namespace {

// A folder of ten thousand modules takes a while to be listed.
constexpr std::chrono::seconds kPatience{120};
constexpr std::string_view kCompiler = "neuronxcc-";

bool is_version_meant(const WarmOrder& order, const std::string& folder) {
  return order.is_all || is_of_version(order.versions, folder);
}

}  // namespace

bool is_of_version(const std::vector<std::string>& versions, const std::string& folder) {
  return std::any_of(versions.begin(), versions.end(), [&](const std::string& begin) {
    return folder.starts_with(begin) || folder.starts_with(std::string(kCompiler) + begin);
  });
}

// The paths of those that are of this kind.
std::vector<std::string> CacheFs::children_to_warm(const std::string& path, Place place,
                                                   const std::stop_token& stop) {
  const auto question = sources_.about_children(path, true);
  if (!question->is_empty())
    is_answered(stop, kPatience, [&](RemoteView::Done done) { question->start(std::move(done)); });
  const auto shown = sources_.peek_children(path, true);
  if (!shown.is_certain)
    throw std::system_error(EAGAIN, std::generic_category(), "a source does not answer");
  std::vector<std::string> children;
  for (const auto& [name, remote] : shown.names)
    if (locate(join_path(path, name)).place == place) children.push_back(join_path(path, name));
  std::sort(children.begin(), children.end());
  return children;
}

std::vector<std::string> CacheFs::modules_to_warm(const WarmOrder& order, WarmPlan& plan,
                                                  const std::stop_token& stop) {
  const auto children = [&](const std::string& path, Place place) -> std::vector<std::string> {
    try {
      return children_to_warm(path, place, stop);
    } catch (const std::system_error&) {
      plan.unanswered.push_back(path.empty() ? "the list of compilers" : path);
      return {};
    }
  };
  std::vector<std::string> modules;
  const auto versions = children("", Place::kVersion);
  for (const auto& version : versions) {
    if (stop.stop_requested()) break;
    if (!is_version_meant(order, version)) continue;
    const auto more = children(version, Place::kModule);
    modules.insert(modules.end(), more.begin(), more.end());
  }
  for (const auto& begin : order.versions)
    if (std::none_of(versions.begin(), versions.end(), [&](const auto& folder) {
          return is_version_meant({{begin}, {}, false}, folder);
        }))
      plan.unknown.push_back(begin);
  return modules;
}

// False if nobody has it.
bool CacheFs::plan_module(const std::string& module, WarmPlan& plan) {
  const auto [listing, from] = names_.remote_module(module);
  if (!listing) {
    if (!layer_.stat(module)) return false;
    ++plan.modules_here;
    plan.meant.push_back(module);
    return true;
  }
  bool is_shown = false;
  const auto before = plan.files.size();
  for (const auto& [inside, remote] : listing->names) {
    if (remote.kind != RemoteName::Kind::kFile) continue;
    const auto path = join_path(module, inside);
    const auto found = names_.find(path);
    is_shown |= found.kind == Found::Kind::kLocal || found.kind == Found::Kind::kRemote;
    if (found.kind != Found::Kind::kRemote || placer_.staged(path)) continue;
    plan.files.push_back({path, found.remote.size});
    plan.bytes += found.remote.size;
  }
  if (plan.files.size() > before)
    ++plan.modules;
  else if (is_shown)
    ++plan.modules_here;
  if (is_shown) plan.meant.push_back(module);
  return is_shown;
}

void CacheFs::plan_warming(const WarmOrder& order, const std::function<void(const WarmPlan&)>& tell,
                           const std::stop_token& stop) {
  WarmPlan plan;
  const auto ask_about = [&](const std::string& module) {
    const auto question = sources_.about(module, names_.owner_of(module));
    return question->is_empty() || is_answered(stop, kPatience, [&](RemoteView::Done done) {
             question->start(std::move(done));
           });
  };
  const auto add = [&](const std::string& module) {
    const bool is_certain = ask_about(module);
    if (plan_module(module, plan)) return true;
    if (!is_certain) plan.unanswered.push_back(module);
    return !is_certain;
  };
  if (order.is_all || !order.versions.empty())
    for (const auto& module : modules_to_warm(order, plan, stop)) {
      if (stop.stop_requested()) return;
      add(module);
    }
  std::optional<std::vector<std::string>> versions;
  for (const auto& module : order.modules) {
    if (stop.stop_requested()) return;
    bool is_known = false;
    if (locate(module).place == Place::kModule) {
      is_known = add(module);
    } else if (module.find('/') == std::string::npos) {
      if (!versions) versions = children_to_warm("", Place::kVersion, stop);
      for (const auto& version : *versions) is_known |= add(join_path(version, module));
    }
    if (!is_known) plan.unknown.push_back(module);
  }
  tell(plan);
}

}  // namespace neffs::fs
