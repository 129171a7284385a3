#include "tests/hub/http_server.h"

#define CPPHTTPLIB_OPENSSL_SUPPORT
#define CPPHTTPLIB_ZLIB_SUPPORT
#define CPPHTTPLIB_BROTLI_SUPPORT
#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace neffs::test {
namespace {

// Owns a socket; writes whole buffers, reads through a buffer because the library reads its lines
// byte by byte.
class Connection final : public httplib::Stream {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() override { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }

  ssize_t read(char* out, size_t size) override {
    if (begin_ == end_) {
      if (size >= buffer_.size()) return ::recv(fd_, out, size, 0);
      const ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
      if (n <= 0) return n;
      begin_ = 0;
      end_ = static_cast<std::size_t>(n);
    }
    const std::size_t n = std::min(size, end_ - begin_);
    std::copy_n(buffer_.data() + begin_, n, out);
    begin_ += n;
    return static_cast<ssize_t>(n);
  }

  ssize_t write(const char* bytes, size_t size) override {
    for (std::size_t sent = 0; sent < size;) {
      const ssize_t n = ::send(fd_, bytes + sent, size - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return -1;
      sent += static_cast<std::size_t>(n);
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    ip = text.data();
    port = ntohs(address.sin_port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    get_remote_ip_and_port(ip, port);
  }
  // Only used to refuse descriptors beyond select's limit, which nothing here uses.
  socket_t socket() const override { return 0; }

  // Ends reads and writes in progress; the descriptor stays ours.
  void hang_up() { ::shutdown(fd_, SHUT_RDWR); }

 private:
  const int fd_;
  std::array<char, 16384> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// The library gives its handlers no way to the connection they answer on.
thread_local Connection* current_connection = nullptr;

// A body is not moved about while it grows, and nobody's promise is taken for more than this.
constexpr unsigned long long kMostReserved = 64ULL << 20;

int listen_on_loopback(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  constexpr int kBacklog = 512;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    const int error = errno;
    ::close(fd);
    throw std::system_error(error, std::generic_category(),
                            "cannot listen on port " + std::to_string(port));
  }
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

Request to_plain(const httplib::Request& from) {
  Request request;
  request.method = from.method;
  request.target = from.target;
  request.remote_ip = from.remote_addr;
  const std::size_t question = from.target.find('?');
  request.segments = split_path(std::string_view(from.target).substr(0, question));
  if (question != std::string::npos) {
    request.query = parse_query(std::string_view(from.target).substr(question + 1));
  }
  for (const auto& [name, value] : from.headers) request.headers.emplace(name, value);
  return request;
}

}  // namespace

// The library parses requests and writes headers; sockets, threads and bodies are handled here, so
// that stopping is prompt and bodies can be as wrong as a test wants them.
class HttpServer::Impl : private httplib::Server {
 public:
  Impl(int port, HttpService& service) : service_(service), listener_(listen_on_loopback(port)) {
    svr_sock_ = listener_;  // else the library believes that it is shutting down
    port_ = port_of(listener_);
    route();
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Impl() override { stop(); }

  int port() const { return port_; }

  void stop() {
    if (stopping_.exchange(true)) return;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    std::list<Client> clients;
    {
      const std::scoped_lock lock(mutex_);
      clients.swap(clients_);
    }
    for (Client& client : clients) client.connection->hang_up();
    for (Client& client : clients) client.thread.join();
  }

 private:
  struct Client {
    std::unique_ptr<Connection> connection;
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> done;
  };

  void route() {
    using Lib = httplib::Request;
    set_keep_alive_timeout(3600);
    set_keep_alive_max_count(1000000);  // only told to clients: connections are kept for ever
    set_pre_routing_handler([this](const Lib& request, httplib::Response& response) {
      if (request.method != "GET" && request.method != "HEAD") return HandlerResponse::Unhandled;
      answer(to_plain(request), response);
      return HandlerResponse::Handled;
    });
    // Read by hand: the library refuses form bodies above 8 KiB.
    const auto with_body = [this](const Lib& from, httplib::Response& response,
                                  const httplib::ContentReader& reader) {
      Request request = to_plain(from);
      if (receive(request, reader)) {
        answer(std::move(request), response);
      } else {
        service_.lost(request);
        current_connection->hang_up();
      }
    };
    Post(R"([\s\S]*)", with_body);
    Put(R"([\s\S]*)", with_body);
    Delete(R"([\s\S]*)", [this](const Lib& request, httplib::Response& response) {
      answer(to_plain(request), response);
    });
  }

  // False: the body did not come to its end.
  bool receive(Request& request, const httplib::ContentReader& reader) {
    Delivery terms = service_.admit(request);
    const auto promised = request.headers.find("Content-Length");
    if (promised != request.headers.end())
      request.body.reserve(
          std::min(kMostReserved, std::strtoull(promised->second.c_str(), nullptr, 10)));
    return reader([&](const char* bytes, std::size_t size) {
      request.body.append(bytes, size);
      return service_.take(terms, request.body.size(), {bytes, size});
    });
  }

  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::scoped_lock lock(mutex_);
      join_finished();
      Client& client = clients_.emplace_back();
      client.connection = std::make_unique<Connection>(fd);
      client.done = std::make_shared<std::atomic<bool>>(false);
      client.thread = std::thread([this, connection = client.connection.get(), done = client.done] {
        serve(*connection);
        *done = true;
      });
    }
  }

  void join_finished() {
    for (auto client = clients_.begin(); client != clients_.end();) {
      if (*client->done) {
        client->thread.join();
        client = clients_.erase(client);
      } else {
        ++client;
      }
    }
  }

  void serve(Connection& connection) {
    current_connection = &connection;
    const auto prepare = [](httplib::Request& request) {
      request.ranges.clear();  // ranges are the handlers' business
      const bool may_have_body = request.method == "POST" || request.method == "PUT";
      if (may_have_body && !request.has_header("Content-Length") &&
          !request.has_header("Transfer-Encoding")) {
        request.set_header("Content-Length", "0");  // else the library reads until the end
      }
    };
    bool closed = false;
    while (!closed && !stopping_ && process_request(connection, false, closed, prepare)) {
    }
    connection.hang_up();
  }

  void answer(Request request, httplib::Response& response) {
    const bool is_head = request.method == "HEAD";
    auto reply = std::make_shared<Answer>(service_.answer(std::move(request)));
    if (reply->delivery.hang_up) {
      if (reply->on_sent) reply->on_sent(0);
      current_connection->hang_up();
      return;
    }
    response.status = reply->status;
    for (const auto& [name, value] : reply->headers) response.set_header(name, value);
    if (reply->body && !response.has_header("Content-Length")) {
      response.set_header("Content-Length", std::to_string(reply->body->size()));
    }
    if (is_head || !reply->body) {
      if (reply->on_sent) reply->on_sent(0);
      return;
    }
    // Without a length the library sends what it is given and nothing else.
    const std::string type = reply->header("Content-Type");
    response.headers.erase("Content-Type");
    response.set_content_provider(type, [this, reply](std::size_t, httplib::DataSink& sink) {
      std::uint64_t sent = 0;
      const bool keep = service_.send(*reply, [&](std::string_view piece) {
        const bool ok = sink.write(piece.data(), piece.size());
        if (ok) sent += piece.size();
        return ok;
      });
      if (reply->on_sent) reply->on_sent(sent);
      sink.done();
      return keep;
    });
  }

  HttpService& service_;
  const int listener_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::mutex mutex_;
  std::list<Client> clients_;  // guarded by mutex_
};

HttpServer::HttpServer(int port, HttpService& service)
    : impl_(std::make_unique<Impl>(port, service)) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const {
  return impl_->port();
}
void HttpServer::stop() {
  impl_->stop();
}

}  // namespace neffs::test
