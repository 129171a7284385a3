#include "tests/exercise/comparison.h"

#include <stdexcept>

#include "tests/exercise/tree.h"

namespace neffs::test {
namespace {

std::string both(const std::string& mount, const std::string& plain) {
  return "  mount: " + mount + "\n  plain: " + plain + "\n";
}

}  // namespace

Comparison::Comparison(const Scratch& scratch, std::filesystem::path mount,
                       std::filesystem::path plain, std::function<void()> remount)
    : mount_(std::move(mount)), plain_(std::move(plain)), remount_(std::move(remount)) {
  if (mount_.string().size() != plain_.string().size())
    throw std::invalid_argument("the paths differ in length");
  for (const User& user : kUsers) workers_.try_emplace(user.name, scratch, user, *this);
}

std::optional<Mismatch> Comparison::run(const std::vector<Operation>& operations) {
  for (std::size_t at = 0; at < operations.size(); ++at)
    if (std::string what = difference_in(operations[at]); !what.empty())
      return Mismatch{at, operations[at].verb, text_of(operations[at]) + '\n' + what};
  return std::nullopt;
}

std::string Comparison::difference_in(const Operation& operation) {
  if (operation.verb == "trees") return difference(tree_of(mount_), tree_of(plain_));
  if (operation.verb == "remount") {
    // Whoever could not come back would be elsewhere.
    std::string what = compare_outcomes({kUsers.front().name, "chmod", {"@", "0777"}});
    for (const User& user : kUsers) compare_outcomes({user.name, "leave", {}});
    remount_();
    for (const User& user : kUsers) what += compare_outcomes({user.name, "enter", {}});
    return what;
  }
  return compare_outcomes(operation);
}

std::string Comparison::compare_outcomes(const Operation& operation) {
  auto& [on_mount, on_plain] = workers_.at(operation.user);
  on_mount.ask(operation);
  on_plain.ask(operation);
  const std::string mount = on_mount.answer();
  const std::string plain = on_plain.answer();
  const bool is_alike = mount == plain && !mount.starts_with(kNoAnswer);
  return is_alike ? "" : both(mount, plain);
}

}  // namespace neffs::test
