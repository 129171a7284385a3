#include "index/index.h"

#include <utility>

#include "index/connections.h"
#include "index/layer_files.h"
#include "index/locks.h"
#include "index/migrations.h"
#include "index/module_uses.h"
#include "index/sources.h"
#include "index/tree_cache.h"
#include "index/upload_queue.h"
#include "index/upload_rows.h"
#include "index/whiteouts.h"

namespace neffs::index {
std::unique_ptr<Index> Index::open(const std::filesystem::path& file, OpenReport& report) {
  return std::unique_ptr<Index>(
      new Index(Connections::open(std::filesystem::absolute(file), report)));
}

Index::Index(std::unique_ptr<Connections> connections) : connections_(std::move(connections)) {}

Index::~Index() = default;

std::optional<std::vector<TreeEntry>> Index::tree(const std::string& tree_id, TreeDepth depth) {
  return connections_->answer([&](Database& db) { return load_tree(db, tree_id, depth); });
}

void Index::put_tree(const std::string& tree_id, TreeDepth depth,
                     std::span<const TreeEntry> entries) {
  connections_->write([&](Database& db) { store_tree(db, tree_id, depth, entries); });
}

std::optional<SourceRecord> Index::source(const std::string& endpoint, const std::string& repo,
                                          const std::string& revision) {
  return connections_->answer(
      [&](Database& db) { return load_source(db, endpoint, repo, revision); });
}

void Index::put_source(const SourceRecord& record) {
  connections_->write([&](Database& db) { store_source(db, record); });
}

std::optional<std::string> Index::note(const std::string& name) {
  return connections_->answer([&](Database& db) { return load_note(db, name); });
}

void Index::put_note(const std::string& name, const std::optional<std::string>& value) {
  connections_->write([&](Database& db) { store_note(db, name, value); });
}

std::optional<LayerFile> Index::layer_file(const std::string& path) {
  return connections_->answer([&](Database& db) { return load_file(db, path); });
}

std::vector<LayerFile> Index::layer_files_below(const std::string& directory) {
  return connections_->answer([&](Database& db) { return load_files_below(db, directory); });
}

bool Index::intend_copy(const LayerFile& copy) {
  bool is_accepted = false;
  connections_->write([&](Database& db) { is_accepted = store_intent(db, copy); });
  return is_accepted;
}

void Index::place_copy(const std::string& path, std::uint64_t size, std::int64_t mtime_ns) {
  connections_->write([&](Database& db) { store_placement(db, path, size, mtime_ns); });
}

void Index::drop_intent(const std::string& path) {
  connections_->write([&](Database& db) { index::drop_intent(db, path); });
}

void Index::mark_ours(const std::string& path) {
  connections_->write([&](Database& db) { store_ours(db, path, upload_target_); });
}

void Index::forget_file(const std::string& path) {
  connections_->write([&](Database& db) { drop_file(db, path); });
}

void Index::foretell_move(const std::string& from, const std::string& to) {
  connections_->write([&](Database& db) { foretell_renamed(db, from, to); });
}

void Index::finish_move(const std::string& from, const std::string& to) {
  connections_->write([&](Database& db) {
    drop_renamed(db, from, to);
    if (from != to) index::drop_uploads(db, from);
  });
}

void Index::recall_move(const std::string& to, const std::vector<LayerFile>& before) {
  connections_->write([&](Database& db) { replace_files(db, to, before); });
}

void Index::exchange_files(const std::string& one, const std::string& other) {
  connections_->write([&](Database& db) {
    swap_files(db, one, other);
    index::drop_uploads(db, one);
    index::drop_uploads(db, other);
  });
}

std::vector<LayerFile> Index::intended_copies() {
  return connections_->answer([](Database& db) { return load_intended(db); });
}

LayerTotals Index::copy_totals() {
  return connections_->answer([](Database& db) { return sum_copies(db); });
}

std::vector<Whiteout> Index::whiteouts() {
  return connections_->answer([](Database& db) { return load_whiteouts(db); });
}

void Index::put_whiteout(const Whiteout& whiteout) {
  connections_->write([&](Database& db) { store_whiteout(db, whiteout); });
}

void Index::put_whiteout_over(const Whiteout& whiteout) {
  connections_->write([&](Database& db) {
    index::drop_whiteouts_below(db, whiteout.path);
    store_whiteout(db, whiteout);
  });
}

void Index::drop_whiteout(const std::string& path) {
  connections_->write([&](Database& db) { index::drop_whiteout(db, path); });
}

void Index::drop_whiteouts_below(const std::string& directory) {
  connections_->write([&](Database& db) { index::drop_whiteouts_below(db, directory); });
}

std::vector<LockRecord> Index::locks() {
  return connections_->answer([](Database& db) { return load_locks(db); });
}

void Index::put_lock(const LockRecord& lock) {
  connections_->write([&](Database& db) { store_lock(db, lock); });
}

void Index::drop_lock(const std::string& path) {
  connections_->write([&](Database& db) { index::drop_lock(db, path); });
}

void Index::add_module_of_model(const std::string& model, const std::string& module) {
  connections_->write([&](Database& db) { store_module_of_model(db, model, module); });
}

std::vector<std::string> Index::modules_of_model(const std::string& model) {
  return connections_->answer([&](Database& db) { return load_modules_of_model(db, model); });
}

std::vector<Pin> Index::pins() {
  return connections_->answer([](Database& db) { return load_pins(db); });
}

void Index::put_pins(std::span<const Pin> pins) {
  connections_->write([&](Database& db) { store_pins(db, pins); });
}

void Index::drop_pin(const std::string& module) {
  connections_->write([&](Database& db) { index::drop_pin(db, module); });
}

bool Index::is_synced() const {
  return connections_->is_synced();
}

void Index::sync() {
  connections_->sync();
}

std::optional<Glance> glance_at(const std::filesystem::path& file) {
  try {
    Database database(file, Database::Access::kRead);
    const bool is_known = database.integer("PRAGMA user_version") == newest_version(kSchema);
    if (!is_known) return std::nullopt;
    return Glance{sum_copies(database), sum_uploads(database, std::nullopt)};
  } catch (const IndexError&) {
    return std::nullopt;
  }
}

}  // namespace neffs::index
