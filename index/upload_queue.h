// Changes uploads. Functions on an open database, all of them inside a transaction; Index says what each
// promises.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/upload.h"

namespace neffs::index {

// The number of a target, which from now on it has.
std::int64_t keep_target(Database& database, const UploadTarget& target);

Queued store_upload(Database& database, const std::string& path, const UploadTarget& target,
                    std::span<const SeenFile> files, std::int64_t now_s);
void store_due(Database& database, std::int64_t target);
bool store_uploading(Database& database, std::int64_t generation, std::int64_t now_s);

bool store_hashes(Database& database, std::int64_t generation, const std::string& path,
                  const std::string& sha256, const std::string& sha1);
bool store_mode(Database& database, std::int64_t generation, const std::string& path,
                UploadMode mode);
bool store_uploaded(Database& database, std::int64_t generation, const std::string& path);

void store_put_back(Database& database, std::int64_t generation, std::int64_t not_before_s,
                    const std::string& error, std::int64_t now_s);
void store_failed(Database& database, std::int64_t generation, const std::string& error,
                  std::int64_t now_s);
void store_superseded(Database& database, std::int64_t generation, const std::string& commit,
                      std::int64_t now_s);
// At or below the path; "" is everything.
void drop_uploads(Database& database, const std::string& path);
void drop_pushed(Database& database, std::uint64_t kept);

}  // namespace neffs::index
