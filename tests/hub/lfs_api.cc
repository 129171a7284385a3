#include "tests/hub/lfs_api.h"

#include <iomanip>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/hub/signed_url.h"
#include "tests/hub/storage_api.h"

namespace neffs::test {
namespace {

using nlohmann::json;

constexpr const char* kLfsType = "application/vnd.git-lfs+json";

Answer lfs_answer(const json& body, int status = 200) {
  Answer answer = json_answer(body, status);
  answer.set_header("Content-Type", kLfsType);
  return answer;
}

[[noreturn]] void refuse(int status, const std::string& message) {
  throw Refused{lfs_answer({{"message", message}}, status)};
}

json lfs_body(const Request& request) {
  if (!request.header("Content-Type").starts_with(kLfsType)) {
    refuse(415, "Content-Type must be " + std::string(kLfsType));
  }
  if (request.header("Accept").find(kLfsType) == std::string::npos) {
    refuse(406, "Accept must be " + std::string(kLfsType));
  }
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) refuse(400, "Expected a JSON object");
  return body;
}

bool is_sha256(const std::string& oid) {
  return oid.size() == 64 && oid.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::optional<LfsPointer> to_pointer(const json& object) {
  const bool fits = object.is_object() && object.contains("oid") && object["oid"].is_string() &&
                    object.contains("size") && object["size"].is_number_unsigned() &&
                    is_sha256(object["oid"]);
  if (!fits) return std::nullopt;
  return LfsPointer{object["oid"], object["size"]};
}

void check_batch(const json& body, const TestRepo& repo, const WritingLimits& limits) {
  if (body.value("operation", "") != "upload") refuse(422, "\"operation\" must be \"upload\"");
  const std::string algorithm = body.value("hash_algo", "sha256");
  if (algorithm != "sha256" && algorithm != "sha_256") refuse(409, "unknown \"hash_algo\"");
  if (!body.contains("objects") || !body["objects"].is_array() || body["objects"].empty()) {
    refuse(422, "\"objects\" must be an array that is not empty");
  }
  if (body["objects"].size() > limits.batch_objects) {
    refuse(413,
           "\"objects\" must contain at most " + std::to_string(limits.batch_objects) + " items");
  }
  if (!body.contains("ref") || body["ref"].is_null()) return;
  const std::string ref = body["ref"].at("name");
  if (!repo.resolve(ref)) refuse(404, "Invalid rev id: " + ref);
}

std::set<std::string> transfers_of(const json& body) {
  const json transfers = body.value("transfers", json::array({"basic"}));
  return {transfers.begin(), transfers.end()};
}

json basic_upload(const HubView& hub, const TestRepo& repo, const LfsPointer& pointer) {
  const std::string target = storage_path(repo, pointer) + "?size=" + std::to_string(pointer.size);
  const std::int64_t until = hub.now + hub.behaviour.upload_url_life_s;
  return {{"href", hub.cdn_endpoint + signed_target("PUT", target, until)},
          {"expires_in", hub.behaviour.upload_url_life_s}};
}

// As the keys of the parts' URLs are written: five digits at least.
std::string padded(std::uint64_t number) {
  std::ostringstream out;
  out << std::setw(5) << std::setfill('0') << number;
  return out.str();
}

json parted_upload(const HubView& hub, const TestRepo& repo, const LfsPointer& pointer) {
  const PartedUpload upload{repo.name(), pointer, hub.behaviour.limits.part_size};
  const std::string id = hub.uploads.open(upload);
  const std::int64_t until = hub.now + hub.behaviour.upload_url_life_s;
  json header = {{"chunk_size", std::to_string(upload.part_size)}};
  for (std::uint64_t number = 1; number <= upload.part_count(); ++number) {
    std::ostringstream target;
    target << storage_path(repo, pointer) << "?partNumber=" << number
           << "&size=" << upload.size_of(number) << "&uploadId=" << id;
    header[padded(number)] = hub.cdn_endpoint + signed_target("PUT", target.str(), until);
  }
  const std::string complete = "/api/complete_multipart?uploadId=" + id;
  return {{"href", hub.endpoint + signed_target("POST", complete, until)},
          {"header", header},
          {"expires_in", hub.behaviour.upload_url_life_s}};
}

// "" if the object may come.
std::string fault_of(const LfsPointer& pointer, bool in_parts, const TestRepo& repo,
                     const WritingLimits& limits) {
  if (pointer.size == 0) return "Empty files cannot be stored here";
  if (pointer.size > (in_parts ? limits.lfs_file : limits.basic_file)) return "File too large";
  const std::optional<LfsPointer> known = repo.large_file(pointer.oid);
  return known && known->size != pointer.size ? "Object exists with another size" : "";
}

json answer_for(const HubView& hub, const TestRepo& repo, const json& object, bool parts_allowed) {
  const std::optional<LfsPointer> pointer = to_pointer(object);
  const auto failed = [&](const std::string& why) {
    json named = object.is_object() ? object : json::object();
    named["error"] = {{"code", 422}, {"message", why}};
    return named;
  };
  if (!pointer) return failed("Invalid oid or size");
  const WritingLimits& limits = hub.behaviour.limits;
  const bool in_parts = parts_allowed && pointer->size > limits.parts_from;
  const std::string fault = fault_of(*pointer, in_parts, repo, limits);
  if (!fault.empty()) return failed(fault);
  json answer = {{"oid", pointer->oid}, {"size", pointer->size}, {"authenticated", true}};
  if (repo.large_file(pointer->oid)) return answer;
  answer["actions"]["upload"] =
      in_parts ? parted_upload(hub, repo, *pointer) : basic_upload(hub, repo, *pointer);
  if (hub.behaviour.offers_verify) {
    answer["actions"]["verify"] = {
        {"href", hub.endpoint + "/" + encode_path(repo.name()) + ".git/info/lfs/objects/verify"}};
  }
  return answer;
}

UploadDesk::PartList parts_of(const json& body) {
  UploadDesk::PartList parts;
  for (const json& part : body.at("parts"))
    parts.emplace_back(part.at("partNumber"), part.at("etag"));
  return parts;
}

}  // namespace

Answer serve_lfs_batch(const HubView& hub, const Request& request) {
  const TestRepo& repo = writable_repo(hub, request, 0);
  const json body = lfs_body(request);
  check_batch(body, repo, hub.behaviour.limits);
  const std::set<std::string> transfers = transfers_of(body);
  const bool parts_allowed = transfers.contains("multipart");
  if (!parts_allowed && !transfers.contains("basic")) refuse(422, "no known transfer is offered");
  json objects = json::array();
  bool any_in_parts = false;
  for (const json& object : body["objects"]) {
    objects.push_back(answer_for(hub, repo, object, parts_allowed));
    any_in_parts |= objects.back().contains("/actions/upload/header"_json_pointer);
  }
  return lfs_answer({{"transfer", any_in_parts ? "multipart" : "basic"}, {"objects", objects}});
}

Answer serve_lfs_complete(const HubView& hub, const Request& request) {
  if (!is_signed(request)) refuse(403, "The signature is not ours");
  if (is_expired(request, hub.now)) refuse(403, "The upload has expired");
  const json body = lfs_body(request);
  const std::string id = request.query_value("uploadId");
  const std::optional<PartedUpload> upload = hub.uploads.find(id);
  TestRepo* repo = upload ? hub.repos.find(upload->repo) : nullptr;
  if (repo == nullptr) refuse(404, "The specified upload does not exist");
  if (body.at("oid") != upload->pointer.oid) refuse(400, "The upload is about another object");
  const ContentPtr content = hub.uploads.assemble(id, parts_of(body));
  if (!content) refuse(400, "One or more of the specified parts could not be found");
  const LfsPointer pointer = hub.repos.lfs().put(content);
  if (pointer.oid != upload->pointer.oid) refuse(400, "The SHA256 did not match");
  repo->add_large_file(pointer);
  hub.uploads.close(id);
  return lfs_answer({{"oid", upload->pointer.oid}});
}

Answer serve_lfs_verify(const HubView& hub, const Request& request) {
  const TestRepo& repo = writable_repo(hub, request, 0);
  const std::optional<LfsPointer> asked = to_pointer(json::parse(request.body, nullptr, false));
  if (!asked) refuse(422, "Invalid oid or size");
  const std::optional<LfsPointer> known = repo.large_file(asked->oid);
  if (!known) refuse(404, "Object not found");
  if (known->size != asked->size) refuse(422, "The size does not match");
  return lfs_answer(json::object());
}

}  // namespace neffs::test
