// Brings files from a source: once for however many readers, verified before the first byte is readable.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fs/fetch_order.h"
#include "fs/layer.h"
#include "fs/placer.h"
#include "fs/worker_pool.h"
#include "index/index.h"

namespace neffs::fs {

struct FetchCounters {
  std::atomic<std::uint64_t> fetched{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::uint64_t> in_flight{0};
};

// Safe for any thread.
class Fetcher {
 public:
  using Done = std::function<void(std::shared_ptr<const FetchedFile>, std::exception_ptr)>;

  // All of them outlive the fetcher, but for the pool: it ends between stop() and the destructor.
  //   partial: an empty directory on the layer's filesystem for files that have no name yet
  Fetcher(const Layer& layer, UniqueFd partial, index::Index& index, WorkerPool& pool,
          FetchOptions options, NamingRules rules);
  ~Fetcher() { stop(); }
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Makes room for so many bytes, and waits for that; false if it could not. Asked once for a download
  // that found none. Set before the first fetch.
  void on_full(std::function<bool(std::uint64_t)> make_room) { make_room_ = std::move(make_room); }
  // `done` is called once, by any thread, with the file or with what went wrong.
  void fetch(FetchOrder order, Urgency urgency, Done done);
  // A file of the module, or this file, is on its way here.
  bool is_fetching(const std::string& path) const;
  // Of the downloads that begin from now on.
  void set_idle_timeout(std::chrono::milliseconds timeout) { idle_timeout_ = timeout; }
  // No download goes on after this; parked callers get kCancelled.
  void stop();

  const FetchCounters& counters() const { return counters_; }

  // Where the files go that were fetched.
  Placer& placer() { return placer_; }

 private:
  struct Flight {
    FetchOrder order;
    bool started = false;
    std::vector<Done> waiting;
  };

  void run(const std::string& key);
  std::shared_ptr<const FetchedFile> already_there(const FetchOrder& order) const;
  StagedFile download(const FetchOrder& order);
  StagedFile download_with_room(const FetchOrder& order);
  void finish(const std::string& key, const std::shared_ptr<const FetchedFile>& file,
              const std::exception_ptr& error);

  const Layer& layer_;
  index::Index& index_;
  WorkerPool& pool_;
  const FetchOptions options_;
  std::atomic<std::chrono::milliseconds> idle_timeout_;
  std::function<bool(std::uint64_t)> make_room_;
  Placer placer_;
  FetchCounters counters_;
  std::stop_source stop_;

  mutable std::mutex mutex_;               // a leaf; protects everything below
  std::map<std::string, Flight> flights_;  // by path and content
};

}  // namespace neffs::fs
