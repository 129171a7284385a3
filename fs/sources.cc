#include "fs/sources.h"

#include <algorithm>
#include <unordered_set>

#include "fs/layer.h"

namespace neffs::fs {
namespace {

enum class Has { kNo, kYes, kUnknown };

// Whether what the path belongs to is this source's: its module, or outside of modules the name itself.
Has has(RemoteView& view, const std::string& path) {
  const auto at = locate(path);
  const auto name = view.peek(at.module.empty() ? path : std::string(at.module));
  if (!name) return Has::kUnknown;
  return name->kind == RemoteName::Kind::kAbsent ? Has::kNo : Has::kYes;
}

std::function<void(RemoteView::Done)> ask_for(RemoteView& view, const std::string& path,
                                              bool needs_head) {
  if (!needs_head) return [&view, path](RemoteView::Done done) { view.ask(path, std::move(done)); };
  return [&view, path](const RemoteView::Done& done) {
    view.ask_head([&view, path, done](const std::exception_ptr& error) {
      if (error) {
        done(error);
        return;
      }
      try {
        view.ask(path, done);
      } catch (...) {  // whoever else asked for the head is answered after this
        done(std::current_exception());
      }
    });
  };
}

}  // namespace

std::optional<std::string> stamp_in(RemoteView& view, const std::string& path) {
  const auto at = locate(path);
  if (!at.module.empty()) {
    const auto listing = view.peek_module(at.module);
    if (!listing || listing->verdict.state != ModuleState::kFinished) return std::nullopt;
    const bool has_it =
        at.place == Place::kModule || listing->names.find(at.inside) != listing->names.end();
    return has_it ? std::optional(stamp_of(*listing)) : std::nullopt;
  }
  const auto remote = view.peek(path);
  if (!remote || remote->kind == RemoteName::Kind::kAbsent) return std::nullopt;
  return remote->kind == RemoteName::Kind::kFile ? remote->content.text() : remote->oid;
}

Sources::Sources(std::vector<RemoteView*> views) : views_(std::move(views)) {
  for (const auto* view : views_) texts_.push_back(view->name().text());
}

RemoteView* Sources::find(std::string_view text) const {
  const auto at = std::find(texts_.begin(), texts_.end(), text);
  return at == texts_.end() ? nullptr : views_[static_cast<std::size_t>(at - texts_.begin())];
}

// --- what can be said without asking --------------------------------------------------------------

std::optional<Shown> Sources::peek(const std::string& path) const {
  const auto at = locate(path);
  Shown absent;
  for (auto* view : views_) {
    auto name = view->peek(path);
    if (!name) {
      absent.is_certain = false;
      continue;
    }
    const bool is_whole_module = at.place == Place::kInsideModule && has(*view, path) == Has::kYes;
    if (name->kind != RemoteName::Kind::kAbsent || is_whole_module) {
      // A folder that comes from another source, too, stays a folder.
      const bool is_folder = at.module.empty() && name->kind == RemoteName::Kind::kDirectory;
      return Shown{*std::move(name), view, absent.is_certain || is_folder};
    }
    if (*absent.name.why == '\0') absent.name = *std::move(name);
  }
  if (!absent.is_certain) return std::nullopt;
  return absent;
}

ShownModule Sources::peek_module(std::string_view path) const {
  for (auto* view : views_) {
    auto listing = view->peek_module(path);
    if (listing && listing->verdict.state == ModuleState::kFinished)
      return {std::move(listing), view};
  }
  return {};
}

ShownChildren Sources::peek_children(const std::string& path, bool judged) const {
  const auto at = locate(path);
  ShownChildren children;
  if (!at.module.empty()) {
    const auto shown = peek(std::string(at.module));
    children.is_certain = shown && shown->is_certain;
    if (!shown || shown->from == nullptr) return children;
    auto names = shown->from->peek_children(path, judged);
    if (names)
      children.names = *std::move(names);
    else
      children.is_certain = false;
    return children;
  }
  std::unordered_set<std::string> known;
  for (auto* view : views_) {
    auto names = view->peek_children(path, judged);
    if (!names) {
      children.is_certain = false;
      continue;
    }
    if (views_.size() == 1) {
      children.names = *std::move(names);
      break;
    }
    for (auto& one : *names)
      if (known.insert(one.first).second) children.names.push_back(std::move(one));
  }
  return children;
}

std::vector<std::string> Sources::stamps(const std::string& path) const {
  if (locate(path).place == Place::kVersion) return {""};
  std::vector<std::string> stamps;
  for (auto* view : views_)
    if (auto stamp = stamp_in(*view, path)) stamps.push_back(*std::move(stamp));
  return stamps;
}

// --- asking ---------------------------------------------------------------------------------------

std::shared_ptr<Question> Sources::about(
    const std::string& path, RemoteView* only,
    std::optional<std::chrono::milliseconds> head_within) const {
  std::vector<Question::Asked> asked;
  for (auto* view : views_) {
    if (only != nullptr && view != only) continue;
    const auto answer = has(*view, path);
    if (answer == Has::kYes) break;  // those after it do not matter
    const bool needs_head = head_within && !view->is_fresh(*head_within);
    if (answer == Has::kUnknown || needs_head)
      asked.push_back({view, ask_for(*view, path, needs_head)});
  }
  return std::make_shared<Question>(std::move(asked), [this, path] {
    const auto shown = peek(path);
    return shown && shown->is_certain && shown->from != nullptr;
  });
}

std::shared_ptr<Question> Sources::about_children(const std::string& path, bool judged,
                                                  RemoteView* only) const {
  const bool in_module = !locate(path).module.empty();
  std::vector<Question::Asked> asked;
  for (auto* view : views_) {
    if (only != nullptr && view != only) continue;
    if (in_module && has(*view, path) == Has::kYes) break;
    if (view->peek_children(path, judged)) continue;
    asked.push_back({view, [view, path, judged](RemoteView::Done done) {
                       view->ask_children(path, judged, std::move(done));
                     }});
  }
  return std::make_shared<Question>(
      std::move(asked), [this, path, judged] { return peek_children(path, judged).is_certain; });
}

bool Sources::is_fresh(std::chrono::milliseconds within, const RemoteView* only) const {
  return std::all_of(views_.begin(), views_.end(), [&](const auto* view) {
    return (only != nullptr && view != only) || view->is_fresh(within);
  });
}

bool Sources::is_pinned() const {
  return std::all_of(views_.begin(), views_.end(),
                     [](const auto* view) { return view->is_pinned(); });
}

}  // namespace neffs::fs
