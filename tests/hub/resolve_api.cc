#include "tests/hub/resolve_api.h"

#include <algorithm>

#include "tests/hub/digest.h"
#include "tests/hub/file_answer.h"
#include "tests/hub/signed_url.h"

namespace neffs::test {
namespace {

constexpr std::size_t kRevisionAt = 3;       // /{namespace}/{name}/{verb}/{rev}/{path…}
constexpr std::size_t kCacheRepoAt = 3;      // /api/resolve-cache/models/{namespace}/{name}/…
constexpr std::size_t kCacheRevisionAt = 5;  // …/{commit}/{path…}
constexpr std::size_t kCdnObjectAt = 3;      // /xet-bridge/{namespace}/{name}/{sha256}

struct FoundFile {
  std::string commit;
  RepoEntry entry;
};

FoundFile find_file(const HubView& hub, const TestRepo& repo, const Request& request,
                    std::size_t revision_at) {
  if (std::optional<Answer> refusal = refuse_content(repo, hub.caller)) throw Refused{*refusal};
  const std::string commit = commit_of(repo, request.segments.at(revision_at));
  const std::optional<RepoEntry> entry = repo.find(commit, request.path_from(revision_at + 1));
  if (entry && !entry->is_directory) return {commit, *entry};
  Answer absent = error_answer(404, "EntryNotFound", "Entry not found");
  absent.set_header("X-Repo-Commit", commit);  // so that absence can be remembered per commit
  throw Refused{absent};
}

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string type_of(const std::string& path) {
  if (path.ends_with(".json")) return "application/json; charset=utf-8";
  const bool text = path.ends_with(".md") || path.ends_with(".txt") || path.ends_with(".log") ||
                    path.ends_with(".gitattributes");
  return text ? "text/plain; charset=utf-8" : "application/octet-stream";
}

Answer send_git_file(const HubView& hub, const TestRepo& repo, const Request& request,
                     const FoundFile& file) {
  FileToSend sent{repo.git_content(file.entry), quoted(file.entry.oid), type_of(file.entry.path)};
  sent.may_compress = hub.behaviour.compresses && sent.type != "application/octet-stream" &&
                      sent.content->size() > 0;
  sent.compression_beats_range = hub.behaviour.compression_beats_range;
  Answer answer = file_answer(request, sent);
  answer.set_header("X-Repo-Commit", file.commit);
  return answer;
}

Answer to_resolve_cache(const HubView& hub, const TestRepo& repo, const Request& request,
                        const FoundFile& file) {
  const std::string asked = request.target.substr(0, request.target.find('?'));
  Answer answer = redirect_answer(307, "/api/resolve-cache/models/" + encode_path(repo.name()) +
                                           "/" + file.commit + "/" + encode_path(file.entry.path) +
                                           "?" + percent_encode(asked) +
                                           "=&etag=" + percent_encode(quoted(file.entry.oid)));
  if (hub.behaviour.commit_on_redirect) answer.set_header("X-Repo-Commit", file.commit);
  return answer;
}

std::string signed_url(const HubView& hub, const TestRepo& repo, const RepoEntry& file,
                       bool expired) {
  const std::string disposition = "inline; filename*=UTF-8''" + file.path;
  const std::string target = "/xet-bridge/" + encode_path(repo.name()) + "/" + file.lfs->oid +
                             "?response-content-disposition=" + percent_encode(disposition);
  const std::int64_t life = expired ? -1 : hub.behaviour.signed_url_life_s;
  return hub.cdn_endpoint + signed_target("GET", target, hub.now + life);
}

Answer to_cdn(const HubView& hub, const TestRepo& repo, const Request& request,
              const FoundFile& file) {
  const RepoEntry& entry = file.entry;
  const std::string etag = quoted(entry.lfs->oid);
  Answer answer = is_unchanged(request, etag)
                      ? Answer{304, {{"ETag", etag}}, nullptr, {}, {}}
                      : redirect_answer(302, signed_url(hub, repo, entry, request.sign_expired));
  answer.set_header("X-Repo-Commit", file.commit);
  answer.set_header("X-Linked-Size", std::to_string(entry.size));
  answer.set_header("X-Linked-ETag", etag);
  answer.set_header("Accept-Ranges", "bytes");
  if (entry.xet_hash.empty()) return answer;
  answer.set_header("X-Xet-Hash", entry.xet_hash);
  answer.set_header("Link", "<" + hub.endpoint + "/api/models/" + encode_path(repo.name()) +
                                "/xet-read-token/" + file.commit + ">; rel=\"xet-auth\", <" +
                                hub.cdn_endpoint + "/v1/reconstructions/" + entry.xet_hash +
                                ">; rel=\"xet-reconstruction-info\"");
  return answer;
}

}  // namespace

Answer serve_resolve(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, 0);
  const FoundFile file = find_file(hub, repo, request, kRevisionAt);
  if (file.entry.lfs) return to_cdn(hub, repo, request, file);
  const bool direct =
      hub.behaviour.direct_git_files || is_unchanged(request, quoted(file.entry.oid));
  return direct ? send_git_file(hub, repo, request, file)
                : to_resolve_cache(hub, repo, request, file);
}

Answer serve_resolve_cache(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, kCacheRepoAt);
  const FoundFile file = find_file(hub, repo, request, kCacheRevisionAt);
  return send_git_file(hub, repo, request, file);
}

Answer serve_raw(const HubView& hub, const Request& request) {
  const TestRepo& repo = readable_repo(hub, request, 0);
  const FoundFile file = find_file(hub, repo, request, kRevisionAt);
  Answer answer = text_answer(read_all(*repo.git_content(file.entry)));
  answer.set_header("X-Repo-Commit", file.commit);
  return answer;
}

Answer serve_cdn(const HubView& hub, const Request& request) {
  if (std::optional<Answer> refusal = refuse_at_storage(request, hub.now)) return *refusal;
  const std::string& oid = request.segments.at(kCdnObjectAt);
  const ContentPtr content = hub.repos.lfs().get(oid);
  if (!content) return storage_error(404, "NoSuchKey", "The specified key does not exist.");
  // As on the real one, the ETag here is not the SHA-256.
  return file_answer(request, {content, quoted(digest_hex(DigestKind::kMd5, oid))});
}

}  // namespace neffs::test
