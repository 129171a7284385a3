#include "tests/unit/index/upload_world.h"

#include <functional>
#include <map>
#include <utility>

namespace neffs::test {
namespace {

using State = index::UploadState;

}  // namespace

void World::run(const Step& step) {
  const auto& [a, b, c, d] = step.numbers;
  now_ += static_cast<std::int64_t>(d % 20) - 5;  // clocks go back, too
  switch (step.verb % kVerbs) {
    case 0:
    case 1:
    case 2:
      return queue(step);
    case 3:
      return note(step);
    case 4:
    case 5:
      return note_all(step);
    case 6:
    case 7:
    case 8:
      return change_state(step);
    case 9:
    case 10:
    case 11:
    case 12:
      return push(step);
    case 13: {
      const auto path = file(module(a), b);
      index_->mark_ours(path);
      return model_.mark_ours(path);
    }
    case 14: {
      const auto path = file(module(a), b);
      index_->forget_file(path);
      model_.records.erase(path);
      return;
    }
    case 15:
      return move(step);
    case 16: {
      mine_ = c % 3 == 0 ? std::nullopt : std::optional(target(b));
      model_.set_upload_target(mine_);
      return reopen();
    }
    default:
      if (a % 3 == 0) {
        index_->drop_uploads(module(b));
        model_.uploads.erase(module(b));
      } else {
        index_->prune_uploads(b % 3);
        model_.prune_uploads(b % 3);
      }
  }
}

void World::queue(const Step& step) {
  const auto& [a, b, c, d] = step.numbers;
  const auto path = module(a);
  std::vector<index::SeenFile> files;
  for (unsigned number = 0; number < 3; ++number) {
    const unsigned version = (b >> (2 * number)) % 4;
    if (version == 3 && number > 0) continue;
    files.push_back({file(path, number), {100 + version, version, version, number}});
  }
  const auto said = index_->queue_upload(path, target(c), files, now_);
  const auto expected = model_.queue_upload(path, target(c), files, now_);
  if (said.change != expected.change || said.generation != expected.generation ||
      said.is_held != expected.is_held)
    complaint_ = "queue_upload answers something else";
}

void World::note(const Step& step) {
  const auto& [a, b, c, d] = step.numbers;
  const auto number = generation(a, d);
  const auto path = file(module(a), b);
  const auto content = std::to_string(c % 2);
  const auto mode = index::UploadMode(c / 6 % 3);
  switch (c / 2 % 3) {
    case 0:
      index_->note_hashes(number, path, sha256_of(content), sha1_of(content));
      return model_.note(number, path, [&](auto& file) {
        file.file.sha256 = sha256_of(content);
        file.file.sha1 = sha1_of(content);
      });
    case 1:
      index_->note_mode(number, path, mode);
      return model_.note(number, path, [&](auto& file) { file.file.mode = mode; });
    default:
      index_->note_uploaded(number, path);
      model_.note(number, path, [](auto& file) {
        if (!file.file.sha256.empty()) file.uploaded = file.file.sha256;
      });
  }
}

// A module gets ready to be pushed.
void World::note_all(const Step& step) {
  const auto& [a, b, c, d] = step.numbers;
  const auto upload = model_.uploads.find(module(a));
  if (upload == model_.uploads.end()) return;
  const auto number = upload->second.entry.generation;
  const auto mode = index::UploadMode(b % 2 + 1);
  for (const auto& [path, known] : std::map(upload->second.files)) {
    index_->note_hashes(number, path, sha256_of(path), sha1_of(path));
    index_->note_mode(number, path, mode);
    model_.note(number, path, [&, name = path](auto& file) {
      file.file.sha256 = sha256_of(name);
      file.file.sha1 = sha1_of(name);
      file.file.mode = mode;
    });
  }
  index_->mark_uploading(std::vector{number}, now_);
  model_.change({number}, {State::kQueued}, [&](auto& changed) {
    changed.entry.state = State::kUploading;
    changed.entry.updated_s = now_;
  });
}

void World::change_state(const Step& step) {
  const auto& [a, b, c, d] = step.numbers;
  const std::vector generations{generation(a, b), generation(a + 1, b / 4)};
  const std::string error = c % 2 == 0 ? "" : "refused";
  const auto not_before_s = now_ + d % 30;
  const auto set = [&](State state) {
    return [this, state](auto& upload) {
      upload.entry.state = state;
      upload.entry.updated_s = now_;
    };
  };
  switch (c / 2 % 5) {
    case 0:
      index_->mark_uploading(generations, now_);
      return model_.change(generations, {State::kQueued}, set(State::kUploading));
    case 1:
      index_->put_back(generations, not_before_s, error, now_);
      return model_.change(generations, {State::kUploading, State::kFailed}, [&](auto& upload) {
        set(State::kQueued)(upload);
        upload.entry.not_before_s = not_before_s;
        if (error.empty()) return;
        upload.entry.error = error;
        ++upload.entry.attempts;
      });
    case 2:
      index_->fail_upload(generations[0], "failed", now_);
      return model_.change({generations[0]}, {State::kQueued, State::kUploading},
                           [&](auto& upload) {
                             set(State::kFailed)(upload);
                             upload.entry.error = "failed";
                           });
    case 3:
      index_->supersede_uploads(generations, "theirs", now_);
      return model_.change(
          generations, {State::kQueued, State::kUploading, State::kFailed},
          [&](auto& upload) { model_.end(upload, State::kSuperseded, "theirs", now_); });
    default:
      index_->make_due(kLab);
      model_.change(all_generations(), {State::kQueued}, [](auto& upload) {
        if (upload.entry.target == kLab) upload.entry.not_before_s = 0;
      });
  }
}

void World::push(const Step& step) {
  const auto& [a, b, c, d] = step.numbers;
  const auto id = push_id(a);
  switch (b % 5) {
    case 0:
    case 1: {
      const auto generations = all_generations();
      index_->begin_push(id, target(c), "parent", generations, now_);
      return model_.begin_push(id, target(c), generations, now_);
    }
    case 2:
    case 3: {
      const auto commit = fmt::format("commit{}", c % 100);
      index_->finish_push(id, commit, kSource, now_);
      return model_.finish_push(id, commit, kSource, now_);
    }
    default:
      if (c % 2 == 0) {
        index_->end_push(id);
        return model_.end_push(id);
      }
      if (index_->recover_pushes(kLab, now_) != model_.recover_pushes(kLab, now_))
        complaint_ = "recover_pushes answers something else";
  }
}

void World::move(const Step& step) {
  const auto from = module(step.numbers[0]);
  const auto to = module(step.numbers[1]);
  if (from == to) return;
  index_->foretell_move(from, to);
  index_->finish_move(from, to);
  model_.finish_move(from, to);
}

std::string World::difference() {
  if (!complaint_.empty()) return complaint_;
  std::vector<index::LayerFile> records;
  for (const auto& [path, record] : model_.records) records.push_back(record);
  if (index_->layer_files_below("") != records) return "the records differ";
  for (unsigned number = 0; number < 4; ++number) {
    const auto upload = index_->upload(module(number));
    const auto expected = model_.uploads.find(module(number));
    if (upload.has_value() != (expected != model_.uploads.end()))
      return module(number) + " is there in one only";
    if (!upload) continue;
    if (upload->entry != expected->second.entry) return module(number) + " differs";
    std::vector<index::UploadFile> files;
    for (const auto& [path, file] : expected->second.files) files.push_back(file.file);
    if (upload->files != files) return "the files of " + module(number) + " differ";
  }
  return difference_of_lists();
}

std::string World::difference_of_lists() {
  std::vector<UploadModel::Upload> due;
  std::map<int, std::string, std::greater<>> ended;
  index::UploadTotals totals;
  std::vector<std::string> open;
  for (const auto& [path, upload] : model_.uploads) {
    const bool is_mine = upload.entry.target == kLab;
    const auto state = upload.entry.state;
    if (upload.ended > 0) ended[upload.ended] = path;
    if (upload.ended == 0) open.push_back(path);
    if (is_mine && state == State::kQueued && upload.entry.not_before_s <= now_)
      due.push_back(upload);
    auto& count = upload.ended == 0 && !is_mine ? totals.held
                  : state == State::kQueued     ? totals.queued
                  : state == State::kUploading  ? totals.uploading
                  : state == State::kPushed     ? totals.pushed
                  : state == State::kSuperseded ? totals.superseded
                                                : totals.failed;
    ++count.uploads;
    count.bytes += upload.entry.bytes;
  }
  std::sort(due.begin(), due.end(), [](const auto& one, const auto& other) {
    return std::pair(one.entry.not_before_s, one.entry.generation) <
           std::pair(other.entry.not_before_s, other.entry.generation);
  });
  std::vector<std::string> ended_paths;
  for (const auto& [place, path] : ended) ended_paths.push_back(path);
  const auto said = index_->due_uploads(kLab, now_, kNoLimit);
  if (!std::equal(said.begin(), said.end(), due.begin(), due.end(),
                  [](const auto& one, const auto& other) { return one.entry == other.entry; }))
    return "what is due differs";
  if (paths_of_entries(index_->ended_uploads(100)) != ended_paths) return "what ended differs";
  if (paths_of_entries(index_->open_uploads(kLab)) != open) return "what is open differs";
  return index_->upload_totals(kLab) == totals ? "" : "the totals differ";
}

}  // namespace neffs::test
