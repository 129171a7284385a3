#include "mount-helper/registry_json.h"

#include <cstdint>
#include <optional>

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(std::optional<std::uint64_t> number) {
  return number ? Json(*number) : Json(nullptr);
}

}  // namespace

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

void add_configuration(Json& json, const fs::RegistryEntry& entry) {
  json["mode"] = text_or_null(entry.path.mode);
  json["task"] = text_or_null(entry.task);
  json["batch_size"] = number_or_null(entry.batch_size);
  json["sequence_length"] = number_or_null(entry.sequence_length);
  json["tensor_parallel_size"] = number_or_null(entry.tensor_parallel_size);
  json["dtype"] = text_or_null(entry.dtype);
  json["instance_type"] = text_or_null(entry.instance_type);
}

}  // namespace neffs::mount_helper
