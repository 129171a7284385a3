// What the repo has of a batch, and what is therefore not sent.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fs/push_batch.h"
#include "fs/push_limits.h"
#include "fs/remote_module.h"
#include "fs/unix_time.h"

namespace neffs::fs {
namespace {

index::UploadMode mode_of(hub::StorageKind storage) {
  return storage == hub::StorageKind::kLfs ? index::UploadMode::kLfs : index::UploadMode::kRegular;
}

}  // namespace

struct PushBatch::Question {
  std::vector<hub::PushFile> files;  // of all items
  std::size_t probes_from = 0;       // from here on: what unfinished modules may have left behind
};

PushBatch::Question PushBatch::question() const {
  Question question;
  for (const auto& item : items_)
    for (std::size_t i = 0; i < item.upload.files.size(); ++i)
      question.files.push_back(
          {item.upload.files[i].path, item.upload.files[i].snapshot.size, item.files[i].sample});
  question.probes_from = question.files.size();
  for (const auto& item : items_)
    for (const auto& name : names_of_leftovers(item.upload.entry.path))
      question.files.push_back({name, 0, ""});
  return question;
}

void PushBatch::plan() {
  if (items_.empty()) return;
  const auto asked = question();
  auto answer = parts_.repo.plan(asked.files, within(kToAsk, stop_));
  if (!answer.head) {  // an answer that is older than the head is met by the commit
    head_ = parts_.reader.head();
    answer = parts_.repo.plan(asked.files, within(kToAsk, stop_));
  }
  if (answer.head) head_ = *answer.head;
  auto plan = answer.files.begin();
  auto probe = answer.files.begin() + static_cast<std::ptrdiff_t>(asked.probes_from);
  std::erase_if(items_, [&](Item& item) {
    const auto files = static_cast<std::ptrdiff_t>(item.upload.files.size());
    const auto probes =
        static_cast<std::ptrdiff_t>(names_of_leftovers(item.upload.entry.path).size());
    for (auto& file : item.files) file.plan = *plan++;
    const auto has = [](const hub::FilePlan& file) { return file.current.has_value(); };
    item.is_new = std::none_of(plan - files, plan, has) && std::none_of(probe, probe + probes, has);
    probe += probes;
    return !note_plans(item);
  });
}

// False if the repo's own rules keep a file out.
bool PushBatch::note_plans(Item& item) {
  for (std::size_t i = 0; i < item.files.size(); ++i) {
    auto& file = item.upload.files[i];
    const auto storage = item.files[i].plan.storage;
    if (storage == hub::StorageKind::kIgnored) {
      fail(item, fmt::format("the .gitignore of {} excludes {}", parts_.target.repo, file.path));
      return false;
    }
    file.mode = mode_of(storage);
    parts_.index.note_mode(item.upload.entry.generation, file.path, file.mode);
  }
  return true;
}

void PushBatch::judge(Items& items) {
  std::erase_if(items, [this](Item& item) { return !judge(item); });
}

// False if it is not published, now or ever.
bool PushBatch::judge(Item& item) {
  OurFiles ours;
  for (std::size_t i = 0; i < item.files.size(); ++i) {
    const auto& there = item.files[i].plan.current;
    const bool is_there = there && there->text() == item.upload.files[i].content();
    item.files[i].is_there = is_there;
    ours.some_differ |= there && !is_there;
    ours.some_are_missing |= !there;
  }
  const bool is_all_there = !ours.some_differ && !ours.some_are_missing;
  if (is_all_there || item.is_new) return true;
  const auto& entry = item.upload.entry;
  const auto there =
      look_at_module(parts_.reader, head_, entry.path, std::chrono::steady_clock::now() + kToAsk);
  if (is_superseded(entry.path, there, ours)) {
    parts_.index.supersede_uploads(std::vector{entry.generation}, head_, now_s());
    ++superseded_;
    parts_.superseded();
    return false;
  }
  item.leftovers = there.leftovers;
  return true;
}

}  // namespace neffs::fs
