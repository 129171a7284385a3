#include "hub/json_answer.h"

#include <fmt/format.h>

#include <charconv>

#include "hub/hub_error.h"

namespace neffs::hub {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
  if (!object.is_object()) refuse_answer("no object");
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

[[noreturn]] void refuse_member(const char* type, const char* key) {
  refuse_answer(fmt::format("no {} in '{}'", type, key));
}

// Digits at a fixed place; -1 for anything else.
int digits_at(std::string_view text, std::size_t begin, std::size_t length) {
  int number = -1;
  const auto* const end = text.data() + begin + length;
  const auto result = std::from_chars(text.data() + begin, end, number);
  return result.ec == std::errc() && result.ptr == end ? number : -1;
}

}  // namespace

void refuse_answer(const std::string& what) {
  throw HubError(HubErrorKind::kInvalidAnswer,
                 fmt::format("not an answer of a Hub: {} (is HF_ENDPOINT a Hub, or is a proxy in "
                             "between?)",
                             what));
}

json parsed_answer(std::string_view body) {
  auto value = json::parse(body, nullptr, false);
  if (value.is_discarded()) refuse_answer("no JSON");
  return value;
}

std::string text_in(const json& object, const char* key) {
  const json* found = member(object, key);
  if (found == nullptr || !found->is_string()) refuse_member("text", key);
  return found->get<std::string>();
}

std::uint64_t number_in(const json& object, const char* key) {
  const json* found = member(object, key);
  if (found == nullptr || !found->is_number_unsigned()) refuse_member("number", key);
  return found->get<std::uint64_t>();
}

const json& list_in(const json& object, const char* key) {
  const json* found = member(object, key);
  if (found == nullptr || !found->is_array()) refuse_member("list", key);
  return *found;
}

std::chrono::sys_seconds time_in(const json& object, const char* key) {
  using namespace std::chrono;
  const std::string text = text_in(object, key);
  if (text.size() < 19) refuse_member("time", key);
  const int fields[] = {digits_at(text, 0, 4),  digits_at(text, 5, 2),  digits_at(text, 8, 2),
                        digits_at(text, 11, 2), digits_at(text, 14, 2), digits_at(text, 17, 2)};
  for (const int field : fields) {
    if (field < 0) refuse_member("time", key);
  }
  const year_month_day date{year(fields[0]), month(static_cast<unsigned>(fields[1])),
                            day(static_cast<unsigned>(fields[2]))};
  if (!date.ok()) refuse_member("time", key);
  return sys_days(date) + hours(fields[3]) + minutes(fields[4]) + seconds(fields[5]);
}

bool flag_in(const json& object, const char* key) {
  const json* found = member(object, key);
  if (found == nullptr || found->is_null()) return false;
  return found->is_boolean() ? found->get<bool>() : found->is_string();
}

}  // namespace neffs::hub
