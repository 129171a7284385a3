// The registry of a cache repo: what optimum-neuron has noted of each model that was exported or trained, in
// all the layouts that it has had. Pure functions of paths and texts. It is for people: no NEFF is ever
// chosen by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace neffs::fs {

// What the path of an entry tells, "neuronxcc-*/0_REGISTRY/<release>/…/<hash>.json":
//   0.0.18, 0.2.0 - 0.4.4   <model type>/<model id>/<hash>.json
//   0.0.19 - 0.1            inference|training/<model type>/<model id>/<hash>.json
//   0.4.5                   <digest of the architecture>/<hash>.json, and the one of 0.0.18 as its alias
struct RegistryPath {
  std::string folder;        // "neuronxcc-2.21.33363.0+82129205"
  std::string compiler;      // "2.21.33363.0+82129205"
  std::string release;       // of optimum-neuron
  std::string mode;          // "inference", "training"; "" where the layout does not tell
  std::string model_type;    // "llama"; "" in the layout by architecture
  std::string model_id;      // "meta-llama/Llama-3.2-1B"; "" in the layout by architecture
  std::string architecture;  // 64 hex; "" in the others
  std::string hash;          // of the entry's text

  friend bool operator==(const RegistryPath&, const RegistryPath&) = default;
};

// nullopt for what is no entry of a registry.
std::optional<RegistryPath> parse_registry_path(std::string_view path);

// A configuration that a model was compiled for. What an entry does not tell is empty.
struct RegistryEntry {
  RegistryPath path;
  std::string model_id;  // the entry's own word, else the path's
  std::string model_type;
  std::string task;
  std::optional<std::uint64_t> batch_size;
  std::optional<std::uint64_t> sequence_length;
  std::optional<std::uint64_t> tensor_parallel_size;
  std::string dtype;          // "bfloat16", "float16", "float32", …
  std::string instance_type;  // "trn1", "inf2", …
  std::string release;        // of optimum-neuron

  friend bool operator==(const RegistryEntry&, const RegistryEntry&) = default;
};

// text: the JSON of the entry; nullopt if it is none of a configuration
std::optional<RegistryEntry> read_registry_entry(const RegistryPath& path, std::string_view text);

// What is looked for; empty is anything.
struct RegistryFilter {
  std::string task{};
  std::string instance_type{};
  std::string dtype{};  // as the entries or older releases spell it
  std::optional<std::uint64_t> batch_size{};
  std::optional<std::uint64_t> sequence_length{};
  std::optional<std::uint64_t> tensor_parallel_size{};
};
// An entry that does not tell what is looked for is no match.
bool matches(const RegistryEntry& entry, const RegistryFilter& filter);

// Whether the entry was made for a model like that of a config.json: everything that both of them tell of
// the architecture is equal. Names, versions and the types of weights are not part of it.
bool is_of_architecture(std::string_view entry_text, std::string_view config_text);

// What the configuration of an entry says, name and value, by name; lists and the like left out.
std::vector<std::pair<std::string, std::string>> registry_settings(std::string_view entry_text);

// "model_type" of a config.json; "" if it tells none, nullopt if it is no JSON object.
std::optional<std::string> model_type_of(std::string_view config_text);

// "bf16" and "torch.bfloat16" are "bfloat16", and so on; what is not known stays.
std::string dtype_name(std::string_view text);

// Newer compilers and releases first, by their numbers: 2.21 is after 2.9. True if `one` is newer.
bool is_newer_version(std::string_view one, std::string_view other);

}  // namespace neffs::fs
