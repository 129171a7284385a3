#include "mount-helper/answer.h"

#include "mount-helper/output.h"

namespace neffs::mount_helper {

using Json = nlohmann::ordered_json;

std::string word_in(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}

const Json& list_in(const Json& object, const char* key) {
  static const Json kNothing = Json::array();
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNothing;
}

}  // namespace neffs::mount_helper
