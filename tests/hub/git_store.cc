#include "tests/hub/git_store.h"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

const char* type_name(ObjectType type) {
  switch (type) {
    case ObjectType::kTree:
      return "tree";
    case ObjectType::kCommit:
      return "commit";
    case ObjectType::kBlob:
      break;
  }
  return "blob";
}

std::string with_header(ObjectType type, std::string_view bytes) {
  std::string object = std::string(type_name(type)) + ' ' + std::to_string(bytes.size());
  object += '\0';
  object += bytes;
  return object;
}

std::string deflate(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  // Level 1: most of what is stored is small or does not shrink.
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), 1) != Z_OK) {
    throw std::runtime_error("zlib cannot compress an object");
  }
  packed.resize(size);
  return packed;
}

std::string inflate_object(std::string_view packed) {
  std::string bytes(std::max<std::size_t>(packed.size() * 4, 4096), '\0');
  for (;;) {
    uLongf size = bytes.size();
    const int result = uncompress(reinterpret_cast<Bytef*>(bytes.data()), &size,
                                  reinterpret_cast<const Bytef*>(packed.data()), packed.size());
    if (result == Z_OK) {
      bytes.resize(size);
      return bytes;
    }
    if (result != Z_BUF_ERROR) throw std::runtime_error("damaged git object");
    bytes.resize(bytes.size() * 4);
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

// The rest of the line that starts with `key` and a blank, removed from the front of `text`.
std::string take_line(std::string_view& text, std::string_view key) {
  if (!text.starts_with(key)) throw std::runtime_error("damaged commit object");
  const std::size_t end = text.find('\n');
  std::string value(text.substr(key.size(), end - key.size()));
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string git_id(ObjectType type, std::string_view bytes) {
  return digest_hex(DigestKind::kSha1, with_header(type, bytes));
}

std::string tree_bytes(const Tree& tree) {
  // git compares names as if those of directories ended in a slash.
  std::map<std::string, const Tree::value_type*> ordered;
  for (const auto& item : tree) {
    ordered.emplace(item.first + (item.second.is_directory ? "/" : ""), &item);
  }
  std::string bytes;
  for (const auto& [key, item] : ordered) {
    bytes += item->second.is_directory ? "40000 " : "100644 ";
    bytes += item->first;
    bytes += '\0';
    bytes += from_hex(item->second.id);
  }
  return bytes;
}

Tree parse_tree(std::string_view bytes) {
  constexpr std::size_t kIdBytes = 20;
  Tree tree;
  while (!bytes.empty()) {
    const std::size_t blank = bytes.find(' ');
    const std::size_t end = bytes.find('\0');
    if (end == std::string_view::npos || blank > end || bytes.size() < end + 1 + kIdBytes) {
      throw std::runtime_error("damaged tree object");
    }
    tree.emplace(bytes.substr(blank + 1, end - blank - 1),
                 TreeEntry{bytes.starts_with('4'), to_hex(bytes.substr(end + 1, kIdBytes))});
    bytes.remove_prefix(end + 1 + kIdBytes);
  }
  return tree;
}

std::string commit_bytes(const Commit& commit) {
  std::ostringstream out;
  out << "tree " << commit.tree << '\n';
  for (const std::string& parent : commit.parents) out << "parent " << parent << '\n';
  const std::string who = commit.author + ' ' + std::to_string(commit.time) + " +0000\n";
  out << "author " << who << "committer " << who << '\n' << commit.message << '\n';
  return out.str();
}

Commit parse_commit(std::string_view bytes) {
  Commit commit;
  commit.tree = take_line(bytes, "tree ");
  while (bytes.starts_with("parent ")) commit.parents.push_back(take_line(bytes, "parent "));
  const std::string author = take_line(bytes, "author ");
  take_line(bytes, "committer ");
  const std::size_t mail_end = author.rfind('>');
  commit.author = author.substr(0, mail_end + 1);
  commit.time = std::stoll(author.substr(mail_end + 2));
  commit.message = bytes.substr(1);
  if (commit.message.ends_with('\n')) commit.message.pop_back();
  return commit;
}

GitStore::GitStore(std::optional<std::filesystem::path> dir) : dir_(std::move(dir)) {
  if (!dir_ || std::filesystem::exists(*dir_ / "HEAD")) return;
  for (const char* part : {"objects", "refs/heads", "refs/tags"}) {
    std::filesystem::create_directories(*dir_ / part);
  }
  write_file(*dir_ / "config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  write_file(*dir_ / "HEAD", "ref: refs/heads/main\n");
}

std::string GitStore::write(ObjectType type, std::string_view bytes) {
  const std::string object = with_header(type, bytes);
  std::string id = digest_hex(DigestKind::kSha1, object);
  if (dir_) {
    write_object(id, object);
  } else {
    objects_.emplace(id, bytes);
  }
  return id;
}

std::optional<std::string> GitStore::read(const std::string& id) const {
  if (!dir_) {
    const auto found = objects_.find(id);
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
  }
  const std::filesystem::path path = object_path(id);
  if (!std::filesystem::exists(path)) return std::nullopt;
  std::string object = inflate_object(read_file(path));
  return object.substr(object.find('\0') + 1);
}

std::map<std::string, std::string> GitStore::refs() const {
  if (!dir_) return refs_;
  std::map<std::string, std::string> refs;
  for (const auto& item : std::filesystem::recursive_directory_iterator(*dir_ / "refs")) {
    if (!item.is_regular_file()) continue;
    refs.emplace(std::filesystem::relative(item.path(), *dir_).string(),
                 read_file(item.path()).substr(0, 40));
  }
  return refs;
}

void GitStore::set_ref(const std::string& name, const std::string& id) {
  if (dir_) {
    write_file(*dir_ / name, id + "\n");
  } else {
    refs_[name] = id;
  }
}

void GitStore::delete_ref(const std::string& name) {
  if (dir_) std::filesystem::remove(*dir_ / name);
  refs_.erase(name);
}

void GitStore::write_object(const std::string& id, const std::string& object) const {
  const std::filesystem::path path = object_path(id);
  if (!std::filesystem::exists(path)) write_file(path, deflate(object));
}

std::filesystem::path GitStore::object_path(const std::string& id) const {
  return *dir_ / "objects" / id.substr(0, 2) / id.substr(2);
}

}  // namespace neffs::test
