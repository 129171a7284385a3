// One commit at a time: who holds the turn of a repo runs one.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace neffs::test {

// Stands for a commit that is running, until it ends or is destroyed. Empty: another one was.
class CommitTurn {
 public:
  CommitTurn() = default;
  explicit CommitTurn(std::shared_ptr<std::atomic<bool>> running) : running_(std::move(running)) {}
  ~CommitTurn() { end(); }
  CommitTurn(CommitTurn&&) noexcept = default;
  CommitTurn& operator=(CommitTurn&&) = delete;

  explicit operator bool() const { return running_ != nullptr; }
  void end() {
    if (running_) *std::exchange(running_, nullptr) = false;
  }

 private:
  std::shared_ptr<std::atomic<bool>> running_;
};

// Any thread may call. Turns may outlive it.
class CommitTurns {
 public:
  bool running() const { return running_->load(); }
  CommitTurn begin() {
    bool idle = false;
    return running_->compare_exchange_strong(idle, true) ? CommitTurn(running_) : CommitTurn();
  }

 private:
  const std::shared_ptr<std::atomic<bool>> running_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace neffs::test
