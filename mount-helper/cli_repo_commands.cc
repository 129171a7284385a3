// The commands that are about a repo, and need no mount.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

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

}  // namespace

void define_repo_commands(CLI::App& app, Words& words) {
  add_retract(app, words);
  add_create(app, words);
  add_set(app, words);
}

}  // namespace neffs::mount_helper
