// The table against a naive model of what the kernel believes, and the rules one by one.
#include "fs/node_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <system_error>

namespace neffs::test {
namespace {

using fs::Identity;
using fs::kRootNode;
using fs::LayerId;
using fs::NodeId;
using fs::NodeTable;

Identity remote_file(const std::string& content, ino_t ino = 900) {
  return {false, std::nullopt, content, ino, false};
}
Identity local_file(ino_t ino, bool linked = false) {
  return {false, LayerId{1, ino}, "", ino, linked};
}
Identity remote_directory(ino_t ino = 901) {
  return {true, std::nullopt, "", ino, false};
}
Identity local_directory(ino_t ino) {
  return {true, LayerId{1, ino}, "", ino, false};
}

int error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

TEST(NodeTable, OutdatedFilesAreLookedUpAgain) {
  NodeTable table;
  const auto lookup = [&](const char* name, const Identity& identity) {
    return table.lookup(kRootNode, name, identity);
  };
  const auto remote = lookup("remote", remote_file("one"));
  const auto waiting = lookup("waiting", remote_file("one"));
  const auto local = lookup("local", local_file(10));
  const auto folder = lookup("folder", remote_directory());
  table.outdate_files();
  EXPECT_TRUE(table.is_outdated(remote) && table.is_outdated(waiting) && table.is_outdated(local));
  EXPECT_FALSE(table.is_outdated(folder) || table.is_outdated(kRootNode));
  table.bind("waiting", LayerId{1, 11});
  EXPECT_EQ(table.layer_of(waiting), std::nullopt) << "these are other bytes";
  EXPECT_EQ(lookup("remote", remote_file("one")), remote);
  EXPECT_EQ(lookup("local", local_file(10)), local);
  EXPECT_FALSE(table.is_outdated(remote) || table.is_outdated(local));
  EXPECT_NE(lookup("waiting", local_file(11)), waiting);
}

TEST(NodeTable, AnotherIdentityIsAnotherNode) {
  NodeTable table;
  const auto lookup = [&](const Identity& identity) {
    return table.lookup(kRootNode, "f", identity);
  };
  const auto first = lookup(remote_file("one"));
  EXPECT_EQ(lookup(remote_file("one")), first);
  const auto second = lookup(remote_file("two"));
  EXPECT_NE(second, first);
  const auto local = lookup(local_file(10));
  EXPECT_NE(local, second);
  EXPECT_EQ(lookup(local_file(10)), local);
  EXPECT_NE(lookup(local_file(11)), local);
  const auto again = lookup(remote_file("two"));
  EXPECT_NE(again, second) << "ids are never used twice";
  EXPECT_NE(lookup(remote_directory()), again);
}

TEST(NodeTable, ARemoteFileKeepsItsIdWhenItsBytesArrive) {
  NodeTable table;
  const auto node = table.lookup(kRootNode, "f", remote_file("one", 77));
  table.bind("f", LayerId{1, 10});
  EXPECT_EQ(table.lookup(kRootNode, "f", local_file(10)), node);
  EXPECT_EQ(table.ino(node), 77U) << "what stat shows stays";
  table.bind("f", LayerId{1, 11});  // bound once for all
  EXPECT_NE(table.lookup(kRootNode, "f", local_file(11)), node);
  table.bind("unknown/path", LayerId{1, 12});
}

TEST(NodeTable, ADirectoryAndItsTwinAreOne) {
  NodeTable table;
  const auto node = table.lookup(kRootNode, "d", remote_directory());
  EXPECT_EQ(table.lookup(kRootNode, "d", local_directory(10)), node);
  EXPECT_EQ(table.lookup(kRootNode, "d", remote_directory()), node);
  EXPECT_EQ(table.lookup(kRootNode, "d", local_directory(10)), node);
  EXPECT_NE(table.lookup(kRootNode, "d", local_directory(11)), node);
}

TEST(NodeTable, HardLinksAreOneNode) {
  NodeTable table;
  const auto node = table.lookup(kRootNode, "a", local_file(10));
  EXPECT_EQ(table.lookup(kRootNode, "b", local_file(10, true)), node);
  table.remove(kRootNode, "a");
  EXPECT_EQ(table.path(node), "b");
  table.remove(kRootNode, "b");
  EXPECT_EQ(error_of([&] { table.path(node); }), ENOENT);
  table.forget(node, 2);
  EXPECT_EQ(error_of([&] { table.path(node); }), ESTALE);
  EXPECT_EQ(table.size(), 1U);
}

// A disk gives the number of a deleted file to the next one, also where the table did not see the
// file go.
TEST(NodeTable, AFileThatGotAUsedInodeNumberIsNotTheOldOne) {
  NodeTable table;
  const auto old = table.lookup(kRootNode, "a", local_file(10));
  EXPECT_NE(table.lookup(kRootNode, "b", local_file(10)), old);
}

fs::UniqueFd any_descriptor() {
  return fs::UniqueFd(::open("/", O_PATH | O_CLOEXEC));
}

// A name that nobody had looked up yet: who has the file open sees that it goes, too.
TEST(NodeTable, AnOpenFileIsFoundAgainByItsLastName) {
  NodeTable nodes;
  const auto file = nodes.lookup(kRootNode, "a", local_file(10, true));
  nodes.remove(kRootNode, "a");
  EXPECT_NE(nodes.lookup(kRootNode, "new", local_file(10)), file) << "nobody holds it";
  nodes.remove(kRootNode, "new");

  nodes.keep(file, any_descriptor());
  EXPECT_TRUE(nodes.kept(file));
  EXPECT_EQ(nodes.lookup(kRootNode, "b", local_file(10)), file);
  EXPECT_EQ(nodes.path(file), "b");
  EXPECT_FALSE(nodes.kept(file));
}

TEST(NodeTable, RenameAndExchangeMovePaths) {
  NodeTable table;
  const auto one = table.lookup(kRootNode, "one", local_directory(10));
  const auto two = table.lookup(kRootNode, "two", local_directory(11));
  const auto file = table.lookup(one, "f", local_file(12));
  const auto other = table.lookup(two, "g", local_file(13));
  table.rename(one, "f", two, "h");
  EXPECT_EQ(table.path(file), "two/h");
  table.exchange(two, "h", two, "g");
  EXPECT_EQ(table.path(file), "two/g");
  EXPECT_EQ(table.path(other), "two/h");
  table.exchange(kRootNode, "one", kRootNode, "two");
  EXPECT_EQ(table.path(file), "one/g");
  EXPECT_EQ(table.child_path(two, "x"), "one/x");
  table.rename(kRootNode, "one", kRootNode, "three");
  EXPECT_EQ(table.path(file), "three/g");
  EXPECT_EQ(table.child_path(kRootNode, "x"), "x");
}

TEST(NodeTable, RenameOverAFileLeavesItWithoutAName) {
  NodeTable table;
  const auto from = table.lookup(kRootNode, "a", local_file(10));
  const auto over = table.lookup(kRootNode, "b", local_file(11));
  table.rename(kRootNode, "a", kRootNode, "b");
  EXPECT_EQ(table.path(from), "b");
  EXPECT_EQ(error_of([&] { table.path(over); }), ENOENT);
  const auto linked = table.lookup(kRootNode, "c", local_file(10, true));
  EXPECT_EQ(linked, from);
  table.rename(kRootNode, "c", kRootNode, "b");  // two names of one file: the disk does nothing
  EXPECT_EQ(table.lookup(kRootNode, "c", local_file(10, true)), from);
}

TEST(NodeTable, AFolderLivesAsLongAsItsChildrenAreKnown) {
  NodeTable table;
  const auto folder = table.lookup(kRootNode, "d", remote_directory());
  const auto file = table.lookup(folder, "f", remote_file("x"));
  table.forget(folder, 1);
  EXPECT_EQ(table.path(file), "d/f");
  table.forget(file, 1);
  EXPECT_EQ(table.size(), 1U);
  table.forget(file, 1);  // late and harmless
  table.forget(999, 1);
  table.forget(kRootNode, 1);
  EXPECT_EQ(table.path(kRootNode), "");
  EXPECT_EQ(error_of([&] { table.lookup(folder, "f", remote_file("x")); }), ESTALE);
}

// What the kernel knows, written as plainly as can be: names on a disk, one node a file.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) { folders_[kRootNode] = 0; }

  void step() {
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
        return look_up();
      case 4:
        return forget_some();
      case 5:
        return move(false);
      case 6:
        return move(true);
      case 7:
        return remove();
      case 8:
        return link();
      case 9:
        return replace();
      case 10:
        return bind();
      default:
        return check_paths();
    }
  }

  void forget_everything() {
    while (!counts_.empty()) {
      const auto [id, count] = *counts_.begin();
      counts_.erase(counts_.begin());
      table_.forget(id, count);
    }
    EXPECT_EQ(table_.size(), 1U);
  }

 private:
  struct Thing {
    Identity identity;
    int links = 1;
    NodeId node = 0;  // 0: the kernel does not know it
    ino_t shown = 0;
  };
  using Name = std::pair<NodeId, std::string>;

  std::string any_name() { return std::string(1, static_cast<char>('a' + random_() % 8)); }
  NodeId any_folder() {
    auto it = folders_.begin();
    std::advance(it, static_cast<long>(random_() % folders_.size()));
    return it->first;
  }
  Name any() { return {any_folder(), any_name()}; }

  int make() {
    const bool is_remote = random_() % 2 == 0;
    Thing thing;
    thing.identity.is_directory = false;
    thing.identity.ino = ++last_ino_;
    if (is_remote)
      thing.identity.remote = std::to_string(last_ino_);
    else
      thing.identity.layer = LayerId{1, last_ino_};
    things_.push_back(thing);
    return static_cast<int>(things_.size()) - 1;
  }

  // Folders stay where they are made, so that the model needs no idea of trees.
  void look_up() {
    if (folders_.size() < 6 && random_() % 8 == 0) {
      const auto parent = any_folder();
      const auto name = "dir" + std::to_string(folders_.size());
      const auto id = table_.lookup(parent, name, local_directory(++last_ino_));
      ASSERT_TRUE(used_.insert(id).second);
      ++counts_[id];
      folders_[id] = parent;
      folder_names_[id] = {parent, name};
      return;
    }
    const auto name = any();
    if (!disk_.contains(name)) disk_[name] = make();
    auto& thing = things_[static_cast<std::size_t>(disk_[name])];
    auto identity = thing.identity;
    identity.is_linked = thing.links > 1;
    const auto id = table_.lookup(name.first, name.second, identity);
    const auto known = known_.find(name);
    const bool is_same = known != known_.end() && known->second == thing.node;
    if (thing.node != 0 && (is_same || (identity.is_linked && has_name(thing.node)))) {
      ASSERT_EQ(id, thing.node);
    } else {
      ASSERT_TRUE(used_.insert(id).second) << "an id came back";
      thing.node = id;
      thing.shown = identity.ino;
    }
    known_[name] = id;
    ++counts_[id];
    ASSERT_EQ(table_.ino(id), thing.shown);
  }

  bool has_name(NodeId id) const {
    return std::any_of(known_.begin(), known_.end(),
                       [&](const auto& pair) { return pair.second == id; });
  }

  void forget_some() {
    std::vector<NodeId> files;
    for (const auto& [id, count] : counts_)
      if (!folders_.contains(id)) files.push_back(id);
    if (files.empty()) return;
    const auto id = files[random_() % files.size()];
    const auto lookups = 1 + random_() % counts_[id];
    table_.forget(id, lookups);
    if ((counts_[id] -= lookups) != 0) return;
    counts_.erase(id);
    std::erase_if(known_, [&](const auto& pair) { return pair.second == id; });
    for (auto& thing : things_)
      if (thing.node == id) thing.node = 0;
  }

  void move(bool is_exchange) {
    const auto from = any();
    const auto to = any();
    if (!disk_.contains(from) || from == to) return;
    if (is_exchange && !disk_.contains(to)) return;
    if (disk_.contains(to) && disk_[to] == disk_[from]) return;  // the kernel never asks for it
    if (is_exchange) {
      table_.exchange(from.first, from.second, to.first, to.second);
      std::swap(disk_[from], disk_[to]);
      const auto one = take(from);
      const auto other = take(to);
      if (one) known_[to] = *one;
      if (other) known_[from] = *other;
      return;
    }
    table_.rename(from.first, from.second, to.first, to.second);
    drop_from_disk(to);
    disk_[to] = disk_[from];
    disk_.erase(from);
    const auto one = take(from);
    take(to);
    if (one) known_[to] = *one;
  }

  void remove() {
    const auto name = any();
    if (!disk_.contains(name)) return;
    table_.remove(name.first, name.second);
    drop_from_disk(name);
    take(name);
  }

  void link() {
    const auto from = any();
    const auto to = any();
    if (!disk_.contains(from) || disk_.contains(to)) return;
    auto& thing = things_[static_cast<std::size_t>(disk_[from])];
    if (!thing.identity.layer) return;
    disk_[to] = disk_[from];
    ++thing.links;
  }

  // The name gets another content behind the table's back, as when the head moves.
  void replace() {
    const auto name = any();
    if (!disk_.contains(name)) return;
    drop_from_disk(name);
    disk_[name] = make();
  }

  void bind() {
    const auto name = any();
    if (!disk_.contains(name) || !known_.contains(name)) return;
    auto& thing = things_[static_cast<std::size_t>(disk_[name])];
    if (thing.identity.layer || thing.node != known_[name]) return;
    const LayerId layer{1, ++last_ino_};
    table_.bind(table_.child_path(name.first, name.second), layer);
    thing.identity.layer = layer;
    thing.identity.remote.clear();
    thing.identity.ino = layer.ino;
  }

  void check_paths() {
    for (const auto& [name, id] : known_) {
      const auto path = table_.path(id);
      bool is_one_of_its_names = false;
      for (const auto& [other, other_id] : known_)
        is_one_of_its_names |=
            other_id == id && path == table_.child_path(other.first, other.second);
      ASSERT_TRUE(is_one_of_its_names) << path;
    }
    ASSERT_LE(table_.size(), counts_.size() + 1);
  }

  std::optional<NodeId> take(const Name& name) {
    const auto it = known_.find(name);
    if (it == known_.end()) return std::nullopt;
    const auto id = it->second;
    known_.erase(it);
    return id;
  }
  void drop_from_disk(const Name& name) {
    const auto it = disk_.find(name);
    if (it == disk_.end()) return;
    --things_[static_cast<std::size_t>(it->second)].links;
    disk_.erase(it);
  }

  std::mt19937 random_;
  NodeTable table_;
  std::vector<Thing> things_;
  std::map<Name, int> disk_;
  std::map<Name, NodeId> known_;
  std::map<NodeId, std::uint64_t> counts_;
  std::map<NodeId, NodeId> folders_;
  std::map<NodeId, Name> folder_names_;
  std::set<NodeId> used_;
  ino_t last_ino_ = 1000;
};

TEST(NodeTable, AgreesWithAPlainModel) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int step = 0; step < 2000 && !testing::Test::HasFatalFailure(); ++step) model.step();
    if (testing::Test::HasFatalFailure()) return;
    model.forget_everything();
  }
}

}  // namespace
}  // namespace neffs::test
