#include "fs/registry.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fs/publishable.h"

namespace neffs::fs {
namespace {

using nlohmann::json;
using Names = std::initializer_list<const char*>;

constexpr std::string_view kFolderPrefix = "neuronxcc-";
constexpr std::string_view kEnd = ".json";
constexpr std::size_t kArchitectureDigits = 64;
constexpr std::size_t kDepthOfRegistry = 3;  // compiler folder, registry, release

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    parts.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_architecture(std::string_view name) {
  return name.size() == kArchitectureDigits && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_mode(std::string_view name) {
  return name == "inference" || name == "training";
}

// --- the JSON ------------------------------------------------------------------------------------

// The first of these that is there and no null.
const json* find(const json& object, Names names) {
  if (!object.is_object()) return nullptr;
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found != object.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

std::string text_of(const json& object, Names names) {
  const json* value = find(object, names);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

// Old entries have some of them as texts.
std::optional<std::uint64_t> number_of(const json& object, Names names) {
  const json* value = find(object, names);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  if (!value->is_string()) return std::nullopt;
  const auto& text = value->get_ref<const std::string&>();
  constexpr std::size_t kMostDigits = 18;
  const bool is_number =
      !text.empty() && text.size() <= kMostDigits &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!is_number) return std::nullopt;
  return std::stoull(text);
}

// An entry of several models, as a diffusion pipeline, has a configuration in each: the largest part
// speaks for all of them.
const json* neuron_of(const json& entry) {
  if (const json* own = find(entry, {"neuron"}); own != nullptr && own->is_object()) return own;
  for (const char* part : {"transformer", "unet", "decoder", "encoder"})
    if (const json* model = find(entry, {part}))
      if (const json* own = find(*model, {"neuron"}); own != nullptr && own->is_object())
        return own;
  for (const auto& model : entry)
    if (const json* own = find(model, {"neuron"}); own != nullptr && own->is_object()) return own;
  return nullptr;
}

// What differs between models of one architecture.
bool is_volatile(const std::string& key) {
  constexpr std::array<std::string_view, 10> kKeys = {
      "neuron",     "transformers_version", "torch_dtype",     "dtype",     "task",
      "model_type", "name_or_path",         "finetuning_task", "use_cache", "architectures"};
  return key.starts_with('_') || std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

std::optional<RegistryPath> parse_registry_path(std::string_view path) {
  if (piece_of(path) != Piece::kRegistry) return std::nullopt;
  auto parts = split(path);
  if (parts.size() < kDepthOfRegistry + 2) return std::nullopt;
  RegistryPath result;
  result.folder = parts[0];
  result.compiler = result.folder.substr(std::min(kFolderPrefix.size(), result.folder.size()));
  result.release = parts[2];
  result.hash = parts.back().substr(0, parts.back().size() - kEnd.size());
  auto part = parts.begin() + kDepthOfRegistry;
  const auto end = parts.end() - 1;
  if (end - part == 1) {
    if (!is_architecture(*part)) return std::nullopt;
    result.architecture = *part;
    return result;
  }
  if (end - part >= 3 && is_mode(*part)) result.mode = *part++;
  result.model_type = *part++;
  for (; part != end; ++part) result.model_id += (result.model_id.empty() ? "" : "/") + *part;
  return result;
}

std::optional<RegistryEntry> read_registry_entry(const RegistryPath& path, std::string_view text) {
  const auto entry = json::parse(text, nullptr, false);
  if (!entry.is_object()) return std::nullopt;
  const json* neuron = neuron_of(entry);
  if (neuron == nullptr) return std::nullopt;
  RegistryEntry result;
  result.path = path;
  result.model_id = text_of(entry, {"_model_id"});
  if (result.model_id.empty()) result.model_id = path.model_id;
  if (result.model_id.empty()) result.model_id = text_of(*neuron, {"checkpoint_id"});
  result.model_type = path.model_type.empty() ? text_of(entry, {"model_type"}) : path.model_type;
  result.task = text_of(entry, {"_task", "task"});
  if (result.task.empty()) result.task = text_of(*neuron, {"task"});
  result.batch_size = number_of(*neuron, {"batch_size", "static_batch_size"});
  result.sequence_length = number_of(*neuron, {"sequence_length", "static_sequence_length"});
  result.tensor_parallel_size =
      number_of(*neuron, {"tp_degree", "tensor_parallel_size", "num_cores"});
  result.dtype = dtype_name(text_of(*neuron, {"torch_dtype", "dtype", "auto_cast_type"}));
  if (result.dtype.empty()) result.dtype = dtype_name(text_of(entry, {"torch_dtype", "dtype"}));
  result.instance_type = text_of(*neuron, {"target", "instance_type"});
  result.release = path.release;
  return result;
}

bool matches(const RegistryEntry& entry, const RegistryFilter& filter) {
  const auto fits = [](const auto& wanted, const auto& there) {
    return !wanted || wanted == there;
  };
  const auto is = [](const std::string& wanted, const std::string& there) {
    return wanted.empty() || wanted == there;
  };
  return is(filter.task, entry.task) && is(filter.instance_type, entry.instance_type) &&
         is(dtype_name(filter.dtype), entry.dtype) && fits(filter.batch_size, entry.batch_size) &&
         fits(filter.sequence_length, entry.sequence_length) &&
         fits(filter.tensor_parallel_size, entry.tensor_parallel_size);
}

bool is_of_architecture(std::string_view entry_text, std::string_view config_text) {
  const auto entry = json::parse(entry_text, nullptr, false);
  const auto config = json::parse(config_text, nullptr, false);
  if (!entry.is_object() || !config.is_object()) return false;
  const json* type = find(entry, {"model_type"});
  if (type != nullptr && *type != config.value("model_type", json())) return false;
  bool has_common = false;
  for (const auto& [key, value] : entry.items()) {
    const auto other = config.find(key);
    if (is_volatile(key) || other == config.end()) continue;
    if (*other != value) return false;
    has_common = true;
  }
  return has_common;
}

std::vector<std::pair<std::string, std::string>> registry_settings(std::string_view entry_text) {
  std::vector<std::pair<std::string, std::string>> settings;
  const auto entry = json::parse(entry_text, nullptr, false);
  const json* neuron = entry.is_object() ? neuron_of(entry) : nullptr;
  if (neuron == nullptr) return settings;
  for (const auto& [name, value] : neuron->items())
    if (!value.is_structured() && !value.is_null())
      settings.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  return settings;
}

std::optional<std::string> model_type_of(std::string_view config_text) {
  const auto config = json::parse(config_text, nullptr, false);
  if (!config.is_object()) return std::nullopt;
  return text_of(config, {"model_type"});
}

std::string dtype_name(std::string_view text) {
  constexpr std::string_view kLibrary = "torch.";
  if (text.starts_with(kLibrary)) text.remove_prefix(kLibrary.size());
  if (text == "bf16") return "bfloat16";
  if (text == "fp16") return "float16";
  if (text == "fp32") return "float32";
  return lower(text);
}

bool is_newer_version(std::string_view one, std::string_view other) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto take_number = [&](std::string_view& text) {
    std::uint64_t number = 0;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
      number = number * 10 + static_cast<std::uint64_t>(text.front() - '0');
    return number;
  };
  while (!one.empty() && !other.empty()) {
    if (is_digit(one.front()) && is_digit(other.front())) {
      const auto a = take_number(one);
      const auto b = take_number(other);
      if (a != b) return a > b;
      continue;
    }
    if (one.front() != other.front()) return one.front() > other.front();
    one.remove_prefix(1);
    other.remove_prefix(1);
  }
  return one.size() > other.size();
}

}  // namespace neffs::fs
