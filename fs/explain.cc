// Hit or miss, from where, and why: the answer of `neffs explain`. Never waits for the Hub.
#include <nlohmann/json.hpp>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

const char* origin_of(const std::optional<index::LayerFile>& record) {
  if (!record) return "held";
  return record->origin == index::Origin::kCopy ? "copy" : "ours";
}

const char* kind_of(const struct stat& st) {
  if (S_ISDIR(st.st_mode)) return "directory";
  return S_ISLNK(st.st_mode) ? "symlink" : "file";
}

}  // namespace

std::string CacheFs::explain(const std::string& path) {
  nlohmann::ordered_json answer;
  answer["path"] = path;
  const auto found = names_.find(path);
  const auto at = locate(path);
  switch (found.kind) {
    case Found::Kind::kLocal:
      answer["found"] = "local";
      answer["kind"] = kind_of(found.st);
      if (S_ISREG(found.st.st_mode)) {
        const auto record = index_.layer_file(path);
        answer["origin"] = is_lock(path) ? "lock" : origin_of(record);
        if (record && record->origin == index::Origin::kCopy) {
          answer["source"] = record->source;
          answer["commit"] = record->commit;
          answer["content"] = record->content;
        }
        answer["size"] = found.st.st_size;
      }
      break;
    case Found::Kind::kRemote:
      answer["found"] = "remote";
      answer["kind"] = kind_of(found.st);
      answer["source"] = view_.name().text();
      answer["commit"] = view_.commit();
      if (S_ISREG(found.st.st_mode)) {
        answer["size"] = found.remote.size;
        answer["content"] = found.remote.content.text();
      }
      break;
    case Found::Kind::kAbsent:
      answer["found"] = "absent";
      answer["why"] = found.why;
      break;
    case Found::Kind::kUnknown:
      view_.ask(path, [](const std::exception_ptr&) {});  // who asks again in a moment will be told
      answer["found"] = "unknown";
      answer["asking"] = view_.is_worth_waiting();
      answer["why"] = "the source does not answer";
      break;
  }
  if (!at.module.empty()) {
    const std::string module(at.module);
    answer["module"] = module;
    const auto done =
        at.place == Place::kModule ? names_.find(join_path(module, kDoneMark)) : found;
    const bool wholly_local = names_.is_wholly_local(module);
    if (at.place == Place::kModule)
      answer["hit"] = done.kind == Found::Kind::kLocal || done.kind == Found::Kind::kRemote;
    answer["wholly_local"] = wholly_local;
    if (const auto listing = view_.peek_module(module)) answer["in_source"] = listing->verdict.why;
  }
  return answer.dump();
}

}  // namespace neffs::fs
