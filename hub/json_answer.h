// Reading the Hub's JSON, strict about what must be there. Everything throws HubError kInvalidAnswer.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace neffs::hub {

// `what`: what is wrong with the answer, in words.
[[noreturn]] void refuse_answer(const std::string& what);

nlohmann::json parsed_answer(std::string_view body);

// The value of `key` in an object.
std::string text_in(const nlohmann::json& object, const char* key);
std::uint64_t number_in(const nlohmann::json& object, const char* key);
const nlohmann::json& list_in(const nlohmann::json& object, const char* key);
// A time as the Hub writes it, "2026-08-01T10:00:00.000Z".
std::chrono::sys_seconds time_in(const nlohmann::json& object, const char* key);
// False where the key is missing or null, true also for a text: `gated` is false, "auto" or "manual".
bool flag_in(const nlohmann::json& object, const char* key);

}  // namespace neffs::hub
