// Makes room: removes copies that can be fetched again, whole modules, those used longest ago first.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "fs/layer.h"
#include "index/index.h"

namespace neffs::fs {

struct EvictOptions {
  std::optional<std::uint64_t> cache_size;  // bytes that copies may take; nullopt: any number
  std::optional<std::uint64_t> min_free;    // bytes of the layer's disk; nullopt: a tenth of it

  friend bool operator==(const EvictOptions&, const EvictOptions&) = default;
};

// What is removed together: a module, or a single file outside of modules.
struct EvictionUnit {
  std::string path;
  std::uint64_t bytes = 0;   // as the index has them: also those of files that are gone
  std::int64_t used_ns = 0;  // Unix time of the last use of any of its files; 0: all are gone

  friend bool operator==(const EvictionUnit&, const EvictionUnit&) = default;
};

// The copies of the layer at or below `path` ("" for all), used longest ago first. Throws IndexError.
std::vector<EvictionUnit> copies_by_use(const Layer& layer, index::Index& index,
                                        const std::string& path);

// One thread, "neffs-evict", nice. Safe for any thread.
class Evictor {
 public:
  // Both may wait for the Hub, but not longer than some seconds, and end soon after they are to stop.
  struct Helpers {
    // Finds out which sources answer now.
    std::function<void(const std::stop_token&)> ask_sources;
    // Removes the copies of a unit that nobody uses and that their source still has; returns their
    // bytes, 0 if they have to stay. What it throws is of that unit alone.
    std::function<std::uint64_t(const std::string& unit, const std::stop_token&)> evict;
    // It is kept for a use that is to come.
    std::function<bool(const std::string& unit)> is_pinned;
  };

  // All of them outlive this.
  Evictor(const Layer& layer, index::Index& index, EvictOptions options, Helpers helpers);
  ~Evictor() { stop(); }
  Evictor(const Evictor&) = delete;
  Evictor& operator=(const Evictor&) = delete;

  // At most once; stop() after it.
  void start();
  void stop();

  // What somebody asks for by hand; one at a time, a later one takes the place of one that has not begun.
  struct Order {
    std::optional<std::uint64_t> to;  // so many bytes of copies may stay; nullopt: none of `paths`
    std::vector<std::string> paths;   // with `to`: empty; also pinned ones
  };
  // Throws std::runtime_error if this was not started.
  void evict(Order order);

  struct Status {
    bool is_busy = false;       // with an order, or about to begin one
    std::uint64_t modules = 0;  // by the last order
    std::uint64_t bytes = 0;
    std::uint64_t kept = 0;  // of those that were asked for: in use, or not to be had again
  };
  Status status() const;
  EvictOptions options() const;
  // From now on; looked at soon.
  void set_options(EvictOptions options);

  // Somebody has no room for so many bytes: copies go, those used longest ago first, whatever the options
  // are, and pinned ones last: who needs room now comes before who may come. Waits for that, some seconds
  // at most; false if nothing went. Any thread.
  bool make_room_for(std::uint64_t bytes);

  // Once, and now, unless the last time was in vain a moment ago. What was used in the last two minutes
  // stays: it would only be fetched again. Of one thread at a time. Throws IndexError, std::system_error.
  void make_room();

 private:
  void run();
  std::optional<Order> wait();
  void help_who_lacks_room();
  void follow(const Order& order);
  std::uint64_t excess() const;
  Status remove(const std::vector<EvictionUnit>& units, std::uint64_t bytes);
  std::uint64_t evict(const EvictionUnit& unit);

  const Layer& layer_;
  index::Index& index_;
  const Helpers helpers_;
  std::stop_source stop_;
  std::chrono::steady_clock::time_point tired_{};  // of make_room(): until then nothing is tried

  mutable std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable_any wake_;
  EvictOptions options_;
  bool is_changed_ = false;  // options_, since room was made
  bool is_started_ = false;
  std::optional<Order> order_;
  Status status_;
  std::uint64_t lacking_ = 0;         // bytes that somebody has no room for; 0: nobody
  std::uint64_t rounds_ = 0;          // of help that have ended
  std::uint64_t freed_by_round_ = 0;  // by the last of them

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::fs
