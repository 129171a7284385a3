// What modules are for: which of them a model has used, and which are kept for a use that is to come.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

void store_module_of_model(Database& database, const std::string& model, const std::string& module);
std::vector<std::string> load_modules_of_model(Database& database, const std::string& model);

std::vector<Pin> load_pins(Database& database);
void store_pins(Database& database, std::span<const Pin> pins);
void drop_pin(Database& database, const std::string& module);

}  // namespace neffs::index
