#include "fs/push_batch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/push_limits.h"
#include "fs/remote_module.h"
#include "fs/unix_time.h"

namespace neffs::fs {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kToUpload{6};  // a transfer that stands still ends sooner
constexpr std::size_t kLanes = 4;
constexpr std::uint64_t kPartBytes = std::uint64_t{64} << 20;

}  // namespace

hub::LfsObject object_of(const index::UploadFile& file) {
  return {hub::ContentId::parse(file.sha256).value_or(hub::ContentId()), file.snapshot.size};
}

PushBatch::PushBatch(const PushParts& parts, std::vector<index::Upload> uploads,
                     std::stop_token stop)
    : parts_(parts), stop_(std::move(stop)) {
  for (auto& upload : uploads) items_.emplace_back().upload = std::move(upload);
}

std::optional<PushResult> PushBatch::push() {
  look();
  plan();
  bring();
  look_again();
  return send();
}

void PushBatch::fail(const Item& item, const std::string& why) {
  spdlog::error("{} cannot be published: {}", item.upload.entry.path, why);
  parts_.index.fail_upload(item.upload.entry.generation, why, now_s());
}

// It comes again with other files when it is quiet.
void PushBatch::changed(const Item& item) {
  spdlog::debug("{} changed while it was published", item.upload.entry.path);
  parts_.index.drop_uploads(item.upload.entry.path);
  parts_.look_again(item.upload.entry.path);
}

// --- uploading ------------------------------------------------------------------------------------

std::vector<PushBatch::Items> PushBatch::take_parts() {
  std::vector<Items> parts;
  std::uint64_t bytes = kPartBytes;
  for (auto& item : items_) {
    if (bytes >= kPartBytes) {
      parts.emplace_back();
      bytes = 0;
    }
    bytes += item.upload.entry.bytes;
    parts.back().push_back(std::move(item));
  }
  items_.clear();
  return parts;
}

// In lanes: while one hashes or waits for the last answers of its part, the others keep the network busy.
void PushBatch::bring() {
  auto parts = take_parts();
  std::atomic<std::size_t> next{0};
  std::array<std::exception_ptr, kLanes> failures;
  const auto lane = [&](std::exception_ptr& failure) {
    try {
      for (auto i = next++; i < parts.size(); i = next++) {
        hash(parts[i]);
        judge(parts[i]);
        upload(parts[i]);
      }
    } catch (...) {
      failure = std::current_exception();
      next = parts.size();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < failures.size(); ++i)
      others.emplace_back([&, i] { lane(failures[i]); });
    lane(failures[0]);
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(items_));
}

hub::UploadRequest PushBatch::uploads_to_make(const Items& items) const {
  hub::UploadRequest request;
  struct Bytes {
    std::string path;
    std::optional<hub::Seal> seal;
  };
  std::map<std::string, Bytes> by_content;
  for (const auto& item : items)
    for (std::size_t i = 0; i < item.upload.files.size(); ++i) {
      const auto& file = item.upload.files[i];
      if (file.mode != index::UploadMode::kLfs || item.files[i].is_there) continue;
      if (by_content.emplace(file.sha256, Bytes{bytes_of(file.path), item.files[i].seal}).second)
        request.objects.push_back(object_of(file));
    }
  request.open = [&layer = parts_.layer, by_content](const hub::LfsObject& object) {
    const auto& [path, seal] = by_content.at(object.content.text());
    try {
      const auto fd = std::make_shared<const UniqueFd>(layer.open_to_look(path));
      return hub::OpenedFile{fd, fd->get(), seal};
    } catch (const std::system_error& error) {
      throw hub::HubError::local(path, error.code().value());
    }
  };
  return request;
}

void PushBatch::upload(Items& items) {
  const auto request = uploads_to_make(items);
  if (request.objects.empty()) return;
  const auto results = parts_.repo.upload(request, within(kToUpload, stop_));
  std::map<std::string, hub::HubError> failures;
  for (std::size_t i = 0; i < results.size(); ++i)
    if (results[i].error) failures.emplace(request.objects[i].content.text(), *results[i].error);
  std::erase_if(items, [&](const Item& item) {
    for (std::size_t i = 0; i < item.upload.files.size(); ++i) {
      const auto& file = item.upload.files[i];
      if (file.mode != index::UploadMode::kLfs || item.files[i].is_there) continue;
      const auto failure = failures.find(file.sha256);
      if (failure == failures.end()) {
        parts_.index.note_uploaded(item.upload.entry.generation, file.path);
        continue;
      }
      const auto& error = failure->second;
      if (error.kind == hub::HubErrorKind::kLocal) {
        changed(item);
      } else if (error.kind == hub::HubErrorKind::kRefused) {
        fail(item, error.what());
      } else {
        const auto attempts = item.upload.entry.attempts;
        parts_.index.put_back(std::vector{item.upload.entry.generation},
                              now_s() + retry_after_s(attempts), error.what(), now_s());
      }
      return true;
    }
    return false;
  });
}

}  // namespace neffs::fs
