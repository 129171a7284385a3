#include "tests/faults/fault_table.h"

#include <cerrno>
#include <map>
#include <stdexcept>

namespace neffs::test {
namespace {

const std::set<Kind> kWithBody = {Kind::kInfo, Kind::kCompare, Kind::kTree, Kind::kResolveCache,
                                  Kind::kCdnGet};
const std::set<Kind> kCutAtOnce = {Kind::kInfo, Kind::kCompare, Kind::kTree, Kind::kResolveCache};
const std::set<Kind> kJson = {Kind::kInfo, Kind::kTree};
const std::set<Kind> kFiles = {Kind::kResolveCache, Kind::kCdnGet};

}  // namespace

const std::vector<Failing>& failings() {
  static const std::vector<Failing> all = {
      {"unauthorized", Fault::answer(401)},
      {"forbidden", Fault::answer(403)},
      {"gone", Fault::answer(404, "", {{"X-Error-Code", "RepoNotFound"}})},
      {"unknown", Fault::answer(404)},
      {"throttled", Fault::answer(429, "", {{"Retry-After", "1"}})},
      {"error", Fault::answer(500)},
      {"unavailable", Fault::answer(503)},
      {"proxy", Fault::html(502)},
      {"portal", Fault::html(200)},
      {"hangup", Fault::hang_up()},
      {"loop", Fault::redirect_loop()},
      {"silent", std::nullopt},
      {"cut", Fault::truncate(1), kCutAtOnce},
      {"torn", Fault::truncate(1500), {Kind::kCdnGet}},
      {"stalled", Fault::stall(0), kWithBody},
      {"half", Fault::invalid_json(), kJson},
      {"endless", Fault::endless_pages(), {Kind::kTree}},
      {"nocommit", Fault::drop_header("X-Repo-Commit"), {Kind::kResolveHead}},
      {"wrong", Fault::corrupt(1), kFiles},
      {"short", Fault::resize(-1), kFiles},
      {"expired", Fault::expired_url(), {Kind::kResolveGet}},
      {"bare", Fault::drop_header("Location"), {Kind::kResolveGet}},
  };
  return all;
}

Outcome expected(Step step, const std::string& failing) {
  const bool is_token = failing == "unauthorized" || failing == "forbidden";
  const bool is_refusal = is_token || failing == "gone";
  const bool is_throttled = failing == "throttled";
  // An answer that is none: nobody waits for it, and asking again would not help.
  static const std::set<std::string> kUseless = {"unknown", "portal", "loop", "half", "endless"};
  const bool is_useless = kUseless.contains(failing);
  const std::string refused = is_token ? "auth" : "missing";
  // The redirect of the head leads to where the commit is told.
  if (failing == "nocommit") return {step == Step::kHead ? ENOENT : 0, "ok"};
  const std::string away = is_throttled ? "throttled" : "offline";
  switch (step) {
    case Step::kMountNew:  // nothing is known, so that there is nothing to see
      return is_refusal ? Outcome{EPERM, ""} : Outcome{ENOENT, away};
    case Step::kMountKnown:  // as it was last seen
      return is_refusal ? Outcome{EPERM, ""} : Outcome{0, away};
    case Step::kHead:
      return {ENOENT, is_refusal ? refused : away};
    case Step::kCompare:  // without it everything is listed anew; who is waited for in vain is away
      return is_refusal || is_useless ? Outcome{0, "ok"} : Outcome{ENOENT, "offline"};
    case Step::kListing:
      if (is_refusal) return {ENOENT, refused};
      return {ENOENT, is_useless ? "ok" : "offline"};
    case Step::kRedirect:
      return {is_refusal ? EACCES : EIO, "ok"};
    case Step::kSmallFile:  // what is cut goes on where it was cut
      if (failing == "cut") return {0, "ok"};
      return {is_refusal ? EACCES : EIO, "ok"};
    case Step::kBytes:  // no storage can refuse
      return {failing == "torn" ? 0 : EIO, "ok"};
    case Step::kRights:  // who reads does not care, but for the quota that both have
      return is_throttled ? Outcome{ENOENT, "offline"} : Outcome{0, "ok"};
  }
  throw std::invalid_argument("no such step");
}

}  // namespace neffs::test
