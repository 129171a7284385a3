// What the tests of uploads share: targets, modules with their files, and the way of one to its push.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/unit/index/index_kit.h"

namespace neffs::test {

inline const index::UploadTarget kLab{"https://hub.example", "lab/cache", "main"};
inline const index::UploadTarget kOther{"https://hub.example", "other/cache", "main"};
inline const std::string kSource = "https://hub.example/lab/cache@main";
inline const std::string kModule = "neuronxcc-2.20/MODULE_1+abcdef01";
inline const std::string kNeff = kModule + "/model.neff";
inline const std::string kDone = kModule + "/model.done";
inline constexpr std::int64_t kNow = 1'790'000'000;
inline constexpr index::UploadLimit kNoLimit{1000, 1ULL << 50};

// A NEFF and its mark; another version is another NEFF.
inline std::vector<index::SeenFile> sample_files(const std::string& module, int version = 1) {
  return {{module + "/model.done", {0, 5, 5, 10}},
          {module + "/model.neff", {1000, 5 + version, 6 + version, 11}}};
}

inline index::Queued queue(index::Index& index, const std::string& module, int version = 1,
                           const index::UploadTarget& target = kLab) {
  return index.queue_upload(module, target, sample_files(module, version), kNow);
}

inline std::string sha256_of(const std::string& tag) {
  return "sha256:" + tag;
}
inline std::string sha1_of(const std::string& tag) {
  return "sha1:" + tag;
}

inline void note_everything(index::Index& index, const std::string& module) {
  const auto upload = index.upload(module);
  ASSERT_TRUE(upload);
  for (const auto& file : upload->files) {
    const bool is_large = file.snapshot.size > 0;
    ASSERT_TRUE(index.note_hashes(upload->entry.generation, file.path, sha256_of(file.path),
                                  sha1_of(file.path)));
    ASSERT_TRUE(index.note_mode(upload->entry.generation, file.path,
                                is_large ? index::UploadMode::kLfs : index::UploadMode::kRegular));
  }
}

// Queued, known and uploading; returns the generation.
inline std::int64_t prepare(index::Index& index, const std::string& module, int version = 1,
                            const index::UploadTarget& target = kLab) {
  const std::int64_t generation = queue(index, module, version, target).generation;
  note_everything(index, module);
  index.mark_uploading(std::vector{generation}, kNow);
  return generation;
}

inline index::Push begin(index::Index& index, const std::vector<std::int64_t>& generations,
                         const std::string& id = "push") {
  return index.begin_push(id, kLab, "parent", generations, kNow);
}

inline constexpr std::array<const char*, 5> kStoredStates{"queued", "uploading", "pushed",
                                                          "superseded", "failed"};

// Brings kModule into that state; returns its generation.
inline std::int64_t reach(index::Index& index, const std::string& state) {
  const std::vector generations{prepare(index, kModule)};
  if (state == "queued") index.put_back(generations, 0, "", kNow);
  if (state == "pushed") {
    begin(index, generations);
    index.finish_push("push", "commit", kSource, kNow);
  }
  if (state == "superseded") index.supersede_uploads(generations, "commit", kNow);
  if (state == "failed") index.fail_upload(generations.front(), "error", kNow);
  return generations.front();
}

inline std::string name_of(index::UploadState state) {
  switch (state) {
    case index::UploadState::kQueued:
      return "queued";
    case index::UploadState::kUploading:
      return "uploading";
    case index::UploadState::kPushed:
      return "pushed";
    case index::UploadState::kSuperseded:
      return "superseded";
    case index::UploadState::kFailed:
      return "failed";
    case index::UploadState::kHeld:
      return "held";
  }
  return "?";
}

inline std::string state_of_upload(index::Index& index, const std::string& path = kModule) {
  const auto upload = index.upload(path);
  return upload ? name_of(upload->entry.state) : "absent";
}

template <typename Entries>
std::vector<std::string> paths_of_entries(const Entries& entries) {
  std::vector<std::string> paths;
  for (const auto& entry : entries) paths.push_back(entry.path);
  return paths;
}

}  // namespace neffs::test
