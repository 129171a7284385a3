#include "tests/hub/test_hub.h"

#include <stdexcept>

#include "tests/hub/control_api.h"
#include "tests/hub/http_server.h"
#include "tests/hub/routes.h"

namespace neffs::test {
namespace {

std::string loopback(int port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

void add_missing(const HeaderList& headers, Answer& answer) {
  for (const auto& [name, value] : headers) {
    if (answer.header(name).empty()) answer.set_header(name, value);
  }
}

}  // namespace

// What the server of one host calls.
class TestHub::Door final : public HttpService {
 public:
  Door(TestHub& hub, Host host) : hub_(hub), host_(host) {}

  Delivery admit(Request& head) override {
    if (is_control_request(host_, head)) return {};
    const Kind kind = kind_of(host_, head);
    head.number = hub_.traffic_.arrive(host_, kind, head);
    return hub_.faults_.on_arrival(host_, kind, head);
  }
  bool take(Delivery& terms, std::uint64_t have, std::string_view piece) override {
    return hub_.pauses_.receive(terms, have, piece.size());
  }
  void lost(const Request& request) override {
    hub_.traffic_.received(request.number, request.body.size());
    hub_.traffic_.sent(request.number, 0);
  }
  Answer answer(Request request) override { return hub_.serve(host_, std::move(request)); }
  bool send(const Answer& answer, const Pauses::Write& write) override {
    return hub_.pauses_.send(answer, write);
  }

 private:
  TestHub& hub_;
  const Host host_;
};

TestHub::TestHub(const TestHubOptions& options)
    : options_(options),
      repos_(options.root, [this] { return now(); }),
      hub_door_(std::make_unique<Door>(*this, Host::kHub)),
      cdn_door_(std::make_unique<Door>(*this, Host::kCdn)),
      port_(options.port),
      cdn_port_(options.cdn_port) {
  start();
}

TestHub::~TestHub() {
  stop();
}

TestRepo& TestHub::create_repo(const std::string& name, const RepoSettings& settings) {
  return repos_.create(name, settings);
}

TestRepo& TestHub::repo(const std::string& name) const {
  TestRepo* repo = repos_.find(name);
  if (repo == nullptr) throw std::invalid_argument("no repo " + name);
  return *repo;
}

void TestHub::rename_repo(const std::string& from, const std::string& to) {
  repos_.rename(from, to);
}

void TestHub::remove_repo(const std::string& name) {
  repos_.remove(name);
}

Behaviour TestHub::behaviour() const {
  const std::scoped_lock lock(behaviour_mutex_);
  return behaviour_;
}

void TestHub::set_behaviour(const Behaviour& behaviour) {
  const std::scoped_lock lock(behaviour_mutex_);
  behaviour_ = behaviour;
}

Gate TestHub::hold(Match match, HoldPoint point) {
  return {pauses_, pauses_.close_gate(std::move(match), point)};
}

std::int64_t TestHub::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count() + clock_offset_s_;
}

void TestHub::stop() {
  pauses_.stop();
  hub_server_.reset();
  cdn_server_.reset();
}

void TestHub::start() {
  if (hub_server_) return;
  pauses_.start();
  cdn_server_ = std::make_unique<HttpServer>(cdn_port_, *cdn_door_);
  cdn_port_ = cdn_server_->port();
  cdn_endpoint_ = loopback(cdn_port_);
  hub_server_ = std::make_unique<HttpServer>(port_, *hub_door_);
  port_ = hub_server_->port();
  endpoint_ = loopback(port_);
}

// The life of a request, from its arrival to the answer that is about to be sent.
Answer TestHub::serve(Host host, Request request) {
  if (options_.control_over_http && is_control_request(host, request)) {
    return serve_control(*this, request);
  }
  const Kind kind = kind_of(host, request);
  if (request.number == 0) request.number = traffic_.arrive(host, kind, request);
  const std::uint64_t number = request.number;
  traffic_.received(number, request.body.size());
  Answer answer;
  bool goes_on = pauses_.wait_at_gates(host, kind, request, HoldPoint::kBeforeHandling) &&
                 pauses_.wait_latency();
  if (goes_on) {
    answer = respond(host, kind, request);
    goes_on = pauses_.wait_at_gates(host, kind, request, HoldPoint::kBeforeAnswering);
  }
  answer.delivery.hang_up |= !goes_on;
  traffic_.answered(number, answer.delivery.hang_up ? 0 : answer.status);
  answer.on_sent = [this, number](std::uint64_t bytes) { traffic_.sent(number, bytes); };
  return answer;
}

Answer TestHub::respond(Host host, Kind kind, Request& request) {
  const Caller caller = access_.caller(request);
  HeaderList headers;
  std::optional<Answer> answer;
  if (host == Host::kHub) {
    headers.emplace_back("X-Request-Id", "Root=1-test-" + std::to_string(++last_request_id_));
    answer = rates_.admit(request, caller, now(), headers);
  }
  if (!answer) answer = faults_.before_handling(host, kind, request);
  if (!answer) answer = route(view(caller), kind, request);
  add_missing(headers, *answer);
  faults_.after_handling(host, kind, request, *answer);
  return std::move(*answer);
}

HubView TestHub::view(const Caller& caller) {
  const Behaviour how = behaviour();
  const std::string& name = how.public_endpoint.empty() ? endpoint_ : how.public_endpoint;
  return {repos_, access_, uploads_, rates_, pauses_, how, name, cdn_endpoint_, now(), caller};
}

}  // namespace neffs::test
