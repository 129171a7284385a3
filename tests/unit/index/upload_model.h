// The queue as one would write it without a database: maps, and the rules of index.h said once more.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/index.h"

namespace neffs::test {

class UploadModel {
 public:
  struct File {
    index::UploadFile file;
    std::string uploaded;  // sha256
  };
  struct Upload {
    index::UploadEntry entry;
    std::map<std::string, File> files;
    int ended = 0;
  };
  using Generations = std::vector<std::int64_t>;
  using State = index::UploadState;

  void set_upload_target(const std::optional<index::UploadTarget>& target) {
    mine_ = target ? number_of(*target) : 0;
  }

  void mark_ours(const std::string& path) {
    auto& record = records[path];
    const auto before = record.origin == index::Origin::kOurs ? record.target : 0;
    record = ours(path, before != 0 ? before : mine_);
  }

  index::Queued queue_upload(const std::string& path, const index::UploadTarget& target,
                             const std::vector<index::SeenFile>& seen, std::int64_t now_s) {
    const auto wanted = number_of(target);
    auto owner = wanted;
    bool is_written = false;
    for (const auto& file : seen) {
      const auto record = records.find(file.path);
      const bool has = record != records.end();
      if (has && record->second.origin == index::Origin::kCopy) continue;
      is_written = is_written || !has || !record->second.is_queued;
      if (has && record->second.target != 0 && record->second.target != wanted)
        owner = record->second.target;
    }
    const auto found = uploads.find(path);
    const Upload before = found == uploads.end() ? Upload() : found->second;
    const bool is_same_target =
        found != uploads.end() && before.entry.target == targets_[owner - 1];
    if (is_same_target && !is_written && has_same_files(before, seen))
      return {index::Queued::Change::kUnchanged, before.entry.generation, owner != wanted};

    Upload upload;
    upload.entry.path = path;
    upload.entry.generation = ++last_generation;
    upload.entry.target = targets_[owner - 1];
    upload.entry.files = seen.size();
    upload.entry.updated_s = now_s;
    if (is_same_target) upload.entry.commit = before.entry.commit;
    for (const auto& file : seen) {
      upload.entry.bytes += file.snapshot.size;
      upload.files[file.path] = carried(before, file, is_same_target);
      auto& record = records[file.path];
      if (!record.path.empty() && record.origin == index::Origin::kCopy) continue;
      record = ours(file.path, record.target != 0 ? record.target : owner);
      record.is_queued = true;
    }
    uploads[path] = upload;
    return {found == uploads.end() || before.entry.generation == 0 ? index::Queued::Change::kNew
                                                                   : index::Queued::Change::kAnew,
            upload.entry.generation, owner != wanted};
  }

  void note(std::int64_t generation, const std::string& path,
            const std::function<void(File&)>& change) {
    auto* const upload = find(generation);
    if (upload == nullptr || upload->ended != 0) return;
    const auto file = upload->files.find(path);
    if (file == upload->files.end()) return;
    change(file->second);
    auto& now = file->second;
    now.file.is_uploaded = !now.uploaded.empty() && now.uploaded == now.file.sha256;
  }

  // Where it is in one of the states `from`.
  void change(const Generations& generations, const std::vector<State>& from,
              const std::function<void(Upload&)>& change) {
    for (const auto generation : generations) {
      auto* const upload = find(generation);
      if (upload == nullptr ||
          std::find(from.begin(), from.end(), upload->entry.state) == from.end())
        continue;
      change(*upload);
    }
  }

  void end(Upload& upload, State state, const std::string& commit, std::int64_t now_s) {
    int last = 0;
    for (const auto& [path, other] : uploads) last = std::max(last, other.ended);
    upload.ended = last + 1;
    upload.entry.state = state;
    upload.entry.error.clear();
    upload.entry.commit = commit;
    upload.entry.updated_s = now_s;
  }

  void begin_push(const std::string& id, const index::UploadTarget& target,
                  const Generations& generations, std::int64_t now_s) {
    number_of(target);
    std::erase_if(pushes, [&](const auto& push) { return push.id == id; });
    index::Push push{id, target, "parent", now_s, {}};
    for (const auto& [path, upload] : uploads) {
      const auto& entry = upload.entry;
      if (std::count(generations.begin(), generations.end(), entry.generation) == 0 ||
          entry.state != State::kUploading || entry.target != target)
        continue;
      index::PushedUpload pushed{path, entry.generation, {}};
      for (const auto& [name, file] : upload.files)
        pushed.files.push_back({name, file.file.content()});
      if (std::all_of(pushed.files.begin(), pushed.files.end(),
                      [](const auto& file) { return !file.content.empty(); }))
        push.uploads.push_back(pushed);
    }
    if (!push.uploads.empty()) pushes.push_back(push);
  }

  void finish_push(const std::string& id, const std::string& commit, const std::string& source,
                   std::int64_t now_s) {
    for (const auto& push : pushes) {
      if (push.id != id) continue;
      for (const auto& pushed : push.uploads) finish(push, pushed, commit, source, now_s);
    }
    end_push(id);
  }

  void end_push(const std::string& id) {
    std::erase_if(pushes, [&](const auto& push) { return push.id == id; });
  }

  std::vector<index::Push> recover_pushes(const index::UploadTarget& target, std::int64_t now_s) {
    number_of(target);
    std::vector<index::Push> mine;
    std::copy_if(pushes.begin(), pushes.end(), std::back_inserter(mine),
                 [&](const auto& push) { return push.target == target; });
    for (auto& [path, upload] : uploads) {
      auto& entry = upload.entry;
      const auto has = [&entry](const index::Push& push) {
        return std::any_of(push.uploads.begin(), push.uploads.end(), [&entry](const auto& pushed) {
          return pushed.generation == entry.generation;
        });
      };
      if (entry.target != target || entry.state != State::kUploading ||
          std::any_of(mine.begin(), mine.end(), has))
        continue;
      entry.state = State::kQueued;
      entry.not_before_s = 0;
      entry.updated_s = now_s;
    }
    return mine;
  }

  void prune_uploads(std::size_t kept) {
    std::vector<int> ended;
    for (const auto& [path, upload] : uploads)
      if (upload.ended > 0) ended.push_back(upload.ended);
    std::sort(ended.rbegin(), ended.rend());
    if (ended.size() <= kept) return;
    std::erase_if(uploads, [&](const auto& item) {
      return item.second.entry.state == State::kPushed && item.second.ended <= ended[kept];
    });
  }

  void finish_move(const std::string& from, const std::string& to) {
    std::map<std::string, index::LayerFile> kept;
    std::map<std::string, index::LayerFile> moved;
    for (const auto& [path, record] : records) {
      if (path.starts_with(from + "/")) {
        const auto name = to + path.substr(from.size());
        const bool was_ours = record.origin == index::Origin::kOurs;
        moved[name] = ours(name, was_ours ? record.target : 0);
      } else if (path.starts_with(to + "/")) {
        kept[path] = record;
        if (record.origin == index::Origin::kCopy) kept[path] = ours(path, 0);
        kept[path].is_queued = false;
      } else {
        kept[path] = record;
      }
    }
    if (moved.empty())
      std::erase_if(kept, [&](const auto& item) { return item.first.starts_with(to + "/"); });
    for (const auto& [path, record] : moved) kept[path] = record;
    records = kept;
    uploads.erase(from);
  }

  std::map<std::string, Upload> uploads;
  std::map<std::string, index::LayerFile> records;
  std::vector<index::Push> pushes;  // in the order they were begun
  std::int64_t last_generation = 0;

 private:
  static index::LayerFile ours(const std::string& path, std::int64_t target) {
    index::LayerFile file;
    file.path = path;
    file.origin = index::Origin::kOurs;
    file.target = target;
    return file;
  }

  static bool has_same_files(const Upload& upload, const std::vector<index::SeenFile>& seen) {
    return upload.files.size() == seen.size() &&
           std::all_of(seen.begin(), seen.end(), [&](const auto& file) {
             const auto found = upload.files.find(file.path);
             return found != upload.files.end() && found->second.file.snapshot == file.snapshot;
           });
  }

  static File carried(const Upload& before, const index::SeenFile& seen, bool is_same_target) {
    File now;
    now.file.path = seen.path;
    now.file.snapshot = seen.snapshot;
    const auto found = before.files.find(seen.path);
    if (found == before.files.end()) return now;
    const auto& old = found->second;
    const bool is_same_file = old.file.snapshot == seen.snapshot;
    if (is_same_file) {
      now.file.sha256 = old.file.sha256;
      now.file.sha1 = old.file.sha1;
    }
    if (is_same_target) {
      now.uploaded = old.uploaded;
      if (is_same_file) now.file.mode = old.file.mode;
    }
    now.file.is_uploaded = !now.uploaded.empty() && now.uploaded == now.file.sha256;
    return now;
  }

  void finish(const index::Push& push, const index::PushedUpload& pushed, const std::string& commit,
              const std::string& source, std::int64_t now_s) {
    auto* const upload = find(pushed.generation);
    if (upload == nullptr) {
      const auto newer = uploads.find(pushed.path);
      if (newer != uploads.end() && newer->second.ended == 0 &&
          newer->second.entry.target == push.target)
        newer->second.entry.commit = commit;
      return;
    }
    bool is_written = false;
    for (const auto& file : pushed.files) {
      const auto found = records.find(file.path);
      if (found == records.end() || found->second.origin == index::Origin::kCopy) continue;
      if (!found->second.is_queued) {
        is_written = true;
        continue;
      }
      const auto& snapshot = upload->files.at(file.path).file.snapshot;
      found->second = {
          file.path,    index::Origin::kCopy, index::Placement::kPlaced, source, commit,
          file.content, snapshot.size,        snapshot.mtime_ns};
    }
    end(*upload, State::kPushed, commit, now_s);
    upload->entry.not_before_s = 0;
    if (!is_written) return;
    upload->entry.state = State::kQueued;
    upload->ended = 0;
  }

  Upload* find(std::int64_t generation) {
    for (auto& [path, upload] : uploads)
      if (upload.entry.generation == generation) return &upload;
    return nullptr;
  }

  std::int64_t number_of(const index::UploadTarget& target) {
    const auto found = std::find(targets_.begin(), targets_.end(), target);
    if (found != targets_.end()) return found - targets_.begin() + 1;
    targets_.push_back(target);
    return static_cast<std::int64_t>(targets_.size());
  }

  std::vector<index::UploadTarget> targets_;
  std::int64_t mine_ = 0;
};

}  // namespace neffs::test
