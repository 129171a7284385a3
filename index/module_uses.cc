#include "index/module_uses.h"

namespace neffs::index {
namespace {

const std::string kAddModule = "INSERT OR IGNORE INTO model_modules (model, module) VALUES (?, ?)";
const std::string kSelectModules =
    "SELECT module FROM model_modules WHERE model = ? ORDER BY module";
const std::string kSelectPins = "SELECT module, until_s FROM pins ORDER BY module";
const std::string kReplacePin = "INSERT OR REPLACE INTO pins (module, until_s) VALUES (?, ?)";
const std::string kDeletePin = "DELETE FROM pins WHERE module = ?";

}  // namespace

void store_module_of_model(Database& database, const std::string& model,
                           const std::string& module) {
  database.run(kAddModule, {model, module});
}

std::vector<std::string> load_modules_of_model(Database& database, const std::string& model) {
  std::vector<std::string> modules;
  database.run(kSelectModules, {model}, [&](const Row& row) { modules.push_back(row.text(0)); });
  return modules;
}

std::vector<Pin> load_pins(Database& database) {
  std::vector<Pin> pins;
  database.run(kSelectPins, {}, [&](const Row& row) {
    pins.push_back({row.text(0), row.integer(1)});
  });
  return pins;
}

void store_pins(Database& database, std::span<const Pin> pins) {
  for (const auto& pin : pins) database.run(kReplacePin, {pin.module, pin.until_s});
}

void drop_pin(Database& database, const std::string& module) {
  database.run(kDeletePin, {module});
}

}  // namespace neffs::index
