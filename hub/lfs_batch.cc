#include "hub/lfs_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "hub/error_of_response.h"
#include "hub/json_answer.h"

namespace neffs::hub {
namespace {

using nlohmann::json;

// Where the answer came from, which is what its addresses are seen from.
struct Origin {
  const Url& base;
  const std::string& endpoint;
};

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

Url url_of(const json& href, const Origin& origin) {
  if (!href.is_string()) refuse_answer("no address for an upload");
  const auto url =
      resolve(origin.base, at_endpoint(href.get_ref<const std::string&>(), origin.endpoint));
  if (!url) refuse_answer("no address for an upload");
  if (origin.base.scheme == "https" && url->scheme != "https") {
    refuse_answer("an address for an upload that everybody could read");
  }
  return *url;
}

// The addresses of the parts are the members of the header whose names are numbers.
std::vector<Url> parts_of(const json& header, const Origin& origin) {
  std::map<std::uint64_t, Url> numbered;
  for (const auto& [name, value] : header.items()) {
    if (const auto number = decimal(name)) numbered.emplace(*number, url_of(value, origin));
  }
  std::vector<Url> parts;
  parts.reserve(numbered.size());
  for (auto& [number, url] : numbered) parts.push_back(std::move(url));
  return parts;
}

void set_parts(const json& header, std::uint64_t size, const Origin& origin, UploadRoute& route) {
  const auto chunk_size = decimal(text_in(header, "chunk_size"));
  if (!chunk_size || *chunk_size == 0) refuse_answer("no number in 'chunk_size'");
  route.chunk_size = *chunk_size;
  route.parts = parts_of(header, origin);
  if (route.parts.empty() || route.parts.size() != (size - 1) / *chunk_size + 1) {
    refuse_answer("an upload in parts that do not make up the file");
  }
}

UploadRoute route_of(const json& actions, std::uint64_t size, const Origin& origin) {
  const json& upload = actions["upload"];
  if (!upload.is_object() || !upload.contains("href")) refuse_answer("an upload without address");
  UploadRoute route;
  route.href = url_of(upload["href"], origin);
  if (upload.contains("header") && upload["header"].contains("chunk_size")) {
    set_parts(upload["header"], size, origin, route);
  }
  if (actions.contains("verify")) {
    const json& verify = actions["verify"];
    if (!verify.is_object() || !verify.contains("href")) refuse_answer("'verify' without address");
    route.verify = url_of(verify["href"], origin);
  }
  return route;
}

HubError refusal_of(const json& error, const LfsObject& object) {
  const std::uint64_t code = number_in(error, "code");
  const bool transient = code == 408 || code == 429 || code >= 500;
  const auto message = error.contains("message") ? quotable(text_in(error, "message")) : "";
  return {
      transient ? HubErrorKind::kUnavailable : HubErrorKind::kRefused,
      fmt::format("{}: the Hub does not take it ({}): {}", object.content.text(), code, message),
      static_cast<int>(std::min<std::uint64_t>(code, 599))};
}

BatchEntry entry_of(const json& entry, const LfsObject& object, const Origin& origin) {
  BatchEntry result;
  if (entry.contains("error")) {
    result.refusal = refusal_of(entry["error"], object);
  } else if (entry.contains("actions") && entry["actions"].contains("upload")) {
    result.route = route_of(entry["actions"], object.size, origin);
  }
  return result;
}

json json_of(const LfsObject& object) {
  return {{"oid", object.content.hex}, {"size", object.size}};
}

}  // namespace

std::string batch_question(std::span<const LfsObject> objects, const std::string& branch) {
  json list = json::array();
  for (const LfsObject& object : objects) list.push_back(json_of(object));
  return json{{"operation", "upload"},
              {"transfers", {"basic", "multipart"}},
              {"hash_algo", "sha256"},
              {"ref", {{"name", branch}}},
              {"objects", std::move(list)}}
      .dump();
}

std::vector<BatchEntry> parse_batch(std::string_view body, std::span<const LfsObject> objects,
                                    const Url& base, const std::string& endpoint) {
  const json answer = parsed_answer(body);
  std::map<std::string, const json*> by_oid;
  for (const json& entry : list_in(answer, "objects")) by_oid[text_in(entry, "oid")] = &entry;
  if (answer.contains("transfer")) {
    const std::string transfer = text_in(answer, "transfer");
    if (transfer != "basic" && transfer != "multipart") refuse_answer("an unknown 'transfer'");
  }
  std::vector<BatchEntry> entries;
  entries.reserve(objects.size());
  for (const LfsObject& object : objects) {
    const auto found = by_oid.find(object.content.hex);
    if (found == by_oid.end()) refuse_answer("no word about an object");
    entries.push_back(entry_of(*found->second, object, {base, endpoint}));
  }
  return entries;
}

std::string completion_body(const LfsObject& object, std::span<const std::string> etags) {
  json parts = json::array();
  for (const std::string& etag : etags) {
    parts.push_back({{"partNumber", parts.size() + 1}, {"etag", etag}});
  }
  return json{{"oid", object.content.hex}, {"parts", std::move(parts)}}.dump();
}

std::string verify_body(const LfsObject& object) {
  return json_of(object).dump();
}

}  // namespace neffs::hub
