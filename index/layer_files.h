// Where the files of the layer come from. Functions on an open database: what is one transaction is
// decided above. Index says what each verb promises.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

std::optional<LayerFile> load_file(Database& database, const std::string& path);
std::vector<LayerFile> load_files_below(Database& database, const std::string& directory);
std::vector<LayerFile> load_intended(Database& database);
LayerTotals sum_copies(Database& database);

bool store_intent(Database& database, const LayerFile& copy);
void store_placement(Database& database, const std::string& path, std::uint64_t size,
                     std::int64_t mtime_ns);
void drop_intent(Database& database, const std::string& path);
void store_ours(Database& database, const std::string& path, std::int64_t target);
void drop_file(Database& database, const std::string& path);
// All of them inside a transaction.
void foretell_renamed(Database& database, const std::string& from, const std::string& to);
void drop_renamed(Database& database, const std::string& from, const std::string& to);
void replace_files(Database& database, const std::string& directory,
                   const std::vector<LayerFile>& files);
void swap_files(Database& database, const std::string& one, const std::string& other);

}  // namespace neffs::index
