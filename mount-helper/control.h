// How a command talks to the daemon behind a mount: a file that look-up finds and listings do not.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace neffs::mount_helper {

enum class MountHealth {
  kAnswers,
  kDead,    // the daemon is gone; the mount answers ENOTCONN
  kSilent,  // no answer within the limit
  kOther,   // something else answers: no neffs
};

// The daemon's answer, or how it failed to give one.
struct ControlAnswer {
  MountHealth health = MountHealth::kOther;
  int error = 0;     // kOther: errno
  std::string text;  // kAnswers: the JSON text as it came
};

inline constexpr std::chrono::milliseconds kControlLimit{5'000};

// Hands `request` to the control file below `mount_point` and reads what it says then. A child of
// its own does so and is abandoned at the limit: a process that waits for a silent daemon cannot be
// ended by anybody, itself included. Throws CommandError if the request is too long to be handed over,
// or has a path that is not UTF-8.
ControlAnswer ask(const std::filesystem::path& mount_point, const nlohmann::json& request,
                  std::chrono::milliseconds limit = kControlLimit);

// The answer as JSON. Throws CommandError that says what is wrong with the mount, or what the daemon
// says with "error" in its answer.
nlohmann::ordered_json understand(const std::filesystem::path& mount_point,
                                  const ControlAnswer& answer);

// Both in one.
nlohmann::ordered_json ask_or_throw(const std::filesystem::path& mount_point,
                                    const nlohmann::json& request,
                                    std::chrono::milliseconds limit = kControlLimit);

// version, pid, held and counting (as in `push` of the status), of_run (`neffs run` has made it): short
// whatever the mount holds.
inline nlohmann::json hello_request() {
  return {{"request", "hello"}};
}
inline nlohmann::json status_request() {
  return {{"request", "status"}};
}
inline nlohmann::json metrics_request() {
  return {{"request", "metrics"}};
}
inline nlohmann::json restore_request(const std::string& path) {
  return {{"request", "restore"}, {"path", path}};
}
inline nlohmann::json explain_request(const std::string& path) {
  return {{"request", "explain"}, {"path", path}};
}

// What waits to be published is tried at once.
//   and_full: also what the Hub has just said to have no room for
inline nlohmann::json flush_request(bool and_full) {
  return {{"request", "flush"}, {"and_full", and_full}};
}

// What `adopt` would release: repo, modules (as in `push` of the status).
inline nlohmann::json adoptable_request() {
  return {{"request", "adoptable"}};
}
// Held modules are published from here on. Only for root and the mounting user.
inline nlohmann::json adopt_request() {
  return {{"request", "adopt"}};
}

// Copies are removed until so many bytes are left, or those at or below the paths; it goes on meanwhile.
// Only for root and the mounting user.
inline nlohmann::json evict_request(std::optional<std::uint64_t> to,
                                    const std::vector<std::string>& paths) {
  nlohmann::json request{{"request", "evict"}, {"paths", paths}};
  if (to) request["to"] = *to;
  return request;
}
// Of that: busy, modules, bytes, kept.
inline nlohmann::json evicted_request() {
  return {{"request", "evicted"}};
}

// The files at or below the paths are read again; it goes on meanwhile. Answered with the number of the
// order. Only for root and the mounting user.
inline nlohmann::json verify_request(const std::vector<std::string>& paths, bool repairs) {
  return {{"request", "verify"}, {"paths", paths}, {"repairs", repairs}};
}
// Of the last one: order, busy, failed (if it did), and what verification_json() has.
inline nlohmann::json verified_request() {
  return {{"request", "verified"}};
}

// What there is to fetch of the compilers and modules, or of a model ("" for none) and of these versions of
// it, is looked up; it goes on meanwhile. Answered with the number of the order, and with how many modules
// are known of the model; without a number if there is nothing to be looked up. Only for root and the
// mounting user.
inline nlohmann::json plan_warming_request(const std::vector<std::string>& versions,
                                           const std::vector<std::string>& modules, bool is_all,
                                           const std::string& model) {
  return {{"request", "plan_warming"},
          {"versions", versions},
          {"modules", modules},
          {"all", is_all},
          {"model", model}};
}
// Of the last one: order, busy, failed (if it did), what WarmPlan has, and what bounds it: cache_size,
// min_free (null where it was not set), layer_bytes.
inline nlohmann::json warming_request() {
  return {{"request", "warming"}};
}

// What that order meant is kept from eviction until it has been used. Only for root and the mounting user.
inline nlohmann::json pin_request(std::uint64_t order) {
  return {{"request", "pin"}, {"order", order}};
}

// What is used from here on is noted as the model's, until end_use_request() or the end of the process
// (fs::Process, null if unknown). Answered with its number. Only for root and the mounting user.
inline nlohmann::json begin_use_request(const std::string& model, const nlohmann::json& process) {
  return {{"request", "begin_use"}, {"model", model}, {"process", process}};
}
// Answered with how many modules were used; null if the daemon does not know of it.
inline nlohmann::json end_use_request(std::uint64_t use) {
  return {{"request", "end_use"}, {"use", use}};
}

// Only for root and the mounting user.
inline nlohmann::json clear_stale_locks_request() {
  return {{"request", "clear_stale_locks"}};
}

}  // namespace neffs::mount_helper
