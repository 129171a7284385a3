#include "tests/bench/write_rows.h"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/mounted.h"
#include "tests/bench/writing.h"

namespace neffs::test {
namespace {

namespace files = std::filesystem;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

struct Row {
  std::string what;
  Step step;
  std::string target{};
};

// One series of steps, a row each.
struct Series {
  std::vector<Row> rows;

  void print(const Places& places, int rounds) const {
    std::vector<Step> steps;
    for (const Row& row : rows) steps.push_back(row.step);
    const std::vector<Pair> pairs = measure_steps(places, rounds, steps);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].what.empty()) continue;
      fmt::print("| {} | {:.2f} | {} | {:.1f} / {:.1f} |\n", rows[i].what, pairs[i].ratio(),
                 rows[i].target, pairs[i].plain_s * 1e3, pairs[i].mount_s * 1e3);
    }
    std::fflush(stdout);
  }
};

Step at(void (*work)(const files::path&, int), int times) {
  return [=](const Place& place) { work(place.seen, times); };
}

std::vector<Series> all_series(const std::string& version, bool is_quick) {
  const int modules = is_quick ? 5 : 20;
  const int many = is_quick ? 500 : 2000;
  const int names = is_quick ? 1000 : 5000;
  const int syncs = is_quick ? 50 : 200;
  const std::size_t size = (is_quick ? 32 : 256) * kMiB;
  // as_durable: the plain directory has what a mark promises on its disk, as a mount always has
  const auto compile = [version, modules](std::size_t neff_size, bool as_durable) -> Step {
    return [=](const Place& place) {
      files::create_directory(place.seen / version);
      const bool is_plain = place.seen == place.below;
      compile_modules(place.seen / version, modules, neff_size, as_durable && is_plain);
    };
  };
  const auto modules_of = [&](const char* size_text) {
    return fmt::format("{} modules are compiled, NEFFs of {}", modules, size_text);
  };
  const auto durable = [&](const char* size_text) {
    return modules_of(size_text) + ", plain files synced before their mark as the mount's are";
  };
  return {{{{modules_of("7 MB"), compile(7 * kMiB, false), "0.85"}}},
          {{{durable("7 MB"), compile(7 * kMiB, true)}}},
          {{{modules_of("15 MB"), compile(15 * kMiB, false), "0.85"}}},
          {{{durable("15 MB"), compile(15 * kMiB, true)}}},
          {{{modules_of("64 KiB"), compile(64 * kKiB, false)}}},
          {{{fmt::format("{} appends of 4 KiB, fdatasync each", syncs),
             [=](const Place& place) { append_and_sync(place.seen / "log", syncs); }, "0.8"},
            {fmt::format("{} files of 4 KiB, fsync each", syncs), at(make_synced_files, syncs),
             "0.8"}}},
          {{{fmt::format("sequential write, {} MiB", size / kMiB),
             [=](const Place& place) { write_in_blocks(place.seen / "big", size); }}}},
          {{{fmt::format("create, write, close: {} small files", many), at(create_files, many)},
            {"stat of each", at(stat_files, many)},
            {"rename of each", at(rename_files, many)},
            {"unlink of each", at(unlink_renamed_files, many)},
            {"mkdir and rmdir", at(make_and_remove_directories, many)}}},
          {{{"", [=](const Place& place) { create_files(place.below, names); }},
            {fmt::format("ls -l of {} names, the first", names),
             [](const Place& place) { list_with_stat(place.seen); }},
            {"… the second", [](const Place& place) { list_with_stat(place.seen); }}}}};
}

// Finished modules as they lie in the cache of a host that has compiled for a while, but small.
void make_modules(const files::path& version, int modules) {
  for (int i = 0; i < modules; ++i) {
    const auto module = version / ("MODULE_" + std::to_string(i) + "+e30acd3a");
    files::create_directories(module);
    for (const char* name : {"model.hlo_module.pb", "model.neff", "model.done"})
      write_in_blocks(module / name, 1);
  }
}

}  // namespace

void WriteRows::print(const std::string& options, bool passthrough) const {
  const auto layer = root / ("written-layer-" + options);
  const auto mount = root / ("written-" + options);
  const auto plain = root / ("plain-" + options);
  files::create_directories(layer);
  files::create_directories(plain);
  const Mounted mounted(source, mount, "layer=" + layer.string() + "," + options);
  fmt::print("\n{}\n\n| against the plain directory | ratio | to reach | ms |\n|---|---|---|---|\n",
             passthrough ? "changes, passthrough" : "changes, copied by the daemon");
  for (const Series& series : all_series(version, is_quick))
    series.print({{plain, plain}, {mount, layer}}, is_quick ? 3 : 9);
}

void WriteRows::print_start() const {
  fmt::print("\n| `neffs mount` over a cache directory of | ms |\n|---|---|\n");
  for (const int modules : {10, is_quick ? 1000 : 20'000}) {
    const auto layer = root / ("modules-" + std::to_string(modules));
    make_modules(layer / version, modules);
    const double seconds =
        measure(5, [&] { Mounted(source, root / "started", "layer=" + layer.string()); });
    fmt::print("| {} modules | {:.0f} |\n", modules, seconds * 1e3);
    std::fflush(stdout);
  }
}

}  // namespace neffs::test
