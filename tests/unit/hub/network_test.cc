// What stands between us and a Hub: TLS with a private CA, HTTP/2, proxies.
#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/unit/hub/hub_under_test.h"
#include "tests/unit/hub/loopback_server.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;

// A directory with ca.pem, and cert.pem and key.pem of a server at 127.0.0.1 that it signed.
class PrivateCa {
 public:
  PrivateCa() {
    const std::string pattern = ::testing::TempDir() + "neffs-ca-XXXXXX";
    std::vector<char> name(pattern.begin(), pattern.end());
    name.push_back('\0');
    directory_ = ::mkdtemp(name.data());
    const std::string make =
        "cd '" + directory_.string() +
        "' && exec 2>/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=ca "
        "-keyout ca.key -out ca.pem && openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 "
        "-keyout key.pem -out cert.csr && echo subjectAltName=IP:127.0.0.1 > ext && "
        "openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -days 1 -extfile ext -out "
        "cert.pem";
    ready_ = std::system(make.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe)
  }
  ~PrivateCa() { std::filesystem::remove_all(directory_); }
  PrivateCa(const PrivateCa&) = delete;
  PrivateCa& operator=(const PrivateCa&) = delete;

  bool is_ready() const { return ready_; }
  std::string file(const char* name) const { return directory_ / name; }

 private:
  std::filesystem::path directory_;
  bool ready_ = false;
};

hub::HttpResponse ask(const std::string& url, const std::string& ca_file) {
  hub::CurlHttpClient client({"neffs/test", ca_file});
  hub::HttpRequest request;
  request.url = url;
  return hub::perform(*client.exchange({}), request, 1000);
}

TEST(Network, PrivateCaIsTrustedOnlyWhenNamed) {
  const PrivateCa ca;
  if (!ca.is_ready()) GTEST_SKIP() << "the openssl program is needed to make certificates";
  httplib::SSLServer server(ca.file("cert.pem").c_str(), ca.file("key.pem").c_str());
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("safe", "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread listener([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
  const std::string url = "https://127.0.0.1:" + std::to_string(port) + "/";

  EXPECT_EQ(ask(url, ca.file("ca.pem")).body, "safe");
  const auto error = error_of([&] { ask(url, ""); });
  EXPECT_EQ(error.kind, HubErrorKind::kUnavailable);
  EXPECT_NE(std::string(error.what()).find("SSL_CERT_FILE"), std::string::npos) << error.what();
  server.stop();
  listener.join();
}

TEST(Network, ProxyOfTheEnvironmentIsUsed) {
  LoopbackServer proxy([](const SeenRequest& request, Reply& reply) {
    reply.answer(200, {}, "proxied " + request.target);
  });
  ::setenv("http_proxy", proxy.url().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  const std::string through = ask("http://hub.invalid/a", "").body;
  ::setenv("NO_PROXY", "hub.invalid", 1);  // NOLINT(concurrency-mt-unsafe)
  const auto error = error_of([] { ask("http://hub.invalid/a", ""); });
  ::unsetenv("http_proxy");  // NOLINT(concurrency-mt-unsafe)
  ::unsetenv("NO_PROXY");    // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(through, "proxied http://hub.invalid/a");
  EXPECT_EQ(error.kind, HubErrorKind::kUnavailable);
}

}  // namespace
}  // namespace neffs::test
