// Many threads compile and compile again, while one publishes and one looks on: in the end everything is
// pushed as it was last.
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::Origin;

constexpr int kCompilers = 30;
constexpr int kModules = 4;
constexpr int kVersions = 3;
constexpr std::uint64_t kAll = std::uint64_t{kCompilers} * kModules;

std::string module_of(int thread, int number) {
  return fmt::format("t{:02}/MODULE_{}", thread, number);
}

// The content of a file that has these times.
std::string content_of(const index::SeenFile& file) {
  return sha256_of(fmt::format("{}@{}", file.path, file.snapshot.mtime_ns));
}

void compile(Index& index, int thread) {
  for (int version = 1; version <= kVersions; ++version)
    for (int number = 0; number < kModules; ++number) {
      const auto module = module_of(thread, number);
      for (const auto& file : sample_files(module, version)) index.mark_ours(file.path);
      ASSERT_NE(queue(index, module, version).change, index::Queued::Change::kUnchanged);
    }
}

// Everything of one batch; what is changed under its hands is for the next.
void publish_once(Index& index, int push) {
  std::vector<std::int64_t> generations;
  for (const auto& upload : index.due_uploads(kLab, kNow, {20, 1 << 20})) {
    const auto generation = upload.entry.generation;
    for (const auto& file : upload.files) {
      index.note_hashes(generation, file.path, content_of({file.path, file.snapshot}), "sha1:");
      index.note_mode(generation, file.path, index::UploadMode::kLfs);
    }
    generations.push_back(generation);
  }
  generations = index.mark_uploading(generations, kNow);
  const auto id = std::to_string(push);
  begin(index, generations, id);
  index.finish_push(id, "commit " + id, kSource, kNow);
  index.put_back(generations, 0, "", kNow);  // those that were written to
}

void look_on(Index& index, const std::atomic<bool>& is_over) {
  while (!is_over) {
    const auto totals = index.upload_totals(kLab);
    ASSERT_LE(totals.queued.uploads + totals.uploading.uploads + totals.pushed.uploads, kAll);
    for (const auto& upload : index.due_uploads(kLab, kNow, kNoLimit))
      ASSERT_EQ(upload.files.size(), 2U) << "an upload is read whole";
  }
}

TEST_F(IndexTest, WhatManyCompileIsPushedAsItWasLast) {
  const auto index = open();
  index->set_upload_target(kLab);
  std::atomic<bool> is_compiled = false;
  std::atomic<bool> is_over = false;
  std::vector<std::thread> compilers;
  for (int thread = 0; thread < kCompilers; ++thread)
    compilers.emplace_back([&index, thread] { compile(*index, thread); });
  std::thread onlooker([&] { look_on(*index, is_over); });
  std::thread publisher([&] {
    for (int push = 0; !is_compiled || index->next_due_s(kLab); ++push) publish_once(*index, push);
  });
  for (auto& compiler : compilers) compiler.join();
  is_compiled = true;
  publisher.join();
  is_over = true;
  onlooker.join();

  EXPECT_EQ(index->upload_totals(kLab).pushed.uploads, kAll);
  for (int thread = 0; thread < kCompilers; ++thread)
    for (int number = 0; number < kModules; ++number)
      for (const auto& file : sample_files(module_of(thread, number), kVersions)) {
        const auto record = index->layer_file(file.path);
        ASSERT_TRUE(record) << file.path;
        EXPECT_EQ(record->origin, Origin::kCopy) << file.path;
        EXPECT_EQ(record->content, content_of(file));
      }
}

}  // namespace
}  // namespace neffs::test
