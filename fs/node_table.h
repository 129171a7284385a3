// Which number the kernel knows each name by.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/layer.h"

namespace neffs::fs {

using NodeId = std::uint64_t;
inline constexpr NodeId kRootNode = 1;

// What a name stands for. Two lookups of a name give the same node as long as these agree, so that
// the content under one node id never changes behind the kernel's back.
struct Identity {
  bool is_directory = false;
  std::optional<LayerId> layer;  // where the bytes are here; a remote-only name has none
  std::string remote;            // content id of a remote-only file, "" otherwise
  ino_t ino = 0;                 // what stat shows, for as long as the node lives
  bool is_linked = false;        // the layer's file has several names
};

// All nodes that the kernel knows, with their lookup counts and dentries. Ids are never used twice
// in the life of a mount. Safe for any thread; one mutex, a leaf, held for map operations only.
class NodeTable {
 public:
  NodeTable();

  // The path of a node, relative to the root; of a hard-linked file, one of its paths.
  // Throws ESTALE for an id that is not known, ENOENT if all of its names are gone.
  std::string path(NodeId id) const;
  // path(parent)/name
  std::string child_path(NodeId parent, std::string_view name) const;

  // The content id that a remote-only file stands for; "" once its bytes are here, and for all else.
  std::string remote_of(NodeId id) const;
  // Where the node's bytes are here, as far as it is known.
  std::optional<LayerId> layer_of(NodeId id) const;

  // What a name stands for may be other bytes from now on: every file is outdated until it has been
  // looked up again, which gives the same node if it is the same file.
  void outdate_files();
  // Of one name whose bytes here are gone: a file, or the local twin of a remote directory. Returns its
  // node, 0 if the kernel does not know it.
  NodeId outdate(const std::string& path);
  bool is_outdated(NodeId id) const;

  // The node that the kernel knows a path by, 0 if it knows none.
  NodeId find(const std::string& path) const;

  // The kernel is told of (parent, name): finds or makes its node and counts one lookup.
  NodeId lookup(NodeId parent, const std::string& name, const Identity& identity);
  void forget(NodeId id, std::uint64_t lookups);

  // The inode number that stat shows for a known node: the one of its first lookup, although a
  // fetched file has another one on the layer's disk.
  ino_t ino(NodeId id) const;

  // The remote-only file at `path`, where the kernel knows it, is about to get these bytes.
  //   remote: their content id; nothing happens to a node that stands for another one
  void bind(const std::string& path, LayerId layer, const std::string& remote = "");
  // The same for a file that was made in its place, whatever was about to be there.
  void rebind(const std::string& path, LayerId layer);
  // The node has lost its last name, but a process may still hold it: its attributes are reached by
  // this descriptor (O_PATH) until the kernel forgets it. Nothing happens if it has a name.
  void keep(NodeId id, UniqueFd fd);
  std::optional<SharedFd> kept(NodeId id) const;

  // The name is gone; open handles of the node go on. Returns the node that lost it, 0 if none did.
  NodeId remove(NodeId parent, const std::string& name);
  // Returns the node whose name was taken over, 0 if there was none.
  NodeId rename(NodeId from, const std::string& old_name, NodeId to, const std::string& new_name);
  void exchange(NodeId from, const std::string& old_name, NodeId to, const std::string& new_name);

  // Every name that the kernel knows, with the node of its folder.
  std::vector<std::pair<NodeId, std::string>> names() const;

  std::size_t size() const;

 private:
  struct Dentry {
    NodeId parent = 0;
    std::string name;
    friend bool operator==(const Dentry&, const Dentry&) = default;
  };
  struct DentryHash {
    std::size_t operator()(const Dentry& dentry) const;
  };
  struct LayerIdHash {
    std::size_t operator()(const LayerId& id) const;
  };
  struct Node {
    Identity identity;
    std::uint64_t lookups = 0;
    std::uint64_t children = 0;  // nodes that name this one as their parent keep it alive
    std::vector<Dentry> dentries;
    std::shared_ptr<const UniqueFd> kept;  // where there is no dentry
    bool is_outdated = false;
  };

  std::string path_locked(NodeId id) const;
  NodeId find_locked(const Dentry& dentry, const Identity& identity);
  void link_locked(NodeId id, Dentry dentry);
  void unlink_locked(const Dentry& dentry);
  void bind_locked(NodeId id, std::optional<LayerId> layer);
  void drop_if_unused_locked(NodeId id);
  NodeId at_path_locked(std::string_view path) const;

  mutable std::mutex mutex_;
  std::unordered_map<NodeId, Node> nodes_;
  std::unordered_map<Dentry, NodeId, DentryHash> dentries_;
  std::unordered_map<LayerId, NodeId, LayerIdHash> by_layer_;
  NodeId last_id_ = kRootNode;
};

}  // namespace neffs::fs
