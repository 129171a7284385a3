#include "mount-helper/trainer.h"

#include <fmt/format.h>

#include <array>
#include <sstream>
#include <utility>

#include "mount-helper/command_error.h"

namespace neffs::mount_helper {
namespace {

constexpr const char* kVariable = "NEFFS_TRAINER";

std::string text_of(const std::optional<int>& number) {
  return number ? std::to_string(*number) : "";
}

// By the names of the options; "" for what was not given.
std::vector<std::pair<std::string, std::string>> values_of(const TrainingArguments& arguments) {
  return {{"model", arguments.model},
          {"task", arguments.task},
          {"train_batch_size", std::to_string(arguments.train_batch_size)},
          {"eval_batch_size", text_of(arguments.eval_batch_size)},
          {"sequence_length", text_of(arguments.sequence_length)},
          {"encoder_sequence_length", text_of(arguments.encoder_sequence_length)},
          {"decoder_sequence_length", text_of(arguments.decoder_sequence_length)},
          {"gradient_accumulation_steps", std::to_string(arguments.gradient_accumulation_steps)},
          {"precision", arguments.precision},
          {"num_cores", std::to_string(arguments.num_cores)},
          {"max_steps", std::to_string(arguments.max_steps)}};
}

// From left to right, so that what was put in is not looked at again.
std::string substituted(const std::string& word,
                        const std::vector<std::pair<std::string, std::string>>& values) {
  std::string result;
  for (std::size_t at = 0; at < word.size();) {
    bool is_placeholder = false;
    for (const auto& [name, value] : values) {
      const auto placeholder = "{" + name + "}";
      if (word.compare(at, placeholder.size(), placeholder) != 0) continue;
      if (value.empty())
        throw usage_error("add",
                          fmt::format("the trainer wants {}, which was not given", placeholder),
                          "give --" + name);
      result += value;
      at += placeholder.size();
      is_placeholder = true;
      break;
    }
    if (!is_placeholder) result += word[at++];
  }
  return result;
}

}  // namespace

void check_arguments(const TrainingArguments& arguments) {
  const bool has_both = arguments.encoder_sequence_length && arguments.decoder_sequence_length;
  const bool has_one = arguments.encoder_sequence_length || arguments.decoder_sequence_length;
  if (arguments.sequence_length && has_one)
    throw usage_error("add",
                      "--sequence_length and those of encoder and decoder exclude each other",
                      "give the one, or the two others");
  if (!arguments.sequence_length && !has_both)
    throw usage_error("add", "how long the sequences are is not said",
                      "give --sequence_length, or both --encoder_sequence_length and "
                      "--decoder_sequence_length");
}

std::vector<std::string> trainer_command(const std::vector<std::string>& command,
                                         const std::string& from_environment,
                                         const TrainingArguments& arguments) {
  auto words = command;
  if (words.empty()) {
    std::istringstream in(from_environment);
    for (std::string word; in >> word;) words.push_back(std::move(word));
  }
  if (words.empty())
    throw usage_error("add", "there is no trainer: neffs compiles nothing itself",
                      fmt::format("give a command behind --, or {}, as 'python train.py --model "
                                  "{{model}} --batch_size {{train_batch_size}}'",
                                  kVariable));
  const auto values = values_of(arguments);
  for (auto& word : words) word = substituted(word, values);
  return words;
}

}  // namespace neffs::mount_helper
