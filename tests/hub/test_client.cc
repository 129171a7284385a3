#include "tests/hub/test_client.h"

#include <curl/curl.h>

#include <memory>

namespace neffs::test {
namespace {

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* reply) {
  static_cast<Reply*>(reply)->body.append(bytes, size);
  return size;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* reply) {
  const std::string line(bytes, size);
  const std::size_t colon = line.find(": ");
  if (colon != std::string::npos) {
    const std::size_t end = line.find_last_not_of("\r\n");
    static_cast<Reply*>(reply)->headers[line.substr(0, colon)] =
        line.substr(colon + 2, end - colon - 1);
  }
  return size;
}

}  // namespace

std::string Reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Reply ask(const std::string& url, const Ask& ask) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  curl_slist* raw_list = nullptr;
  for (const std::string& line : ask.headers) raw_list = curl_slist_append(raw_list, line.c_str());
  if (!ask.token.empty()) {
    raw_list = curl_slist_append(raw_list, ("Authorization: Bearer " + ask.token).c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> list(raw_list,
                                                                         &curl_slist_free_all);
  Reply reply;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &reply);
  if (ask.method == "HEAD") curl_easy_setopt(curl.get(), CURLOPT_NOBODY, 1L);
  if (ask.method == "POST" || ask.method == "PUT") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(ask.body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, ask.body.c_str());
  }
  if (ask.method == "PUT") curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, "PUT");
  if (ask.method == "DELETE") curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, "DELETE");
  const CURLcode result = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  reply.broken = result != CURLE_OK;
  return reply;
}

}  // namespace neffs::test
