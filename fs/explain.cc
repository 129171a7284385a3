// Hit or miss, from where, and why: the answer of `neffs explain`. Never waits for the Hub.
#include <nlohmann/json.hpp>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

const char* origin_of(const std::optional<index::LayerFile>& record) {
  if (!record) return "held";
  return record->origin == index::Origin::kCopy ? "copy" : "ours";
}

std::string why_not(RemoteView& view, const std::string& path) {
  const auto at = locate(path);
  const auto name = view.peek(at.module.empty() ? path : std::string(at.module));
  if (!name) return std::string("it does not answer: ") + view.status().state;
  if (name->kind == RemoteName::Kind::kAbsent) return name->why;
  return "it has it too, and what is here came from another before";
}

const char* kind_of(const struct stat& st) {
  if (S_ISDIR(st.st_mode)) return "directory";
  return S_ISLNK(st.st_mode) ? "symlink" : "file";
}

}  // namespace

// The verdict of the source that the module is taken from, or of the first that has anything of it.
std::string CacheFs::why_in_source(const std::string& module) {
  if (const auto shown = names_.remote_module(module); shown.listing)
    return shown.listing->verdict.why;
  for (auto* view : sources_.views())
    if (const auto listing = view->peek_module(module)) return listing->verdict.why;
  return "";
}

// The sources that go before the one that the name is of, with why they are not it.
std::vector<CacheFs::PassedOver> CacheFs::passed_over(const std::string& path, const Found& found) {
  const RemoteView* of = found.kind == Found::Kind::kRemote ? found.from : found.only;
  if (found.kind == Found::Kind::kLocal && of == nullptr) {
    const auto record = index_.layer_file(path);
    const bool is_copy = record && record->origin == index::Origin::kCopy;
    of = is_copy ? sources_.find(record->source) : nullptr;
    if (of == nullptr) return {};
  }
  std::vector<PassedOver> others;
  for (auto* view : sources_.views()) {
    if (view == of) break;
    others.push_back({view->name().text(), why_not(*view, path)});
  }
  return others;
}

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
      answer["source"] = found.from->name().text();
      answer["commit"] = found.from->commit();
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
      answer["found"] = "unknown";
      answer["why"] =
          sources_.views().size() == 1 ? "the source does not answer" : "not every source answers";
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
    if (const auto why = why_in_source(module); !why.empty()) answer["in_source"] = why;
  }
  if (found.kind == Found::Kind::kUnknown || !found.is_lasting) {
    const auto question = sources_.about(path, found.only);
    answer["asking"] = question->is_worth_waiting();
    question->start();  // who asks again in a moment will be told
  }
  if (sources_.views().size() > 1)
    for (const auto& [source, why] : passed_over(path, found))
      answer["passed_over"].push_back({{"source", source}, {"why", why}});
  return answer.dump();
}

}  // namespace neffs::fs
