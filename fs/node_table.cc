#include "fs/node_table.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

namespace neffs::fs {
namespace {

bool same_thing(const Identity& known, const Identity& now) {
  if (known.is_directory != now.is_directory) return false;
  if (known.layer && now.layer) return *known.layer == *now.layer;
  // A remote directory and its local twin are one directory.
  if (known.is_directory) return true;
  return !known.layer && !now.layer && known.remote == now.remote;
}

}  // namespace

std::size_t NodeTable::DentryHash::operator()(const Dentry& dentry) const {
  return std::hash<std::string>()(dentry.name) ^ (dentry.parent * 0x9e3779b97f4a7c15ULL);
}

std::size_t NodeTable::LayerIdHash::operator()(const LayerId& id) const {
  return std::hash<std::uint64_t>()(id.ino) ^ (id.dev * 0x9e3779b97f4a7c15ULL);
}

NodeTable::NodeTable() {
  auto& root = nodes_[kRootNode];
  root.identity.is_directory = true;
  root.lookups = 1;
}

std::string NodeTable::path_locked(NodeId id) const {
  std::vector<const std::string*> names;
  std::size_t length = 0;
  for (NodeId at = id; at != kRootNode;) {
    const auto it = nodes_.find(at);
    if (it == nodes_.end()) throw_errno(ESTALE, "node");
    if (it->second.dentries.empty()) throw_errno(ENOENT, "node");
    const auto& dentry = it->second.dentries.front();
    names.push_back(&dentry.name);
    length += dentry.name.size() + 1;
    at = dentry.parent;
  }
  std::string path;
  path.reserve(length);
  for (auto it = names.rbegin(); it != names.rend(); ++it) {
    if (!path.empty()) path.push_back('/');
    path.append(**it);
  }
  return path;
}

std::string NodeTable::path(NodeId id) const {
  const std::lock_guard lock(mutex_);
  return path_locked(id);
}

std::string NodeTable::child_path(NodeId parent, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return join_path(path_locked(parent), name);
}

NodeId NodeTable::find_locked(const Dentry& dentry, const Identity& identity) {
  if (const auto it = dentries_.find(dentry); it != dentries_.end()) {
    const auto& known = nodes_.at(it->second);
    // Which bytes a remote-only file was waiting for cannot be told from those that are here.
    const bool may_differ = known.is_outdated && identity.layer && !known.identity.layer;
    if (!may_differ && same_thing(known.identity, identity)) return it->second;
    unlink_locked(dentry);
  }
  if (!identity.layer) return 0;
  const auto it = by_layer_.find(*identity.layer);
  if (it == by_layer_.end()) return 0;
  // A file with one name that has a known number is a new one, for disks use the numbers again; but not
  // while somebody holds the old one.
  return identity.is_linked || nodes_.at(it->second).kept ? it->second : 0;
}

NodeId NodeTable::lookup(NodeId parent, const std::string& name, const Identity& identity) {
  const std::lock_guard lock(mutex_);
  if (nodes_.find(parent) == nodes_.end()) throw_errno(ESTALE, "node");
  Dentry dentry{parent, name};
  NodeId id = find_locked(dentry, identity);
  if (id == 0) {
    id = ++last_id_;
    nodes_[id].identity = identity;
    if (identity.layer) by_layer_[*identity.layer] = id;
  }
  auto& node = nodes_.at(id);
  node.is_outdated = false;
  if (node.identity.layer != identity.layer) bind_locked(id, identity.layer);
  if (dentries_.find(dentry) == dentries_.end()) link_locked(id, std::move(dentry));
  ++node.lookups;
  return id;
}

ino_t NodeTable::ino(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? 0 : it->second.identity.ino;
}

std::string NodeTable::remote_of(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  const bool is_remote = it != nodes_.end() && !it->second.identity.layer;
  return is_remote ? it->second.identity.remote : "";
}

std::optional<LayerId> NodeTable::layer_of(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? std::nullopt : it->second.identity.layer;
}

void NodeTable::link_locked(NodeId id, Dentry dentry) {
  ++nodes_.at(dentry.parent).children;
  auto& node = nodes_.at(id);
  if (node.identity.layer) by_layer_[*node.identity.layer] = id;
  node.kept.reset();
  node.dentries.push_back(dentry);
  dentries_[std::move(dentry)] = id;
}

void NodeTable::unlink_locked(const Dentry& dentry) {
  const auto it = dentries_.find(dentry);
  if (it == dentries_.end()) return;
  const NodeId id = it->second;
  const Dentry gone = it->first;  // `dentry` may be the very one that is erased
  dentries_.erase(it);
  auto& node = nodes_.at(id);
  std::erase(node.dentries, gone);
  if (node.dentries.empty() && node.identity.layer) {
    // The disk may give the inode number to another file now.
    const auto bound = by_layer_.find(*node.identity.layer);
    if (bound != by_layer_.end() && bound->second == id) by_layer_.erase(bound);
  }
  --nodes_.at(gone.parent).children;
  drop_if_unused_locked(gone.parent);
  drop_if_unused_locked(id);
}

void NodeTable::drop_if_unused_locked(NodeId id) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end() || id == kRootNode) return;
  auto& node = it->second;
  if (node.lookups != 0 || node.children != 0) return;
  if (!node.dentries.empty()) {
    unlink_locked(Dentry(node.dentries.front()));  // comes back here when the last one is gone
    return;
  }
  if (node.identity.layer) {
    const auto bound = by_layer_.find(*node.identity.layer);
    if (bound != by_layer_.end() && bound->second == id) by_layer_.erase(bound);
  }
  nodes_.erase(it);
}

void NodeTable::forget(NodeId id, std::uint64_t lookups) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  it->second.lookups -= std::min(lookups, it->second.lookups);
  drop_if_unused_locked(id);
}

NodeId NodeTable::at_path_locked(std::string_view path) const {
  NodeId at = kRootNode;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto it = dentries_.find(Dentry{at, std::string(path.substr(0, slash))});
    if (it == dentries_.end()) return 0;
    at = it->second;
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return at;
}

NodeId NodeTable::find(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return at_path_locked(path);
}

void NodeTable::bind(const std::string& path, LayerId layer, const std::string& remote) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(at_path_locked(path));
  if (it == nodes_.end() || it->second.identity.layer || it->second.is_outdated) return;
  if (!remote.empty() && it->second.identity.remote != remote) return;
  it->second.identity.layer = layer;
  by_layer_[layer] = it->first;
}

void NodeTable::rebind(const std::string& path, LayerId layer) {
  const std::lock_guard lock(mutex_);
  const auto id = at_path_locked(path);
  if (nodes_.find(id) != nodes_.end()) bind_locked(id, layer);
}

// nullopt: of a directory whose local twin is gone; the next one is its twin as well.
void NodeTable::bind_locked(NodeId id, std::optional<LayerId> layer) {
  auto& known = nodes_.at(id).identity.layer;
  if (known) {
    const auto bound = by_layer_.find(*known);
    if (bound != by_layer_.end() && bound->second == id) by_layer_.erase(bound);
  }
  known = layer;
  if (layer) by_layer_[*layer] = id;
}

void NodeTable::keep(NodeId id, UniqueFd fd) {
  if (!fd) return;
  auto kept = std::make_shared<const UniqueFd>(std::move(fd));
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  if (it == nodes_.end() || !it->second.dentries.empty()) return;
  it->second.kept.swap(kept);
  // It may still have a name that nobody has looked up.
  if (it->second.identity.layer) by_layer_.try_emplace(*it->second.identity.layer, id);
}

std::optional<SharedFd> NodeTable::kept(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  if (it == nodes_.end() || !it->second.kept) return std::nullopt;
  return SharedFd(it->second.kept, it->second.kept->get());
}

NodeId NodeTable::remove(NodeId parent, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Dentry dentry{parent, name};
  const auto it = dentries_.find(dentry);
  const NodeId id = it == dentries_.end() ? 0 : it->second;
  unlink_locked(dentry);
  return id;
}

NodeId NodeTable::rename(NodeId from, const std::string& old_name, NodeId to,
                         const std::string& new_name) {
  const std::lock_guard lock(mutex_);
  const auto it = dentries_.find(Dentry{from, old_name});
  const NodeId moved = it == dentries_.end() ? 0 : it->second;
  const auto target = dentries_.find(Dentry{to, new_name});
  const NodeId replaced = target == dentries_.end() ? 0 : target->second;
  if (moved != 0 && replaced == moved) return 0;  // two names of one file: nothing happens
  unlink_locked(Dentry{to, new_name});
  if (moved == 0) return replaced;
  link_locked(moved, Dentry{to, new_name});  // before the old one goes, so that the node stays
  unlink_locked(Dentry{from, old_name});
  return replaced;
}

void NodeTable::exchange(NodeId from, const std::string& old_name, NodeId to,
                         const std::string& new_name) {
  const std::lock_guard lock(mutex_);
  const auto one = dentries_.find(Dentry{from, old_name});
  const auto other = dentries_.find(Dentry{to, new_name});
  const NodeId first = one == dentries_.end() ? 0 : one->second;
  const NodeId second = other == dentries_.end() ? 0 : other->second;
  if (first != 0) ++nodes_.at(first).lookups;  // keeps both alive while they have no name
  if (second != 0) ++nodes_.at(second).lookups;
  unlink_locked(Dentry{from, old_name});
  unlink_locked(Dentry{to, new_name});
  if (first != 0) link_locked(first, Dentry{to, new_name});
  if (second != 0) link_locked(second, Dentry{from, old_name});
  for (const NodeId id : {first, second})
    if (id != 0) --nodes_.at(id).lookups;
}

void NodeTable::outdate_files() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, node] : nodes_) node.is_outdated = !node.identity.is_directory;
}

NodeId NodeTable::outdate(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(at_path_locked(path));
  if (it == nodes_.end()) return 0;
  it->second.is_outdated = !it->second.identity.is_directory;
  if (it->second.identity.is_directory) bind_locked(it->first, std::nullopt);
  return it->first;
}

bool NodeTable::is_outdated(NodeId id) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(id);
  return it != nodes_.end() && it->second.is_outdated;
}

std::vector<std::pair<NodeId, std::string>> NodeTable::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<NodeId, std::string>> names;
  names.reserve(dentries_.size());
  for (const auto& [dentry, node] : dentries_) names.emplace_back(dentry.parent, dentry.name);
  return names;
}

std::size_t NodeTable::size() const {
  const std::lock_guard lock(mutex_);
  return nodes_.size();
}

}  // namespace neffs::fs
