// The commands that are about a repo, and need no mount.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "mount-helper/cli_documents.h"
#include "mount-helper/cli_words.h"

namespace neffs::mount_helper {
namespace {

void add_retract(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("retract", "Removes modules from the repo, to mend a wrong NEFF");
  command->add_option("MODULE", words.retract.subjects, "a module's name, or its path")
      ->type_name("...")
      ->required();
  command
      ->add_option("--repo", words.retract.repo,
                   "from where; if left out, from the repo that the mount publishes to")
      ->type_name("REPO[@BRANCH]");
  define_mount_point(*command, words.retract.mount_point, "--mountpoint");
  command->add_flag("--yes", words.retract.is_sure, "without a question");
  command->add_flag("--json", words.retract.is_json, "for programs");
  command->footer("Example:\n  neffs retract MODULE_11061925398273098547+d41d8cd9");
}

void add_create(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("create", "Makes a cache repo, and makes it your default");
  command->add_option("-n,--name", words.create.name, "in your own namespace, or namespace/name")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_flag("--public", words.create.is_public, "everybody may read it");
  command->footer("Example:\n  neffs create -n lab/neuron-cache");
}

void add_set(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("set", "Makes a cache repo that exists your default");
  command->add_option("NAME", words.set.name, "in your own namespace, or namespace/name")
      ->type_name("")
      ->required();
  command->footer("Example:\n  neffs set lab/neuron-cache");
}

void add_filters(CLI::App& command, fs::RegistryFilter& filter) {
  command.add_option("--task", filter.task, "as text-generation");
  command.add_option("--instance_type", filter.instance_type, "as trn1, trn2, inf2");
  command.add_option("--dtype", filter.dtype, "as bfloat16, float16");
  command.add_option("--tensor_parallel_size", filter.tensor_parallel_size, "number of cores")
      ->type_name("N");
  command.add_option("--batch_size", filter.batch_size, "")->type_name("N");
  command.add_option("--sequence_length", filter.sequence_length, "")->type_name("N");
}

void add_lookup(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("lookup", "Shows what a model was compiled for already, by the registry");
  command->add_option("MODEL", words.lookup.model, "its id, or a directory with its config.json")
      ->type_name("")
      ->required();
  add_filters(*command, words.lookup.filter);
  command
      ->add_option("--repo_id", words.lookup.repos,
                   "where; if left out, your own cache repo and the public one")
      ->type_name("REPO[@REVISION],...");
  define_quiet(*command, words.lookup.is_quiet);
  CLI::Option* json = command->add_flag("--json", words.lookup.is_json, "for programs");
  command->add_flag("--legacy", words.lookup.is_legacy, "as optimum-cli printed it up to 0.3")
      ->excludes(json);
  command->footer("Example:\n  neffs lookup meta-llama/Llama-3.2-1B --batch_size 4");
}

void add_list(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("list", "Shows the models and modules of a cache repo");
  command
      ->add_option("REPO", words.list.repo,
                   "which; if left out, your own cache repo or the public one")
      ->type_name("");
  command->add_option("-m,--model", words.list.model, "only this one, with its configurations");
  command->add_option("-v,--version", words.list.version, "only compilers whose version begins so");
  define_quiet(*command, words.list.is_quiet);
  command->add_flag("--json", words.list.is_json, "for programs");
  command->footer("Example:\n  neffs list lab/neuron-cache -v 2.21");
}

void add_training(CLI::App& command, TrainingArguments& training) {
  command.add_option("-m,--model", training.model, "its id, or a directory")->required();
  command.add_option("--task", training.task, "as text-generation")->required();
  const auto number = [&](const char* name, auto& value, const char* description) {
    return command.add_option(name, value, description)->type_name("N")->check(CLI::PositiveNumber);
  };
  number("--train_batch_size", training.train_batch_size, "")->required();
  number("--eval_batch_size", training.eval_batch_size, "");
  number("--sequence_length", training.sequence_length, "of a model that is one piece");
  number("--encoder_sequence_length", training.encoder_sequence_length,
         "of a model with an encoder and a decoder");
  number("--decoder_sequence_length", training.decoder_sequence_length, "likewise");
  number("--gradient_accumulation_steps", training.gradient_accumulation_steps, "")
      ->capture_default_str();
  command.add_option("--precision", training.precision, "fp or bf16")
      ->type_name("PRECISION")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"fp", "bf16"}));
  command.add_option("--num_cores", training.num_cores, "1 to 32")
      ->type_name("N")
      ->required()
      ->check(CLI::Range(1, 32));
  number("--max_steps", training.max_steps, "how long it trains")->capture_default_str();
}

void add_add(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand(
      "add", "Has a trainer of yours compile a model, and publishes what it compiled");
  add_training(*command, words.add.arguments);
  command->add_option("--repo_id", words.add.repo, "where to; if left out, your own cache repo")
      ->type_name("REPO");
  define_option_lists(*command, words);
  define_mount_point(*command, words.add.mount_point, "--mountpoint");
  command
      ->add_option("--flush-timeout", words.add.flush_timeout_s,
                   "how long to publish for when the trainer has ended")
      ->type_name("SECONDS")
      ->check(check_seconds)
      ->capture_default_str();
  command->footer(
      "The trainer is the command behind --, or the words of $NEFFS_TRAINER; {model}, {task} and "
      "the\n"
      "names of the other options in braces stand for what was given. It runs under neffs run.\n"
      "Example:\n  neffs add -m gpt2 --task text-generation --train_batch_size 8 "
      "--sequence_length 512 \\\n    --precision bf16 --num_cores 2 -- torchrun train.py --model "
      "{model} --cores {num_cores}");
}

void add_synchronize(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand(
      "synchronize", "Publishes what is in a plain cache directory, without a mount");
  command
      ->add_option("--repo_id", words.synchronize.repo,
                   "where to; if left out, your own cache repo or the public one")
      ->type_name("REPO[@BRANCH]");
  command->add_option("--cache_dir", words.synchronize.directory, "from where")
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option("--settle", words.synchronize.settle_s,
                   "how long a module must be unchanged; what is not yet is waited for")
      ->type_name("SECONDS")
      ->check(check_seconds)
      ->capture_default_str();
  define_quiet(*command, words.synchronize.is_quiet);
  command->add_flag("--json", words.synchronize.is_json, "for programs");
  command->footer("Example:\n  neffs synchronize --repo_id lab/neuron-cache");
}

}  // namespace

void define_repo_commands(CLI::App& app, Words& words) {
  add_retract(app, words);
  add_create(app, words);
  add_set(app, words);
  add_lookup(app, words);
  add_list(app, words);
  add_add(app, words);
  add_synchronize(app, words);
}

void define_documents(CLI::App& app, Words& words) {
  CLI::App* completion = app.add_subcommand("completion", "Prints what completes words in a shell");
  completion->add_option("SHELL", words.shell, "bash, zsh or fish")
      ->type_name("")
      ->required()
      ->check(CLI::IsMember(completed_shells()));
  completion->footer("Example:\n  neffs completion bash > /etc/bash_completion.d/neffs");
  CLI::App* help = app.add_subcommand("help", "Says how to use it, as --help does");
  help->add_option("COMMAND", words.help_about, "about one command")->type_name("");
  help->add_flag("--man", words.is_man, "all of it, as a page of the manual");
  help->footer("Example:\n  neffs help --man | man -l -");
  app.add_subcommand("version", "Says which version this is")->footer("Example:\n  neffs version");
}

}  // namespace neffs::mount_helper
