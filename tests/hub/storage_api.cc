#include "tests/hub/storage_api.h"

#include <utility>

#include "tests/hub/signed_url.h"

namespace neffs::test {
namespace {

// nullopt if the body is what the URL was signed for.
std::optional<Answer> refuse_body(const HubView& hub, const Request& request) {
  if (request.headers.contains("Transfer-Encoding")) {
    return storage_error(501, "NotImplemented",
                         "A header you provided implies functionality that is not implemented");
  }
  if (std::optional<Answer> refusal = refuse_at_storage(request, hub.now)) return refusal;
  if (std::to_string(request.body.size()) != request.query_value("size")) {
    return storage_error(403, "SignatureDoesNotMatch", "Content-Length is not as signed");
  }
  return std::nullopt;
}

// The repo and the object that a signed URL of the storage is about.
struct Destination {
  TestRepo& repo;
  std::string oid;
};

Destination destination_of(const HubView& hub, const Request& request) {
  const auto& segments = request.segments;  // /lfs-upload/{namespace}/{name}/{sha256}
  TestRepo* repo = hub.repos.find(segments.at(1) + "/" + segments.at(2));
  if (repo == nullptr) throw Refused{storage_error(404, "NoSuchBucket", "There is no such bucket")};
  return {*repo, segments.at(3)};
}

}  // namespace

std::string storage_path(const TestRepo& repo, const LfsPointer& pointer) {
  return "/lfs-upload/" + encode_path(repo.name()) + "/" + pointer.oid;
}

Answer serve_lfs_put(const HubView& hub, Request& request) {
  if (std::optional<Answer> refusal = refuse_body(hub, request)) return *refusal;
  const Destination to = destination_of(hub, request);
  const LfsPointer pointer = hub.repos.lfs().put(text_content(std::move(request.body)));
  if (pointer.oid != to.oid) {
    return storage_error(400, "BadDigest", "The SHA256 you specified did not match");
  }
  to.repo.add_large_file(pointer);
  Answer answer = text_answer("");
  answer.set_header("ETag", '"' + to.oid.substr(0, 32) + '"');
  return answer;
}

Answer serve_lfs_put_part(const HubView& hub, Request& request) {
  if (std::optional<Answer> refusal = refuse_body(hub, request)) return *refusal;
  const std::string id = request.query_value("uploadId");
  if (!hub.uploads.find(id)) return storage_error(404, "NoSuchUpload", "There is no such upload");
  const std::uint64_t number = std::stoull(request.query_value("partNumber"));
  Answer answer = text_answer("");
  answer.set_header("ETag",
                    hub.uploads.put_part(id, number, text_content(std::move(request.body))));
  return answer;
}

}  // namespace neffs::test
