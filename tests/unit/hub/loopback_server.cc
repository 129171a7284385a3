#include "tests/unit/hub/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>

namespace neffs::test {
namespace {

bool read_more(int socket, std::string& buffer) {
  char bytes[65536];
  const ssize_t length = ::recv(socket, bytes, sizeof bytes, 0);
  if (length <= 0) return false;
  buffer.append(bytes, static_cast<std::size_t>(length));
  return true;
}

SeenRequest parse_head(const std::string& head) {
  SeenRequest request;
  std::size_t line_end = head.find("\r\n");
  const std::string first = head.substr(0, line_end);
  const std::size_t blank = first.find(' ');
  request.method = first.substr(0, blank);
  request.target = first.substr(blank + 1, first.rfind(' ') - blank - 1);
  while (line_end + 2 < head.size()) {
    const std::size_t begin = line_end + 2;
    line_end = std::min(head.find("\r\n", begin), head.size());
    const std::string line = head.substr(begin, line_end - begin);
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) {
      request.headers.add(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  return request;
}

// The body of a request, kept only if it is short; false if it does not come whole.
bool read_body(int socket, std::string& buffer, SeenRequest& request) {
  const std::string length = request.header("Content-Length");
  request.body_size = length.empty() ? 0 : std::stoull(length);
  const bool kept = request.body_size <= kMostKeptBody;
  for (std::uint64_t left = request.body_size; left > 0;) {
    if (buffer.empty() && !read_more(socket, buffer)) return false;
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    if (kept) request.body.append(buffer, 0, part);
    buffer.erase(0, part);
    left -= part;
  }
  return true;
}

// The next request of a connection; what was read beyond it stays in `buffer`.
std::optional<SeenRequest> read_request(int socket, std::string& buffer,
                                        LoopbackServer::Reads reads) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(socket, buffer)) return std::nullopt;
  }
  SeenRequest request = parse_head(buffer.substr(0, end));
  buffer.erase(0, end + 4);
  const bool everything = reads == LoopbackServer::Reads::kEverything;
  if (everything && !read_body(socket, buffer, request)) return std::nullopt;
  return request;
}

}  // namespace

std::string SeenRequest::header(std::string_view name) const {
  return std::string(headers.get(name).value_or(""));
}

void Reply::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return cut();
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Reply::answer(int status, const hub::Headers& headers, std::string_view body) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " x\r\n";
  for (const hub::Header& header : headers.list()) {
    head += header.name + ": " + header.value + "\r\n";
  }
  head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  send(head + std::string(body));
}

void Reply::stall() {
  pollfd watched{socket_, POLLRDHUP, 0};
  while (!stopping_ && ::poll(&watched, 1, 20) == 0) {
  }
  cut();
}

LoopbackServer::LoopbackServer(Handler handler, Reads reads)
    : handler_(std::move(handler)), reads_(reads) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &length) != 0) {
    throw std::runtime_error("no loopback server");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& connection : connections_) connection.join();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

std::string LoopbackServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<SeenRequest> LoopbackServer::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::size_t LoopbackServer::count(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      seen_.begin(), seen_.end(),
      [&](const SeenRequest& request) { return request.target.find(part) != std::string::npos; }));
}

bool LoopbackServer::wait_for(std::size_t requests) {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, std::chrono::seconds(10), [&] { return seen_.size() >= requests; });
}

void LoopbackServer::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;  // or small pieces would wait for acknowledgements
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    {
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
    }
    connections_.emplace_back([this, socket] { serve(socket); });
  }
}

void LoopbackServer::serve(int socket) {
  std::string buffer;
  while (!stopping_) {
    const auto request = read_request(socket, buffer, reads_);
    if (!request) break;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(*request);
    }
    came_.notify_all();
    Reply reply(socket, stopping_);
    handler_(*request, reply);
    if (reply.is_cut()) break;
  }
  ::shutdown(socket, SHUT_RDWR);  // closed by the destructor, so that the number stays ours
}

}  // namespace neffs::test
