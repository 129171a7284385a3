// The figures of the README: neffs-bench [--quick] [--sources|--changes] [DIRECTORY] prints Markdown tables of
// what it measured on the disk of DIRECTORY (/var/tmp by default); with --sources those of many sources
// alone, with --changes those of what is changed by passthrough. Needs root and /dev/fuse.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/many_sources.h"
#include "tests/bench/measure.h"
#include "tests/bench/mounted.h"
#include "tests/bench/write_rows.h"
#include "tests/hub/sample_repo.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {
namespace {

namespace files = std::filesystem;
using std::chrono::milliseconds;

constexpr const char* kVersion = "neuronxcc-2.21.33363.0+82129205";
constexpr const char* kRepo = "team/cache";
constexpr milliseconds kRoundTrip{20};

void write_random(const files::path& path, std::size_t size) {
  std::ofstream file(path, std::ios::binary);
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> block(1U << 17);
  for (std::size_t done = 0; done < size; done += block.size() * 8) {
    for (auto& word : block) word = random();
    file.write(reinterpret_cast<const char*>(block.data()),
               static_cast<std::streamsize>(block.size() * 8));
  }
}

struct Bench {
  files::path root;
  int rounds;
  std::size_t size;
  int calls;

  void row(const std::string& what, const Pair& pair, const std::string& target) const {
    fmt::print("| {} | {:.2f} | {} |\n", what, pair.ratio(), target);
    std::fflush(stdout);
  }

  void data_path(const std::string& title, const std::string& options, bool passthrough) const {
    // The layer lies beside the mount, so that both sides read the very same file.
    const auto plain_dir = root / ("layer-" + options);
    const auto mount_dir = root / ("mount-" + options);
    files::create_directories(plain_dir);
    write_random(plain_dir / "big", size);
    const auto plain = (plain_dir / "big").string();
    const auto mount = (mount_dir / "big").string();
    const Mounted mounted(kRepo, mount_dir, "layer=" + plain_dir.string() + "," + options);
    const auto both = [&](auto what) {
      return measure(
          rounds, [&] { what(plain); }, [&] { what(mount); });
    };
    fmt::print("\n{}\n\n| against the plain directory | ratio | to reach |\n|---|---|---|\n",
               title);
    row("sequential read, warm", both(read_whole), passthrough ? "0.97" : "0.65");
    row("mmap scan, warm", both(scan_mapped), passthrough ? "0.97" : "");
    row("random 4 KiB reads", both([&](const auto& p) { read_at_random(p, calls); }),
        passthrough ? "0.97" : "");
    row("stat", both([&](const auto& p) { stat_often(p, calls); }), "0.8");
    row("stat of an absent name", both([&](const auto& p) { stat_absent(p + "-absent", calls); }),
        "0.7");
    const double one = measure(rounds, [&] { open_read_close(mount, calls / 4); });
    const double four = measure(rounds, [&] { open_read_close_threads(mount, calls / 4, 4); });
    fmt::print("| open + read + close, a second, 1 thread | {:.0f} | 40000 |\n", calls / 4 / one);
    fmt::print("| open + read + close, a second, 4 threads | {:.0f} | |\n", calls / 4 / four);
  }
};

// From `neffs mount` to the first module's bytes, with 20 ms between a question and its answer.
void cold_start(TestHub& hub, const files::path& root) {
  const std::string module = std::string(kVersion) + "/MODULE_18108742649528384371+e30acd3a";
  hub.repo(kRepo).commit({{module + "/model.hlo_module.pb", std::string(20'000, 'h')},
                          {module + "/compile_flags.json", "[\"--target=trn1\"]"},
                          {module + "/model.neff", generated_content(3, 2'000'000)},
                          {module + "/model.done", ""}});
  hub.set_latency(kRoundTrip);
  const auto at = root / "cold";
  hub.traffic().reset();
  const auto start = std::chrono::steady_clock::now();
  const Mounted mounted(kRepo, at, "hub_timeout=10");
  const auto mounted_at = std::chrono::steady_clock::now();
  const auto path = (at / module / "model.neff").string();
  read_whole(path);
  const auto end = std::chrono::steady_clock::now();
  hub.set_latency(milliseconds(0));
  const auto trips = [](auto time) {
    return std::chrono::duration<double>(time).count() /
           std::chrono::duration<double>(kRoundTrip).count();
  };
  fmt::print(
      "\nCold start, {} ms round trip: `neffs mount` took {:.1f} round trips, the first read "
      "of a 2 MB NEFF after it {:.1f}\n(of these the transfer itself: its 302 and its "
      "answer).\n",
      kRoundTrip.count(), trips(mounted_at - start), trips(end - mounted_at));
}

enum class Part { kAll, kSources, kChanges };

void run(const files::path& disk, bool quick, Part part) {
  TestHub hub;
  hub.create_repo(kRepo).commit({{"README.md", "a cache\n"}});
  ::setenv("HF_ENDPOINT", hub.endpoint().c_str(), 1);
  ::unsetenv("HF_TOKEN");
  std::string name = disk / "neffs-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  const files::path root = name;
  const WriteRows writes{root, kRepo, kVersion, quick};
  if (part != Part::kAll) {
    if (part == Part::kSources)
      print_many_sources(hub, root, kVersion, quick);
    else
      writes.print("passthrough=auto", true);
    files::remove_all(root);
    return;
  }
  const Bench bench{root, quick ? 5 : 21, std::size_t{quick ? 64U : 512U} << 20,
                    quick ? 20'000 : 80'000};
  bench.data_path("passthrough", "passthrough=auto", true);
  bench.data_path("copied by the daemon", "passthrough=off", false);
  writes.print("passthrough=auto", true);
  writes.print("passthrough=off", false);
  writes.print_start();
  cold_start(hub, root);
  print_many_sources(hub, root, kVersion, quick);
  files::remove_all(root);
}

}  // namespace
}  // namespace neffs::test

int main(int argc, char** argv) {
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    const bool quick = std::erase(words, "--quick") > 0;
    using neffs::test::Part;
    const bool only_sources = std::erase(words, "--sources") > 0;
    const bool only_changes = std::erase(words, "--changes") > 0;
    const auto one = only_sources ? Part::kSources : Part::kChanges;
    neffs::test::run(words.empty() ? "/var/tmp" : words[0], quick,
                     only_sources || only_changes ? one : Part::kAll);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "neffs-bench: {}\n", error.what());
    return 1;
  }
}
