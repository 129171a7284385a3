// The whole filesystem without FUSE: its verbs are called as the kernel would call them.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "fs/cache_fs.h"
#include "fs/fuse/errno_of.h"
#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {

// Keeps the one answer of a request.
template <typename Answer>
class Caught : public fs::Reply<Answer> {
 public:
  void ok(const Answer& answer) override {
    answer_ = answer;
    ++answers_;
  }
  void failed(std::exception_ptr error) override {
    error_ = fs::errno_of(error);
    ++answers_;
  }
  void parked(fs::WaitId id) override { wait_ = id; }

  int answers() const { return answers_; }
  // Waits for the answer; throws what the caller would get.
  Answer get() const {
    EXPECT_TRUE(eventually([&] { return answers_ > 0; })) << "no answer";
    EXPECT_EQ(answers_, 1);
    if (error_ != 0) fs::throw_errno(error_, "answered");
    return answer_;
  }
  fs::WaitId wait() const { return wait_; }

 private:
  Answer answer_{};
  int error_ = 0;
  std::atomic<fs::WaitId> wait_{0};
  std::atomic<int> answers_{0};
};

inline int errno_in(const std::function<void()>& call) {
  try {
    call();
  } catch (...) {
    return fs::errno_of(std::current_exception());
  }
  return 0;
}

inline const fs::Caller kCaller{::geteuid(), ::getegid(), 0};

// Notes what the kernel is told to forget.
class KernelNotes : public fs::KernelCache {
 public:
  void forget_names(std::vector<Name> names) override {
    for (auto& name : names) forgotten.insert(name.name);
  }
  void forget_attributes(fs::NodeId node) override { changed.insert(node); }

  std::set<std::string> forgotten;
  std::set<fs::NodeId> changed;
};

// Notes what others are told of.
class ChangeNotes : public fs::ChangeListener {
 public:
  void lock_made(const std::string& path, const fs::Caller& /*caller*/) override {
    locks.insert(path);
  }
  void changed(const std::string& path) override { changes.insert(path); }
  void moved(const std::string& from, const std::string& to) override { moves[from] = to; }

  std::set<std::string> locks;
  std::set<std::string> changes;
  std::map<std::string, std::string> moves;
};

// One life of a mount over directories and repos that outlive it.
struct Mount {
  //   second: the repo of a second source, kSecondSource
  Mount(const TempDirectory& layer_directory, const TempDirectory& state, FakeRepo& repo,
        fs::FsOptions options = {}, const fs::SourceName& source = kSource,
        FakeRepo* second = nullptr)
      : layer(layer_directory.open()),
        index(open_index(state.path())),
        askers(std::make_unique<fs::WorkerPool>("ask", 4)),
        fetchers(std::make_unique<fs::WorkerPool>("fetch", 4)),
        whiteouts(*index),
        view(source, repo, *index, *askers),
        second_askers(std::make_unique<fs::WorkerPool>("ask", 4)),
        second_view(second == nullptr ? nullptr
                                      : std::make_unique<fs::RemoteView>(kSecondSource, *second,
                                                                         *index, *second_askers)),
        sources(second == nullptr ? std::vector{&view} : std::vector{&view, second_view.get()}),
        fetcher(layer, partial_in(state), *index, *fetchers, fetch_options(),
                {[this](const std::string& path) {
                   if (before_promise) before_promise(path);
                   return !whiteouts.covers(path);
                 },
                 [this] { return whiteouts.hold(); },
                 [this](const std::string& path, fs::LayerId id, const hub::ContentId& content) {
                   nodes.bind(path, id, content.hex);
                   fs->expect_copy(path);
                   if (before_name) before_name(path);
                 }}) {
    options.names.uid = ::geteuid();
    options.names.gid = ::getegid();
    fs = std::make_unique<fs::CacheFs>(layer, *index, sources, whiteouts, fetcher, nodes,
                                       fs::CacheFs::Helpers{nullptr, &kernel, &listener}, options);
    for (auto* one : sources.views()) {
      one->on_moved([this] { fs->source_moved(); });
      one->connect();
    }
  }
  ~Mount() {
    fetcher.stop();
    askers->stop();
    second_askers->stop();
    fetchers->stop();
    fs->waits().give_up_all();
    askers.reset();
    second_askers.reset();
    fetchers.reset();
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  void settle() {
    for (int i = 0; i < 3; ++i) {
      askers->drain();
      second_askers->drain();
      fetchers->drain();
    }
  }

  fs::Entry look_up(fs::NodeId parent, const std::string& name) {
    const auto reply = std::make_shared<Caught<fs::Entry>>();
    fs->lookup(parent, name, kCaller, reply);
    return reply->get();
  }
  // Walks down as the kernel does; node 0 where a component is missing.
  fs::Entry walk(const std::string& path) {
    fs::Entry entry;
    entry.node = fs::kRootNode;
    for (std::size_t at = 0; at <= path.size() && entry.node != 0;) {
      const auto slash = std::min(path.find('/', at), path.size());
      entry = look_up(entry.node, path.substr(at, slash - at));
      at = slash + 1;
    }
    return entry;
  }
  bool sees(const std::string& path) { return walk(path).node != 0; }
  // The folder to change a name in; the kernel has looked the name up before.
  fs::NodeId parent_of(const std::string& path) {
    const std::string up(fs::parent_path(path));
    const auto parent = up.empty() ? fs::kRootNode : walk(up).node;
    if (parent != 0) look_up(parent, name_of(path));
    return parent;
  }
  static std::string name_of(const std::string& path) { return std::string(fs::base_name(path)); }

  fs::Opened open(fs::NodeId node, int flags = O_RDONLY) {
    const auto reply = std::make_shared<Caught<fs::Opened>>();
    fs->open(node, flags, kCaller, reply);
    return reply->get();
  }
  // As read(1) of the file; looks it up again where the kernel would.
  std::string read(const std::string& path) {
    for (int tries = 0;; ++tries) {
      try {
        const auto opened = open(walk(path).node);
        const auto bytes = read_fd(fs->use(opened.handle).fd());
        fs->release(opened.handle);
        return bytes;
      } catch (const std::system_error& error) {
        if (error.code().value() != ESTALE || tries > 0) throw;
      }
    }
  }
  void write(const std::string& path, const std::string& bytes) {
    const auto entry = walk(path);
    fs::HandleId handle = 0;
    if (entry.node != 0)
      handle = open(entry.node, O_WRONLY | O_TRUNC).handle;
    else
      handle =
          fs->create(parent_of(path), name_of(path), O_WRONLY | O_CREAT | O_TRUNC, 0644, kCaller)
              .opened.handle;
    const auto use = fs->use(handle);
    EXPECT_EQ(::pwrite(use.fd(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    fs->release(handle);
  }
  void make_directory(const std::string& path) {
    fs->mkdir(parent_of(path), name_of(path), 0755, kCaller);
  }
  void unlink(const std::string& path) { fs->unlink(parent_of(path), name_of(path)); }
  void rmdir(const std::string& path) { fs->rmdir(parent_of(path), name_of(path)); }
  void rename(const std::string& from, const std::string& to, unsigned flags = 0) {
    const auto reply = std::make_shared<Caught<fs::Done>>();
    fs->rename(parent_of(from), name_of(from), parent_of(to), name_of(to), flags, kCaller, reply);
    reply->get();
  }
  fs::Entry link(const std::string& from, const std::string& to) {
    const auto reply = std::make_shared<Caught<fs::Entry>>();
    fs->link(walk(from).node, parent_of(to), name_of(to), kCaller, reply);
    return reply->get();
  }
  struct stat setattr(fs::NodeId node, unsigned changes, const struct stat& wanted,
                      std::optional<fs::HandleId> handle = {}) {
    const auto reply = std::make_shared<Caught<fs::Attributes>>();
    fs->setattr(node, handle, changes, wanted, kCaller, reply);
    return reply->get().st;
  }
  // As rm -rf does it: what is listed goes, then the directory.
  void remove_all(const std::string& path) {
    for (const auto& name : list(path)) {
      const auto child = path + "/" + name;
      if (S_ISDIR(walk(child).st.st_mode))
        remove_all(child);
      else
        unlink(child);
    }
    rmdir(path);
  }
  std::set<std::string> list(const std::string& path) {
    const auto node = path.empty() ? fs::kRootNode : walk(path).node;
    const auto reply = std::make_shared<Caught<fs::HandleId>>();
    fs->opendir(node, kCaller, reply);
    const auto handle = reply->get();
    std::set<std::string> names;
    std::uint64_t offset = 0;
    while (const auto* child = fs->readdir(handle, offset++))
      EXPECT_TRUE(names.insert(child->name).second) << child->name << " twice";
    fs->releasedir(handle);
    return names;
  }
  std::string state_of(const std::string& path) const {
    const auto row = index->layer_file(path);
    if (!row) return "none";
    return row->origin == index::Origin::kOurs ? "ours" : "copy";
  }

  // By the fetching thread, while a copy has no record yet, and while it has one and no name.
  std::function<void(const std::string& path)> before_promise;
  std::function<void(const std::string& path)> before_name;
  fs::Layer layer;
  std::unique_ptr<index::Index> index;
  fs::NodeTable nodes;
  std::unique_ptr<fs::WorkerPool> askers;
  std::unique_ptr<fs::WorkerPool> fetchers;
  fs::Whiteouts whiteouts;
  fs::RemoteView view;
  std::unique_ptr<fs::WorkerPool> second_askers;
  std::unique_ptr<fs::RemoteView> second_view;
  fs::Sources sources;
  fs::Fetcher fetcher;
  KernelNotes kernel;
  ChangeNotes listener;
  std::unique_ptr<fs::CacheFs> fs;

 private:
  static fs::UniqueFd partial_in(const TempDirectory& state) {
    std::filesystem::remove_all(state / "partial");
    std::filesystem::create_directory(state / "partial");
    return fs::UniqueFd(::open((state / "partial").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  static fs::FetchOptions fetch_options() {
    fs::FetchOptions options;
    options.uid = ::geteuid();
    options.gid = ::getegid();
    return options;
  }
};

class CacheFsTest : public testing::Test {
 protected:
  CacheFsTest() : files_(module_files(kModuleA)) {
    files_["README.md"] = "hello";
    files_[kTraced + "/config.json"] = "{}";
    files_[kTraced + "/unet/model.neuron"] = "traced";
    repo_.commit(files_);
    renew();
  }

  ~CacheFsTest() override { repo_.release(); }

  void renew(const fs::FsOptions& options = {}, const fs::SourceName& source = kSource) {
    mount_.reset();
    mount_ = std::make_unique<Mount>(layer_, state_, repo_, options, source);
  }
  void fetch_all(const std::string& module) {
    for (const auto& [path, bytes] : files_)
      if (path.starts_with(module + "/")) {
        EXPECT_EQ(mount_->read(path), bytes);
      }
    mount_->settle();
  }
  bool is_local(const std::string& path) const {
    return std::filesystem::exists(std::filesystem::symlink_status(layer_ / path));
  }

  TempDirectory layer_;
  TempDirectory state_;
  FakeRepo repo_;
  FakeRepo::Files files_;
  std::unique_ptr<Mount> mount_;
  const std::string neff_ = kModuleA + "/model.neff";
  const std::string done_ = kModuleA + "/model.done";
};

}  // namespace neffs::test
