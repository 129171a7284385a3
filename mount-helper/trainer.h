// What `neffs add` compiles a model for, and the command line of the trainer that does it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace neffs::mount_helper {

// The arguments of `optimum-cli neuron cache add`.
struct TrainingArguments {
  std::string model;
  std::string task;
  int train_batch_size = 0;
  std::optional<int> eval_batch_size{};
  std::optional<int> sequence_length{};
  std::optional<int> encoder_sequence_length{};
  std::optional<int> decoder_sequence_length{};
  int gradient_accumulation_steps = 1;
  std::string precision;  // fp or bf16
  int num_cores = 0;      // 1 to 32
  int max_steps = 10;
};

// Throws CommandError (wrong usage) for what no trainer can make sense of.
void check_arguments(const TrainingArguments& arguments);

// The command with `{model}` and its kin in their places. command: as it was typed; empty: the words of
// `from_environment` ($NEFFS_TRAINER, split at blanks, no shell reads it). Other braces stay as they are.
// Throws CommandError where there is neither, or where an argument is wanted that was not given.
std::vector<std::string> trainer_command(const std::vector<std::string>& command,
                                         const std::string& from_environment,
                                         const TrainingArguments& arguments);

}  // namespace neffs::mount_helper
