// An entry of the registry as JSON: the same in lookup and list.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fs/registry.h"

namespace neffs::mount_helper {

// What is not known is null.
nlohmann::ordered_json text_or_null(const std::string& text);

// mode, task, batch_size, sequence_length, tensor_parallel_size, dtype, instance_type.
void add_configuration(nlohmann::ordered_json& json, const fs::RegistryEntry& entry);

}  // namespace neffs::mount_helper
