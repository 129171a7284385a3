// The verbs of Index on uploads.
#include "index/connections.h"
#include "index/index.h"
#include "index/pushes.h"
#include "index/upload_queue.h"
#include "index/upload_rows.h"

namespace neffs::index {
namespace {

std::optional<std::int64_t> number_of(Database& db, const std::optional<UploadTarget>& target) {
  return target ? std::optional(find_target(db, *target)) : std::nullopt;
}

}  // namespace

void Index::set_upload_target(const std::optional<UploadTarget>& target) {
  upload_target_ =
      target ? connections_->changed([&](Database& db) { return keep_target(db, *target); }) : 0;
}

Queued Index::queue_upload(const std::string& path, const UploadTarget& target,
                           std::span<const SeenFile> files, std::int64_t now_s) {
  return connections_->changed(
      [&](Database& db) { return store_upload(db, path, target, files, now_s); });
}

std::vector<Upload> Index::due_uploads(const UploadTarget& target, std::int64_t now_s,
                                       const UploadLimit& limit) {
  return connections_->answer(
      [&](Database& db) { return load_due(db, find_target(db, target), now_s, limit); });
}

std::optional<std::int64_t> Index::next_due_s(const UploadTarget& target) {
  return connections_->answer(
      [&](Database& db) { return load_next_due(db, find_target(db, target)); });
}

void Index::make_due(const UploadTarget& target) {
  connections_->write([&](Database& db) { store_due(db, find_target(db, target)); });
}

std::vector<std::int64_t> Index::mark_uploading(std::span<const std::int64_t> generations,
                                                std::int64_t now_s) {
  return connections_->changed([&](Database& db) {
    std::vector<std::int64_t> uploading;
    for (const std::int64_t generation : generations)
      if (store_uploading(db, generation, now_s)) uploading.push_back(generation);
    return uploading;
  });
}

bool Index::note_hashes(std::int64_t generation, const std::string& path, const std::string& sha256,
                        const std::string& sha1) {
  return connections_->changed(
      [&](Database& db) { return store_hashes(db, generation, path, sha256, sha1); });
}

bool Index::note_mode(std::int64_t generation, const std::string& path, UploadMode mode) {
  return connections_->changed(
      [&](Database& db) { return store_mode(db, generation, path, mode); });
}

bool Index::note_uploaded(std::int64_t generation, const std::string& path) {
  return connections_->changed([&](Database& db) { return store_uploaded(db, generation, path); });
}

Push Index::begin_push(const std::string& id, const UploadTarget& target, const std::string& parent,
                       std::span<const std::int64_t> generations, std::int64_t now_s) {
  return connections_->changed([&](Database& db) {
    return store_push(db, {id, target, parent, now_s, {}}, generations);
  });
}

PushOutcome Index::finish_push(const std::string& id, const std::string& commit,
                               const std::string& source, std::int64_t now_s) {
  return connections_->changed(
      [&](Database& db) { return store_finished_push(db, id, commit, source, now_s); });
}

void Index::end_push(const std::string& id) {
  connections_->write([&](Database& db) { drop_push(db, id); });
}

std::vector<Push> Index::recover_pushes(const UploadTarget& target, std::int64_t now_s) {
  return connections_->changed([&](Database& db) { return store_recovery(db, target, now_s); });
}

void Index::put_back(std::span<const std::int64_t> generations, std::int64_t not_before_s,
                     const std::string& error, std::int64_t now_s) {
  connections_->write([&](Database& db) {
    for (const std::int64_t generation : generations)
      store_put_back(db, generation, not_before_s, error, now_s);
  });
}

void Index::fail_upload(std::int64_t generation, const std::string& error, std::int64_t now_s) {
  connections_->write([&](Database& db) { store_failed(db, generation, error, now_s); });
}

void Index::supersede_uploads(std::span<const std::int64_t> generations, const std::string& commit,
                              std::int64_t now_s) {
  connections_->write([&](Database& db) {
    for (const std::int64_t generation : generations)
      store_superseded(db, generation, commit, now_s);
  });
}

void Index::drop_uploads(const std::string& path) {
  connections_->write([&](Database& db) { index::drop_uploads(db, path); });
}

std::optional<Upload> Index::upload(const std::string& path) {
  return connections_->answer([&](Database& db) { return load_upload(db, path); });
}

std::vector<UploadEntry> Index::open_uploads(const std::optional<UploadTarget>& mine) {
  return connections_->answer([&](Database& db) { return load_open(db, number_of(db, mine)); });
}

std::vector<UploadEntry> Index::ended_uploads(std::uint64_t limit) {
  return connections_->answer([&](Database& db) { return load_ended(db, limit); });
}

UploadTotals Index::upload_totals(const std::optional<UploadTarget>& mine) {
  return connections_->answer([&](Database& db) { return sum_uploads(db, number_of(db, mine)); });
}

void Index::prune_uploads(std::uint64_t kept) {
  connections_->write([&](Database& db) { drop_pushed(db, kept); });
}

}  // namespace neffs::index
