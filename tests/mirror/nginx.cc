#include "tests/mirror/nginx.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "fs/unique_fd.h"
#include "tests/eventually.h"
#include "tests/hub/test_client.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kProgram = "/usr/sbin/nginx";
constexpr const char* kModules = "/usr/lib/nginx/modules";

std::string shipped(const std::string& name) {
  return read_file(stdfs::path(NEFFS_MIRROR) / name).text;
}

// What a site changes, changed. Throws if it is not there, so that nothing is tested that is not shipped.
void change(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("the mirror's configuration lacks " + from);
  text.replace(at, from.size(), to);
}

std::string regular(const std::string& host) {
  std::string text;
  for (const char c : host) text += c == '.' ? std::string("\\.") : std::string(1, c);
  return text;
}

std::string without_scheme(const std::string& endpoint) {
  return endpoint.substr(endpoint.find("//") + 2);
}

// One that nobody listens on now.
int free_port() {
  const fs::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), plain, size) != 0 || ::getsockname(socket.get(), plain, &size) != 0)
    throw std::system_error(errno, std::generic_category(), "bind");
  return ntohs(address.sin_port);
}

// The frame that Debian has in /etc/nginx/nginx.conf, below a directory of the test's own.
stdfs::path write_frame(const stdfs::path& prefix, const std::string& site) {
  stdfs::create_directories(prefix / "neffs-mirror");
  for (const char* name : {"maps.conf", "rules.conf"})
    write_file(prefix / "neffs-mirror" / name, shipped(name));
  write_file(prefix / "site.conf", site);
  std::string frame = "user root;\nworker_processes 1;\ndaemon off;\n";
  frame += fmt::format("pid {0}/pid;\nerror_log {0}/error.log info;\n", prefix.string());
  for (const char* module : {"ndk_http_module.so", "ngx_http_set_misc_module.so"})
    frame += fmt::format("load_module {}/{};\n", kModules, module);
  frame += "events { worker_connections 512; }\nhttp {\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    frame += fmt::format("  {}_temp_path {}/{};\n", kind, prefix.string(), kind);
  frame += "  include site.conf;\n}\n";
  write_file(prefix / "nginx.conf", frame);
  return prefix / "nginx.conf";
}

std::vector<std::string> words(const stdfs::path& prefix, const stdfs::path& configuration) {
  return {kProgram,
          "-p",
          prefix.string(),
          "-c",
          configuration.string(),
          "-e",
          (prefix / "error.log").string()};
}

std::string site_without_places(const stdfs::path& prefix) {
  std::string site = shipped("neffs-mirror.conf");
  change(site, "/var/cache/nginx/neffs", (prefix / "kept").string());
  change(site, "/var/log/nginx/neffs-mirror.log", (prefix / "access.log").string());
  return site;
}

}  // namespace

std::optional<std::string> nginx_is_missing() {
  if (::access(kProgram, X_OK) != 0) return "there is no nginx";
  if (!stdfs::exists(stdfs::path(kModules) / "ngx_http_set_misc_module.so"))
    return "nginx has no module set-misc";
  return std::nullopt;
}

Nginx::Nginx(const Scratch& scratch, const TestHub& hub) : scratch_(scratch) {
  const stdfs::path prefix = scratch / "nginx";
  const int port = free_port();
  endpoint_ = fmt::format("http://127.0.0.1:{}", port);
  std::string site = site_without_places(prefix);
  const std::string storage = without_scheme(hub.cdn_endpoint());
  change(site, R"(((?:[a-z0-9-]+\.)+(?:hf\.co|huggingface\.co))/" https://$1)",
         "(" + regular(storage) + ")/\" http://$1");
  change(site, R"(https://((?:[a-z0-9-]+\.)+(?:hf\.co|huggingface\.co)/.*))",
         "http://(" + regular(storage) + "/.*)");
  change(site, "listen 8800", fmt::format("listen 127.0.0.1:{}", port));
  change(site, "set $neffs_hub https://huggingface.co", "set $neffs_hub " + hub.endpoint());
  const auto configuration = write_frame(prefix, site);
  process_ =
      std::make_unique<Child>(Child::Start{words(prefix, configuration), scratch.variables()});
  const bool answers = eventually([&] {
    return ask(endpoint_ + "/_storage/nobody/").status == 404 ||
           process_->wait(std::chrono::milliseconds(0));
  });
  if (!answers || process_->wait(std::chrono::milliseconds(0)))
    throw std::runtime_error("nginx: " + process_->err() + read_file(prefix / "error.log").text);
}

Nginx::~Nginx() {
  process_->send(SIGTERM);
  process_->wait();
}

std::string Nginx::everything_written() const {
  std::string text;
  for (const auto& name : files_below(scratch_ / "nginx"))
    text += name + '\n' + read_file(scratch_ / "nginx" / name).text;
  return text;
}

std::string complaints_of_shipped_configuration(const Scratch& scratch) {
  const stdfs::path prefix = scratch / "shipped";
  const auto configuration = write_frame(prefix, site_without_places(prefix));
  auto all = words(prefix, configuration);
  all.emplace_back("-t");
  all.emplace_back("-q");
  const Ended ended = run({all, scratch.variables()});
  return ended.exit_code == 0 ? ended.err
                              : ended.err + " (exit " + std::to_string(ended.exit_code) + ")";
}

}  // namespace neffs::test
