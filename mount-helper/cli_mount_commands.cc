// The commands that are about a mount.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <stdexcept>

#include "mount-helper/cli_words.h"
#include "mount-helper/option_values.h"

namespace neffs::mount_helper {

std::string check_seconds(const std::string& text) {
  try {
    parse_seconds(text);
    return "";
  } catch (const std::invalid_argument& error) {
    return text + ": " + error.what();
  }
}

namespace {

void add_mount(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("mount", "Mounts cache repos over a directory");
  command
      ->add_option(
          "SOURCE", words.first,
          "namespace/name[@revision],...; if left out, your own cache repo, then the public one")
      ->type_name("");
  command
      ->add_option("MOUNTPOINT", words.second,
                   "where; a single word that starts with /, . or ~ is this one")
      ->type_name("");
  define_option_lists(*command, words);
  command->add_flag("-f", words.mount.is_foreground, "stay in the foreground, log to stderr");
  command->footer(options_help() + "\nExample:\n  neffs mount lab/neuron-cache -o hub_timeout=1");
}

void add_umount(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("umount", "Unmounts, and waits for the daemon's end");
  define_mount_point(*command, words.umount.mount_point, "MOUNTPOINT");
  command->add_flag("--lazy", words.umount.is_lazy, "detach it also while it is in use");
  // A flag, so that a word after it is the mountpoint.
  command->add_flag(fmt::format("--flush{{{}}}", kForever), words.flush_seconds,
                    "first publish what can be, with =SECONDS for at most so long");
  define_quiet(*command, words.umount.is_quiet);
  command->footer("Example:\n  neffs umount --flush=300");
}

void add_status(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("status", "Shows what a mount does");
  define_mount_point(*command, words.status.mount_point, "MOUNTPOINT");
  auto* json = command->add_flag("--json", words.status.is_json, "for programs");
  // A flag, so that a word after it is the mountpoint.
  auto* watch = command->add_flag("--watch{1}", words.watch_seconds,
                                  "again and again, every second or with =SECONDS");
  command->add_flag("--metrics", words.status.is_metrics, "for Prometheus")
      ->excludes(json)
      ->excludes(watch);
  command->footer("Example:\n  neffs status --watch");
}

void add_explain(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("explain", "Says whether a module is a hit, and why");
  command->add_option("PATH", words.explain.subject, "a path, or the name of a module")
      ->type_name("")
      ->required();
  define_mount_point(*command, words.explain.mount_point, "--mountpoint");
  command->add_flag("--json", words.explain.is_json, "for programs");
  command->footer("Example:\n  neffs explain MODULE_11061925398273098547+d41d8cd9");
}

void add_restore(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("restore", "Brings back names that were deleted here but not in the repo");
  command->add_option("PATH", words.restore.subjects, "what was deleted; a module comes back whole")
      ->type_name("...")
      ->required();
  define_mount_point(*command, words.restore.mount_point, "--mountpoint");
  command->add_flag("--json", words.restore.is_json, "for programs");
  command->footer("Example:\n  neffs restore /var/tmp/neuron-compile-cache");
}

void add_evict(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("evict", "Removes local copies that can be fetched again");
  command->add_option("PATH", words.evict.subjects, "which copies; a module goes whole")
      ->type_name("...");
  command->add_option("--to", words.evict_to, "remove those used longest ago until so much is left")
      ->type_name("SIZE");
  define_mount_point(*command, words.evict.mount_point, "--mountpoint");
  command->add_flag("--json", words.evict.is_json, "for programs");
  command->footer("Example:\n  neffs evict --to 50G");
}

void add_warm(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("warm", "Fetches modules before they are needed");
  command
      ->add_option("--module", words.warm.modules,
                   "its name, or its path; may be given several times")
      ->type_name("MODULE...");
  command
      ->add_option("--version", words.warm.versions,
                   "all modules of the compilers whose version begins so")
      ->type_name("VERSION...");
  command
      ->add_option(
          "--model", words.warm.model,
          "the modules that it has used under neffs add, or neffs run --model, on this host; "
          "with --version those of these compilers")
      ->type_name("MODEL");
  command->add_flag("--all", words.warm.is_all, "everything that the sources have");
  command->add_flag("--yes", words.warm.is_sure, "without a question, however much it is");
  define_mount_point(*command, words.warm.mount_point, "--mountpoint");
  define_quiet(*command, words.warm.is_quiet);
  command->add_flag("--json", words.warm.is_json, "for programs");
  command->footer(
      "It can be ended and run again: what is here is not fetched twice. It stops where min_free "
      "or\n"
      "cache_size is reached. What was fetched so is not evicted until it was used, for a week at "
      "most.\n"
      "Example:\n  neffs warm --version 2.21");
}

void add_verify(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("verify", "Reads the copies again, and says which are damaged");
  command
      ->add_option("PATH", words.verify.subjects,
                   "which; a path, or the name of a module; if left out, all")
      ->type_name("...");
  command->add_flag("--repair", words.verify.repairs,
                    "remove damaged copies, so that they are fetched again");
  define_mount_point(*command, words.verify.mount_point, "--mountpoint");
  define_quiet(*command, words.verify.is_quiet);
  command->add_flag("--json", words.verify.is_json, "for programs");
  command->footer("Example:\n  neffs verify --repair");
}

void add_doctor(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("doctor", "Says what is wrong, and what mends it");
  define_mount_point(*command, words.doctor.mount_point, "MOUNTPOINT");
  command->add_flag("--clear-stale-locks", words.doctor.clears_stale_locks,
                    "remove the locks whose creator is known to be gone");
  command->add_flag("--json", words.doctor.is_json, "for programs");
  command->footer("Example:\n  neffs doctor --clear-stale-locks");
}

void add_flush(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("flush", "Waits until all that can be published is in the repo");
  define_mount_point(*command, words.flush.mount_point, "MOUNTPOINT");
  command->add_option("--timeout", words.flush.timeout_s, "give up after that time")
      ->type_name("SECONDS")
      ->check(check_seconds);
  CLI::Option* adopted = command->add_flag("--adopted", words.flush.adopts,
                                           "first release the modules that were found there");
  command->add_flag("--yes", words.flush.is_sure, "release them without a question")
      ->needs(adopted);
  define_quiet(*command, words.flush.is_quiet);
  command->add_flag("--json", words.flush.is_json, "for programs");
  command->footer("Example:\n  neffs flush --timeout 600\n  neffs flush --adopted");
}

void add_run(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand(
      "run", "Mounts if needed, runs a command, publishes what it compiled, unmounts");
  command
      ->add_option(
          "SOURCE", words.run.mount.sources,
          "namespace/name[@revision],...; if left out, what is mounted, or the default of mount")
      ->type_name("");
  define_option_lists(*command, words);
  define_mount_point(*command, words.run.mount.mount_point, "--mountpoint");
  command
      ->add_option("--flush-timeout", words.run.flush_timeout_s,
                   "how long to publish for when the command has ended")
      ->type_name("SECONDS")
      ->check(check_seconds)
      ->capture_default_str();
  command
      ->add_option("--model", words.run.model,
                   "note what the command uses as this model's, for neffs warm --model")
      ->type_name("MODEL");
  define_quiet(*command, words.run.is_quiet);
  command->footer(
      "The command stands behind --; its exit status is kept, whatever comes of publishing. A "
      "mount\n"
      "that was there already is used and stays.\n"
      "Example:\n  neffs run lab/neuron-cache --flush-timeout 60 -- torchrun train.py");
}

}  // namespace

void define_mount_point(CLI::App& command, std::string& mount_point, const char* name) {
  command.add_option(name, mount_point, "where it is mounted")
      ->type_name("DIR")
      ->capture_default_str();
}

void define_quiet(CLI::App& command, bool& is_quiet) {
  command.add_flag("-q,--quiet", is_quiet, "do not show how far it is");
}

void define_option_lists(CLI::App& command, Words& words) {
  command.add_option("-o", words.option_lists, "options of the mount, see below")
      ->type_name("OPT,...")
      ->allow_extra_args(false);
}

void define_mount_commands(CLI::App& app, Words& words) {
  add_mount(app, words);
  add_umount(app, words);
  add_status(app, words);
  add_explain(app, words);
  add_restore(app, words);
  add_evict(app, words);
  add_warm(app, words);
  add_verify(app, words);
  add_doctor(app, words);
  add_flush(app, words);
  add_run(app, words);
}

}  // namespace neffs::mount_helper
