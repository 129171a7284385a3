// neffs doctor: what is wrong, and what mends it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mount-helper/findings.h"
#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct DoctorRequest {
  std::string mount_point = kDefaultMountPoint;
  bool clears_stale_locks = false;
  bool is_json = false;
};

// Looks at the host, the way to the Hub, and the mount, if there is one. kFailure if something is wrong,
// also after what it was asked to mend. Throws CommandError if the mount does not answer.
int doctor_command(const DoctorRequest& request);

// What is wrong by an answer to status, and what was mended: `removed` and `in_use` are lists of
// locks, both may be missing.
struct Diagnosis {
  nlohmann::ordered_json status;
  nlohmann::ordered_json cleared;
  std::vector<Finding> around{};  // of the host and the Hub
  nlohmann::ordered_json host{};  // what it runs on
  std::vector<Finding> notes{};   // what works, but could be better
};
nlohmann::ordered_json diagnosis_json(const Diagnosis& diagnosis);
std::string diagnosis_text(const Diagnosis& diagnosis, bool is_colored);

}  // namespace neffs::mount_helper
