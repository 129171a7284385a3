// The environment variables of the user a program acts for, which under sudo are not its own.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace neffs::hub {

class Environment {
 public:
  using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

  // lookup: may be called by any thread; nullopt for a name that is not set.
  explicit Environment(Lookup lookup) : lookup_(std::move(lookup)) {}

  // The variables of this process.
  static Environment of_process();

  // The value; nullopt if the variable is not set or is empty, which the Hub's clients treat alike.
  std::optional<std::string> get(const std::string& name) const;
  // True for 1, ON, YES and TRUE in any case, as the Hub's clients read it.
  bool is_true(const std::string& name) const;
  // `text` with a leading ~ and every $NAME or ${NAME} replaced; unknown names are left as they are.
  std::string expand(const std::string& text) const;

 private:
  Lookup lookup_;
};

}  // namespace neffs::hub
