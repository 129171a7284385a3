#include "mount-helper/verification_json.h"

namespace neffs::mount_helper {

nlohmann::ordered_json verification_json(const fs::Verification& found) {
  auto damaged = nlohmann::ordered_json::array();
  for (const auto& file : found.damaged)
    damaged.push_back({{"path", file.record.path},
                       {"why", file.why},
                       {"origin", file.record.origin == index::Origin::kCopy ? "copy" : "ours"},
                       {"removed", file.is_removed},
                       {"stays", file.stays}});
  return {{"files", found.files},
          {"bytes", found.bytes},
          {"all_bytes", found.all_bytes},
          {"unknown", found.unknown},
          {"damaged", std::move(damaged)}};
}

}  // namespace neffs::mount_helper
