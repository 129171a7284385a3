#include "mount-helper/commands/list.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "mount-helper/command_error.h"
#include "mount-helper/custom_repo.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/output.h"
#include "mount-helper/progress.h"
#include "mount-helper/registry_json.h"
#include "mount-helper/repo_contents.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const fs::RegistryEntry& entry) {
  Json json = {{"optimum_neuron", text_or_null(entry.release)}};
  add_configuration(json, entry);
  return json;
}

Json json_of(const CompilerContents& contents, bool has_entries) {
  auto models = Json::array();
  for (const auto& [id, model] : contents.models) {
    Json each = {{"model_id", id}, {"configurations", model.configurations}};
    if (has_entries) each["entries"] = Json::array();
    for (const auto& entry : model.entries) each["entries"].push_back(json_of(entry));
    models.push_back(std::move(each));
  }
  return {{"compiler", contents.folder.substr(contents.folder.find('-') + 1)},
          {"folder", contents.folder},
          {"modules", contents.modules},
          {"bytes", contents.bytes},
          {"unfinished", contents.unfinished},
          {"unnamed_configurations", contents.unnamed},
          {"models", std::move(models)}};
}

std::string text_of(const fs::RegistryEntry& entry) {
  std::string text;
  const auto add = [&](std::string_view part) {
    if (!text.empty()) text += ", ";
    text += part;
  };
  if (!entry.task.empty()) add(printable(entry.task));
  if (entry.batch_size) add(fmt::format("batch {}", *entry.batch_size));
  if (entry.sequence_length) add(fmt::format("sequence {}", *entry.sequence_length));
  if (entry.tensor_parallel_size) add(fmt::format("{} cores", *entry.tensor_parallel_size));
  if (!entry.dtype.empty()) add(printable(entry.dtype));
  if (!entry.instance_type.empty()) add(printable(entry.instance_type));
  add("optimum-neuron " + printable(entry.release));
  return text;
}

void print_compiler(const CompilerContents& contents) {
  auto title = fmt::format("{}: {}, {}", printable(contents.folder),
                           counted(contents.modules, "module"), human_size(contents.bytes));
  if (contents.unfinished > 0)
    title += fmt::format("; {} unfinished or failed", contents.unfinished);
  fmt::print("\n{}\n", bold(title, has_color(STDOUT_FILENO)));
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [id, model] : contents.models) {
    rows.emplace_back(printable(id), counted(model.configurations, "configuration"));
    for (const auto& entry : model.entries) rows.emplace_back("", text_of(entry));
  }
  if (contents.unnamed > 0)
    rows.emplace_back("(by architecture)", counted(contents.unnamed, "configuration"));
  fmt::print("{}", aligned(rows));
}

}  // namespace

int list_command(const ListRequest& request) {
  const auto invoker = invoker_of_process();
  const auto source = one_source(request.repo, invoker);
  const HubSession session(environment_of(invoker, ""));
  ObjectCache cache(user_cache_directory(invoker.own));
  RepoReader repo(session.client(), source, cache);
  Progress progress(request.is_quiet);
  const auto all = contents_of(repo, {request.model, request.version}, [&](const auto& folder) {
    progress.show("listing " + printable(folder));
  });
  progress.end();
  if (request.is_json) {
    auto compilers = Json::array();
    for (const auto& contents : all) compilers.push_back(json_of(contents, !request.model.empty()));
    fmt::print("{}\n", Json({{"repo", source.repo},
                             {"revision", source.revision},
                             {"commit", repo.commit()},
                             {"compilers", std::move(compilers)}})
                           .dump(2, ' ', false, Json::error_handler_t::replace));
    return kSuccess;
  }
  fmt::print("{} at {}\n", sources_text({source}), repo.commit().substr(0, 12));
  for (const auto& contents : all) print_compiler(contents);
  if (all.empty()) fmt::print("nothing in it that was asked for\n");
  return kSuccess;
}

}  // namespace neffs::mount_helper
