// One question to several sources at once, and a single answer for who waits.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "fs/remote_view.h"

namespace neffs::fs {

// Asked once. Who has just failed is asked too, but nobody waits for it. Safe for any thread; the mutex
// is a leaf. Lives until the last answer is there; the views outlive it.
class Question : public std::enable_shared_from_this<Question> {
 public:
  struct Asked {
    RemoteView* view = nullptr;
    std::function<void(RemoteView::Done)> ask;
  };

  // is_enough: what has been answered decides it, whatever the others are going to say
  Question(std::vector<Asked> asked, std::function<bool()> is_enough);

  // There is nothing to ask.
  bool is_empty() const { return asked_.empty(); }
  // There is somebody who may answer in time.
  bool is_worth_waiting() const { return waited_for_ > 0; }
  // `done` is called once: when it is decided, or when all who are waited for have answered; with the
  // first failure among them, if there was one.
  void start(RemoteView::Done done);
  // Asks, and waits for nobody.
  void start() {
    start([](const std::exception_ptr&) {});
  }
  // Somebody has waited as long as he may: those who have not answered are not waited for any more.
  void note_slow();

 private:
  void ask();
  bool is_decided() const;
  void answered(std::size_t which, const std::exception_ptr& error);

  const std::vector<Asked> asked_;
  const std::function<bool()> is_enough_;
  std::vector<bool> is_waited_for_;  // of the same; set by the constructor
  std::size_t waited_for_ = 0;       // likewise

  std::mutex mutex_;  // a leaf; protects everything below
  std::vector<bool> has_answered_;
  std::size_t left_ = 0;
  std::exception_ptr error_;
  RemoteView::Done done_;  // empty once it was called
};

}  // namespace neffs::fs
