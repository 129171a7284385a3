// One object to the storage: in one piece or in several at once, checked on the way, announced.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub_client.h"
#include "hub/lfs_batch.h"
#include "hub/push_repo.h"
#include "hub/upload_share.h"

namespace neffs::hub {

// Used by one thread, which also does all the reading and checking. Bytes that are not those the
// object is named after never become an object: the last of them is held back.
class ObjectUpload {
 public:
  // All references must outlive this.
  ObjectUpload(const HubClient& hub, const LfsObject& object, const OpenedFile& file,
               UploadShare& share, std::chrono::milliseconds idle_timeout,
               const CallLimits& limits);
  ~ObjectUpload();
  ObjectUpload(const ObjectUpload&) = delete;
  ObjectUpload& operator=(const ObjectUpload&) = delete;

  // True: the storage has the object. False: it does not accept these addresses (any more), for the
  // reason that refusal() gives. Parts are tried again by the retry policy. Throws HubError.
  bool send(const UploadRoute& route);
  const HubError& refusal() const { return *refusal_; }
  // After false: everything will be sent again.
  void take_back_progress() const;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  class Source;

  struct Part {
    Url url;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::string etag;
    bool carried = false;
    bool stored = false;
    int failures = 0;
    TimePoint not_before{};
  };
  // A part on its way.
  struct Flight {
    std::size_t part = 0;
    std::shared_ptr<Source> source;
    UploadShare::Turn turn;  // null for the one that needs none
    HttpHead head;
    std::string body;
  };

  void plan_parts(const UploadRoute& route);
  void add_part(const Url& url, std::uint64_t offset, std::uint64_t size);
  bool send_parts();
  void launch(TimePoint now);
  void start(Part& part, std::size_t index, UploadShare::Turn turn);
  TimePoint wake_at(TimePoint now) const;
  // These return false where the address is refused.
  bool handle(HttpEvent& event);
  bool on_answer(Part& part, const HttpHead& head, const std::string& body);
  bool complete(const UploadRoute& route);
  void verify(const Url& url);

  void retry(Part& part, const HubError& failure);
  // The storage's answer as an error; kUnavailable with the status if waiting may mend it.
  HubError error_of_storage(const Url& url, int status, const std::string& body) const;

  const HubClient& hub_;
  const LfsObject& object_;
  const OpenedFile& file_;
  UploadShare& share_;
  const std::chrono::milliseconds idle_timeout_;
  const CallLimits& limits_;

  std::vector<Part> parts_;
  bool in_parts_ = false;
  std::map<TransferId, Flight> flights_;
  std::unique_ptr<HttpExchange> exchange_;
  bool fresh_connection_ = false;
  std::optional<HubError> refusal_;
};

}  // namespace neffs::hub
