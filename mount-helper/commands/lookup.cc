#include "mount-helper/commands/lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "hub/hub_error.h"
#include "mount-helper/command_error.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/output.h"
#include "mount-helper/progress.h"
#include "mount-helper/registry_json.h"
#include "mount-helper/registry_look_up.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;
using Numbers = std::optional<std::uint64_t>;

WantedModel wanted_of(const std::string& model) {
  const bool is_path = model.starts_with('/') || model.starts_with('.') || model.starts_with('~');
  const auto path = hub::Environment::of_process().expand(model);
  std::error_code error;
  if (is_path || std::filesystem::is_directory(path, error)) return {"", read_config(path)};
  return {model, ""};
}

// --- what is printed -----------------------------------------------------------------------------

std::string text_of(Numbers number) {
  return number ? fmt::format("{}", *number) : "-";
}
std::string text_of(const std::string& text) {
  return text.empty() ? "-" : printable(text);
}

Json json_of(const FoundEntry& found) {
  const auto& entry = found.entry;
  Json json = {{"repo", found.source.repo},
               {"revision", found.source.revision},
               {"compiler", entry.path.compiler},
               {"optimum_neuron", text_or_null(entry.release)},
               {"model_id", text_or_null(entry.model_id)},
               {"model_type", text_or_null(entry.model_type)}};
  add_configuration(json, entry);
  return json;
}

void print_json(const std::string& model, const std::vector<FoundEntry>& found) {
  auto entries = Json::array();
  for (const auto& each : found) entries.push_back(json_of(each));
  fmt::print("{}\n", Json({{"model", model}, {"entries", std::move(entries)}})
                         .dump(2, ' ', false, Json::error_handler_t::replace));
}

constexpr std::array kColumns = {"batch size",      "sequence length",
                                 "tensor parallel", "dtype",
                                 "instance type",   "task",
                                 "optimum-neuron",  "model"};
using Row = std::array<std::string, kColumns.size()>;

Row row_of(const fs::RegistryEntry& entry) {
  const auto task = entry.task.empty() ? entry.path.mode : entry.task;
  return {text_of(entry.batch_size),
          text_of(entry.sequence_length),
          text_of(entry.tensor_parallel_size),
          text_of(entry.dtype),
          text_of(entry.instance_type),
          text_of(task),
          text_of(entry.release),
          text_of(entry.model_id)};
}

std::string table_of(const std::vector<Row>& rows) {
  Row head;
  std::copy(kColumns.begin(), kColumns.end(), head.begin());
  std::array<std::size_t, kColumns.size()> widths{};
  for (std::size_t i = 0; i < head.size(); ++i) {
    widths[i] = head[i].size();
    for (const auto& row : rows) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto add = [&](const Row& row) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format(" {:<{}} ", row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add(head);
  for (const auto& row : rows) add(row);
  return text;
}

void print_table(const std::string& model, const std::vector<FoundEntry>& found) {
  fmt::print("{}\n", bold("Cached entries for " + printable(model), has_color(1)));
  for (auto it = found.begin(); it != found.end();) {
    const auto of_same = std::find_if(it, found.end(), [&](const FoundEntry& other) {
      return other.entry.path.compiler != it->entry.path.compiler || other.source != it->source;
    });
    std::vector<Row> rows;
    std::transform(it, of_same, std::back_inserter(rows),
                   [](const FoundEntry& each) { return row_of(each.entry); });
    fmt::print("\n{}, neuronx-cc {}\n{}", sources_text({it->source}),
               printable(it->entry.path.compiler), table_of(rows));
    it = of_same;
  }
}

void print_legacy(const std::string& model, const std::vector<FoundEntry>& found) {
  fmt::print("\n*** {} entrie(s) found in cache for {} ***\n\n", found.size(), printable(model));
  for (const auto& each : found) {
    for (const auto& [name, value] : each.settings)
      fmt::print("\n{}: {}", printable(name), printable(value));
    fmt::print("\n");
  }
}

std::vector<Source> sources_of(const LookupRequest& request, const Invoker& invoker) {
  return request.repos.empty() ? default_sources(invoker) : parse_sources(request.repos);
}

// The entries of a large registry are read one by one, and the Hub allows some thousand requests in five
// minutes: who is stopped by that goes on later.
LookUp look_up_with_progress(RepoReader& repo, const WantedModel& model,
                             const LookupRequest& request) {
  Progress progress(request.is_quiet);
  std::size_t read = 0;
  std::size_t all = 0;
  try {
    progress.show("listing the registry of " + printable(repo.source().repo));
    return look_up(repo, model, request.filter, [&](std::size_t now, std::size_t of) {
      read = now;
      all = of;
      progress.show(fmt::format("{} of {} entries read", read, all));
    });
  } catch (const hub::HubError& error) {
    progress.end();
    if (read == 0 || read == all) throw;
    const bool is_limit = error.kind == hub::HubErrorKind::kThrottled;
    const auto when = is_limit && error.retry_after
                          ? "in " + human_duration(*error.retry_after)
                          : std::string(is_limit ? "in some minutes" : "when it answers");
    throw CommandError(
        sources_text({repo.source()}),
        fmt::format("{} of {} entries were read: {}", read, all, error.what()),
        fmt::format("they are kept: the same command {} goes on with the rest{}", when,
                    is_limit ? ", and who is logged in may ask more often" : ""));
  }
}

}  // namespace

int lookup_command(const LookupRequest& request) {
  const auto invoker = invoker_of_process();
  const auto model = wanted_of(request.model);
  const auto sources = sources_of(request, invoker);
  const HubSession session(environment_of(invoker, ""));
  ObjectCache cache(user_cache_directory(invoker.own));
  std::vector<FoundEntry> found;
  bool has_registry = false;
  for (const auto& source : sources) {
    RepoReader repo(session.client(), source, cache);
    auto looked = look_up_with_progress(repo, model, request);
    has_registry = has_registry || looked.has_registry;
    std::move(looked.found.begin(), looked.found.end(), std::back_inserter(found));
  }
  if (!has_registry)
    throw CommandError(
        sources_text(sources), "no registry of compiled models in it",
        "optimum-neuron writes one when it exports or trains; --repo_id names another repo");
  if (request.is_json)
    print_json(request.model, found);
  else if (request.is_legacy)
    print_legacy(request.model, found);
  else if (found.empty())
    fmt::print("No cached entries found for {}.\n", printable(request.model));
  else
    print_table(request.model, found);
  return kSuccess;
}

}  // namespace neffs::mount_helper
