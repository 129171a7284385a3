// The LFS batch API: where large files go, as pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/push_repo.h"
#include "hub/url.h"

namespace neffs::hub {

// The Hub takes no more objects in one question.
inline constexpr std::size_t kMostBatchObjects = 256;
inline constexpr const char* kLfsMediaType = "application/vnd.git-lfs+json";

// How one object is brought to the storage. The URLs are signed: they are the permission.
struct UploadRoute {
  Url href;                      // basic: where all bytes go; multipart: who is told of the parts
  std::uint64_t chunk_size = 0;  // multipart: the size of all parts but the last; 0: basic
  std::vector<Url> parts;        // multipart: where each part goes, in order
  std::optional<Url> verify;     // whom to tell in the end
};

// The Hub's word on one object: a route, or a refusal, or neither, which means that it is stored.
struct BatchEntry {
  std::optional<UploadRoute> route;
  std::optional<HubError> refusal;
};

// The body of POST /{id}.git/info/lfs/objects/batch.
std::string batch_question(std::span<const LfsObject> objects, const std::string& branch);

// The answer to it: as many entries as objects, in their order. base: the URL that was asked;
// endpoint: as the user names it, see at_endpoint(). Throws HubError kInvalidAnswer for anything the
// Hub would not say, an object left out or parts that do not make up its size included.
std::vector<BatchEntry> parse_batch(std::string_view body, std::span<const LfsObject> objects,
                                    const Url& base, const std::string& endpoint);

// What is sent to UploadRoute::href after all parts: their ETags, as the storage wrote them.
std::string completion_body(const LfsObject& object, std::span<const std::string> etags);
// What is sent to UploadRoute::verify.
std::string verify_body(const LfsObject& object);

}  // namespace neffs::hub
