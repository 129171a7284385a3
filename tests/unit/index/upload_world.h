// An index and a model of it, to which the same random verbs are done.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/unit/index/upload_kit.h"
#include "tests/unit/index/upload_model.h"

namespace neffs::test {

// A step is a few numbers, so that any of them can be left out.
struct Step {
  unsigned verb = 0;
  std::array<unsigned, 4> numbers{};
};

class World {
 public:
  explicit World(const std::filesystem::path& file) : file_(file) {
    reopen();
    model_.set_upload_target(mine_);
  }

  void run(const Step& step);
  // "" if index and model say the same.
  std::string difference();

  static constexpr unsigned kVerbs = 18;

 private:
  void reopen() {
    index_.reset();
    index::OpenReport report;
    index_ = index::Index::open(file_, report);
    index_->set_upload_target(mine_);
  }
  static std::string module(unsigned number) { return fmt::format("m{}", number % 4); }
  static std::string file(const std::string& module, unsigned number) {
    return fmt::format("{}/{}", module, "abc"[number % 3]);
  }
  static const index::UploadTarget& target(unsigned number) {
    return number % 4 == 0 ? kOther : kLab;
  }
  static std::string push_id(unsigned number) { return fmt::format("push{}", number % 3); }
  // One of the last that there were, the module's own first of all.
  std::int64_t generation(unsigned number, unsigned which) {
    const auto upload = model_.uploads.find(module(number));
    if (which % 4 != 0 && upload != model_.uploads.end()) return upload->second.entry.generation;
    return std::max<std::int64_t>(model_.last_generation - which / 4 % 5, 0);
  }
  std::vector<std::int64_t> all_generations() const {
    std::vector<std::int64_t> generations;
    for (const auto& [path, upload] : model_.uploads)
      generations.push_back(upload.entry.generation);
    return generations;
  }

  void queue(const Step& step);
  void note(const Step& step);
  void note_all(const Step& step);
  void change_state(const Step& step);
  void push(const Step& step);
  void move(const Step& step);

  std::string difference_of_lists();

  const std::filesystem::path file_;
  std::optional<index::UploadTarget> mine_ = kLab;
  std::unique_ptr<index::Index> index_;
  UploadModel model_;
  std::int64_t now_ = kNow;
  std::string complaint_;
};

}  // namespace neffs::test
