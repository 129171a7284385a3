#include "tests/hub/fault_words.h"

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace neffs::test {
namespace {

using nlohmann::json;

Kind kind_named(const std::string& word) {
  const std::optional<Kind> kind = kind_from_string(word);
  if (!kind) throw std::invalid_argument("no kind of request is called " + word);
  return *kind;
}

HeaderList headers_of(const json& words) {
  HeaderList headers;
  for (const auto& [name, value] : words.items()) headers.emplace_back(name, value);
  return headers;
}

using Maker = Fault (*)(const json&);

const std::map<std::string, Maker>& makers() {
  static const auto at = [](const json& words) { return words.value("at", std::uint64_t{0}); };
  static const std::map<std::string, Maker> makers = {
      {"answer",
       [](const json& words) {
         return Fault::answer(words.at("status"), words.value("body", ""),
                              headers_of(words.value("headers", json::object())));
       }},
      {"html", [](const json& words) { return Fault::html(words.value("status", 502)); }},
      {"hang-up", [](const json&) { return Fault::hang_up(); }},
      {"redirect-loop", [](const json&) { return Fault::redirect_loop(); }},
      {"ignore-range", [](const json&) { return Fault::ignore_range(); }},
      {"expired-url", [](const json&) { return Fault::expired_url(); }},
      {"endless-pages", [](const json&) { return Fault::endless_pages(); }},
      {"invalid-json", [](const json&) { return Fault::invalid_json(); }},
      {"truncate", [](const json& words) { return Fault::truncate(at(words)); }},
      {"corrupt", [](const json& words) { return Fault::corrupt(at(words)); }},
      {"stall", [](const json& words) { return Fault::stall(at(words)); }},
      {"resize", [](const json& words) { return Fault::resize(words.at("delta")); }},
      {"wrong-content-range", [](const json&) { return Fault::wrong_content_range(); }},
      {"drop-header", [](const json& words) { return Fault::drop_header(words.at("name")); }},
      {"set-header",
       [](const json& words) { return Fault::set_header(words.at("name"), words.at("value")); }},
      {"slow", [](const json& words) { return Fault::slow(at(words)); }},
      {"cut-upload", [](const json& words) { return Fault::cut_upload(at(words)); }},
      {"stall-upload", [](const json& words) { return Fault::stall_upload(at(words)); }},
      {"slow-upload", [](const json& words) { return Fault::slow_upload(at(words)); }},
      {"commit-running", [](const json&) { return Fault::commit_running(); }},
      {"head-moved", [](const json&) { return Fault::head_moved(); }},
      {"commit-quota", [](const json&) { return Fault::commit_quota(); }},
  };
  return makers;
}

}  // namespace

Match match_of(const json& words) {
  Match match;
  if (words.contains("kind")) match.kind = kind_named(words["kind"]);
  if (words.contains("host")) match.host = words["host"] == "cdn" ? Host::kCdn : Host::kHub;
  match.text = words.value("text", "");
  match.method = words.value("method", "");
  return match;
}

Fault fault_of(const json& words) {
  const std::string type = words.at("type");
  const auto maker = makers().find(type);
  if (maker == makers().end()) throw std::invalid_argument("no fault is called " + type);
  const Fault fault = maker->second(words);
  return words.value("after_effect", false) ? fault.after() : fault;
}

}  // namespace neffs::test
