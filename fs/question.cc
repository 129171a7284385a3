#include "fs/question.h"

#include <utility>

#include <spdlog/spdlog.h>

namespace neffs::fs {

Question::Question(std::vector<Asked> asked, std::function<bool()> is_enough)
    : asked_(std::move(asked)), is_enough_(std::move(is_enough)) {
  for (const auto& one : asked_) {
    const bool answers = one.view->is_worth_waiting();
    is_waited_for_.push_back(answers);
    if (answers) ++waited_for_;
  }
  has_answered_.resize(asked_.size());
  left_ = waited_for_;
}

void Question::start(RemoteView::Done done) {
  if (waited_for_ == 0) {
    ask();
    done(nullptr);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    done_ = std::move(done);
  }
  ask();
}

void Question::ask() {
  const auto self = shared_from_this();
  for (std::size_t which = 0; which < asked_.size(); ++which)
    asked_[which].ask(
        [self, which](const std::exception_ptr& error) { self->answered(which, error); });
}

// Others wait for the same answers: nothing may be thrown at who gives them.
bool Question::is_decided() const {
  try {
    return is_enough_();
  } catch (const std::exception& error) {
    spdlog::warn("it cannot be told whether an answer is enough: {}", error.what());
    return false;
  }
}

void Question::answered(std::size_t which, const std::exception_ptr& error) {
  bool is_last = false;
  {
    const std::lock_guard lock(mutex_);
    const bool is_told_twice = has_answered_[which];
    has_answered_[which] = true;
    if (is_told_twice || !is_waited_for_[which] || !done_) return;
    if (error && !error_) error_ = error;
    is_last = --left_ == 0;
  }
  if (!is_last && !is_decided()) return;
  RemoteView::Done done;
  std::exception_ptr first_error;
  {
    const std::lock_guard lock(mutex_);
    done = std::exchange(done_, nullptr);
    first_error = error_;
  }
  if (done) done(first_error);
}

void Question::note_slow() {
  std::vector<RemoteView*> slow;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t which = 0; which < asked_.size(); ++which)
      if (is_waited_for_[which] && !has_answered_[which]) slow.push_back(asked_[which].view);
  }
  for (auto* view : slow) view->note_slow();
}

}  // namespace neffs::fs
