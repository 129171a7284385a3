// The question how files must be stored, and the Hub's answer: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/push_repo.h"

namespace neffs::hub {

// The Hub takes no more files in one question.
inline constexpr std::size_t kMostPlannedFiles = 256;

// The body of POST /api/models/{id}/preupload/{branch}. Throws HubError kRefused for a path that is
// no UTF-8.
std::string preupload_question(std::span<const PushFile> files);

// The answer to it: as many plans as files, in their order. Throws HubError kInvalidAnswer for
// anything the Hub would not say, a file left out included.
PushPlan parse_preupload(std::string_view body, std::span<const PushFile> files);

}  // namespace neffs::hub
