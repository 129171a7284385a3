#include "mount-helper/repo_reader.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <system_error>
#include <thread>

#include <nlohmann/json.hpp>

#include "fs/unique_fd.h"
#include "hub/file_body.h"

namespace neffs::mount_helper {
namespace {

using hub::ContentId;
using hub::EntryKind;
using hub::ListDepth;
using hub::RemoteEntry;
using nlohmann::json;

constexpr std::chrono::seconds kPatience{60};
// A compiler folder of the public repo takes hundreds of pages.
constexpr std::chrono::minutes kToList{30};
// They are small: what takes longer waits for the Hub's next window, and who asks is told so instead.
constexpr std::chrono::seconds kToRead{15};
constexpr std::size_t kThreads = 8;
constexpr std::chrono::milliseconds kBetweenLooks{100};

std::string text_of(const std::vector<RemoteEntry>& entries) {
  auto rows = json::array();
  for (const auto& entry : entries)
    rows.push_back({entry.path, entry.oid, entry.size,
                    entry.kind == EntryKind::kFile ? entry.content.text() : ""});
  return rows.dump();
}

std::vector<RemoteEntry> entries_of(const std::string& text) {
  std::vector<RemoteEntry> entries;
  for (const auto& row : json::parse(text)) {
    RemoteEntry entry{row.at(0), EntryKind::kDirectory, row.at(1), row.at(2), {}};
    if (const auto content = ContentId::parse(row.at(3).get<std::string>())) {
      entry.kind = EntryKind::kFile;
      entry.content = *content;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string read_all(int fd, std::uint64_t size) {
  hub::FileBody body(fd, 0, size);
  std::string text;
  while (text.size() < size) text += body.read(size - text.size());
  return text;
}

}  // namespace

RepoReader::RepoReader(const hub::HubClient& hub, const Source& source, ObjectCache& cache)
    : source_(source), cache_(cache), repo_(hub, source.repo, source.revision, kPatience) {
  commit_ = repo_.head();
}

std::vector<RemoteEntry> RepoReader::list(const std::string& directory, const std::string& tree,
                                          ListDepth depth) {
  // A commit's own name stands for its root; elsewhere in it, a directory has its path.
  auto key = tree.empty() ? fmt::format("commit:{}:{}", commit_, directory) : "tree:" + tree;
  key += depth == ListDepth::kEverything ? ":all" : ":one";
  const bool is_key = key.find_first_of(" \n") == std::string::npos;
  if (const auto known = is_key ? cache_.get(key) : std::nullopt) {
    try {
      return entries_of(*known);
    } catch (const json::exception&) {
      // Of another version of neffs: it is asked for.
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + kToList;
  auto entries =
      repo_.list(commit_, directory, depth, deadline).value_or(std::vector<RemoteEntry>());
  try {
    if (is_key) cache_.put(key, text_of(entries));
  } catch (const json::exception&) {
    // Names that are not UTF-8 are not kept.
  }
  return entries;
}

std::string RepoReader::fetch(const RemoteEntry& file) {
  const auto key = file.content.text();
  if (auto known = cache_.get(key)) return *std::move(known);
  const fs::UniqueFd fd(::memfd_create("neffs", MFD_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::generic_category(), "memfd_create");
  hub::DownloadRequest request;
  request.commit = commit_;
  request.path = file.path;
  request.size = file.size;
  request.content = file.content;
  request.idle_timeout = kToRead;
  repo_.download(request, fd.get());
  auto text = read_all(fd.get(), file.size);
  cache_.put(key, text);
  return text;
}

std::vector<std::string> RepoReader::read(const std::vector<RemoteEntry>& files,
                                          const std::function<void(std::size_t)>& next_read) {
  std::vector<std::string> texts(files.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::condition_variable_any ended;
  std::exception_ptr failure;  // protected by mutex, as what follows
  std::size_t running = std::min(kThreads, files.size());
  std::atomic<std::size_t> read{0};
  const auto work = [&] {
    for (auto at = next++; at < files.size(); at = next++) {
      try {
        texts[at] = fetch(files[at]);
        ++read;
      } catch (...) {
        next = files.size();
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
    }
    const std::lock_guard lock(mutex);
    --running;
    ended.notify_all();
  };
  {
    std::vector<std::jthread> threads;
    for (auto i = running; i > 0; --i) threads.emplace_back(work);
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, kBetweenLooks, [&] { return running == 0; })) {
      lock.unlock();
      next_read(read);
      lock.lock();
    }
  }
  next_read(read);
  if (failure) std::rethrow_exception(failure);
  return texts;
}

}  // namespace neffs::mount_helper
