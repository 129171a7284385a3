#include "mount-helper/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include "hub/environment.h"
#include "mount-helper/command_error.h"
#include "mount-helper/nearest.h"
#include "mount-helper/option_values.h"

namespace neffs::mount_helper {
namespace {

constexpr const char* kDescription =
    "A Hugging Face Hub repo as the AWS Neuron compile cache: mounted once, it gives every job the "
    "modules that others have compiled.";

// What `umount --flush` means without a time.
constexpr const char* kForever = "forever";

// What the words are bound to while CLI11 reads them.
struct Words {
  std::string first;   // SOURCE, or the mountpoint if it stands alone
  std::string second;  // MOUNTPOINT
  std::vector<std::string> option_lists;
  MountRequest mount;
  UmountRequest umount;
  StatusRequest status;
  ExplainRequest explain;
  RestoreRequest restore;
  EvictRequest evict;
  std::string evict_to;
  DoctorRequest doctor;
  FlushRequest flush;
  RetractRequest retract;
  CreateRequest create;
  RunRequest run;
  std::string flush_seconds;  // of umount; "" if it does not flush
};

bool looks_like_path(const std::string& word) {
  return word.starts_with('/') || word.starts_with('.') || word.starts_with('~');
}

// Whoever calls without a shell (systemd, Python) has not had it replaced.
std::string expanded(const std::string& path) {
  return hub::Environment::of_process().expand(path);
}

void add_option_lists(CLI::App& command, Words& words) {
  command.add_option("-o", words.option_lists, "options of the mount, see below")
      ->type_name("OPT,...")
      ->allow_extra_args(false);
}

void add_mount_point(CLI::App& command, std::string& mount_point, const char* name) {
  command.add_option(name, mount_point, "where it is mounted")
      ->type_name("DIR")
      ->capture_default_str();
}

CLI::App* add_mount(CLI::App& app, Words& words) {
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
  add_option_lists(*command, words);
  command->add_flag("-f", words.mount.is_foreground, "stay in the foreground, log to stderr");
  command->footer(options_help() + "\nExample:\n  neffs mount lab/neuron-cache -o hub_timeout=1");
  return command;
}

void add_umount(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("umount", "Unmounts, and waits for the daemon's end");
  add_mount_point(*command, words.umount.mount_point, "MOUNTPOINT");
  command->add_flag("--lazy", words.umount.is_lazy, "detach it also while it is in use");
  // A flag, so that a word after it is the mountpoint.
  command->add_flag(fmt::format("--flush{{{}}}", kForever), words.flush_seconds,
                    "first publish what can be, with =SECONDS for at most so long");
  command->footer("Example:\n  neffs umount --flush=300");
}

void add_status(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("status", "Shows what a mount does");
  add_mount_point(*command, words.status.mount_point, "MOUNTPOINT");
  command->add_flag("--json", words.status.is_json, "for programs");
  command->footer("Example:\n  neffs status --json");
}

void add_explain(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("explain", "Says whether a module is a hit, and why");
  command->add_option("PATH", words.explain.subject, "a path, or the name of a module")
      ->type_name("")
      ->required();
  add_mount_point(*command, words.explain.mount_point, "--mountpoint");
  command->add_flag("--json", words.explain.is_json, "for programs");
  command->footer("Example:\n  neffs explain MODULE_11061925398273098547+d41d8cd9");
}

void add_restore(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("restore", "Brings back names that were deleted here but not in the repo");
  command->add_option("PATH", words.restore.subjects, "what was deleted; a module comes back whole")
      ->type_name("...")
      ->required();
  add_mount_point(*command, words.restore.mount_point, "--mountpoint");
  command->add_flag("--json", words.restore.is_json, "for programs");
  command->footer("Example:\n  neffs restore /var/tmp/neuron-compile-cache");
}

void add_evict(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("evict", "Removes local copies that can be fetched again");
  command->add_option("PATH", words.evict.subjects, "which copies; a module goes whole")
      ->type_name("...");
  command->add_option("--to", words.evict_to, "remove those used longest ago until so much is left")
      ->type_name("SIZE");
  add_mount_point(*command, words.evict.mount_point, "--mountpoint");
  command->add_flag("--json", words.evict.is_json, "for programs");
  command->footer("Example:\n  neffs evict --to 50G");
}

void add_doctor(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("doctor", "Says what is wrong, and what mends it");
  add_mount_point(*command, words.doctor.mount_point, "MOUNTPOINT");
  command->add_flag("--clear-stale-locks", words.doctor.clears_stale_locks,
                    "remove the locks whose creator is known to be gone");
  command->add_flag("--json", words.doctor.is_json, "for programs");
  command->footer("Example:\n  neffs doctor --clear-stale-locks");
}

void add_flush(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("flush", "Waits until all that can be published is in the repo");
  add_mount_point(*command, words.flush.mount_point, "MOUNTPOINT");
  command->add_option("--timeout", words.flush.timeout_s, "give up after that time")
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber);
  CLI::Option* adopted = command->add_flag("--adopted", words.flush.adopts,
                                           "first release the modules that were found there");
  command->add_flag("--yes", words.flush.is_sure, "release them without a question")
      ->needs(adopted);
  command->footer("Example:\n  neffs flush --timeout 600\n  neffs flush --adopted");
}

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
  add_mount_point(*command, words.retract.mount_point, "--mountpoint");
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

void add_run(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand(
      "run", "Mounts if needed, runs a command, publishes what it compiled, unmounts");
  command
      ->add_option(
          "SOURCE", words.run.mount.sources,
          "namespace/name[@revision],...; if left out, what is mounted, or the default of mount")
      ->type_name("");
  add_option_lists(*command, words);
  add_mount_point(*command, words.run.mount.mount_point, "--mountpoint");
  command
      ->add_option("--flush-timeout", words.run.flush_timeout_s,
                   "how long to publish for when the command has ended")
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->footer(
      "The command stands behind --; its exit status is kept, whatever comes of publishing. A "
      "mount\n"
      "that was there already is used and stays.\n"
      "Example:\n  neffs run lab/neuron-cache --flush-timeout 60 -- torchrun train.py");
}

// What stands behind the first -- of `run` is another program's command line, and is not read here.
std::vector<std::string> take_command(std::vector<std::string>& words) {
  if (words.empty() || words[0] != "run") return {};
  const auto end = std::find(words.begin(), words.end(), "--");
  const auto asks = [](const std::string& word) { return word == "-h" || word == "--help"; };
  if (std::any_of(words.begin(), end, asks)) {
    words.erase(end, words.end());
    return {};
  }
  if (end == words.end() || end + 1 == words.end())
    throw usage_error("run", "the command is missing", "neffs run [SOURCE] -- COMMAND...");
  std::vector<std::string> command(end + 1, words.end());
  words.erase(end, words.end());
  return command;
}

void name_flush(Words& words) {
  words.umount.flushes = !words.flush_seconds.empty();
  if (!words.umount.flushes || words.flush_seconds == kForever) return;
  try {
    words.umount.flush_s =
        std::chrono::duration<double>(parse_seconds(words.flush_seconds)).count();
  } catch (const std::invalid_argument& error) {
    throw usage_error("--flush=" + words.flush_seconds, error.what());
  }
}

void name_mount(Words& words) {
  const bool stands_alone = words.second.empty() && looks_like_path(words.first);
  const std::string& mount_point = stands_alone ? words.first : words.second;
  if (!stands_alone) words.mount.sources = words.first;
  if (!mount_point.empty()) words.mount.mount_point = expanded(mount_point);
  words.mount.options = parse_options(words.option_lists);
}

void name_run(Words& words) {
  auto& mount = words.run.mount;
  if (looks_like_path(mount.sources))
    throw usage_error("run " + mount.sources, "a path, where SOURCE stands",
                      "--mountpoint says where to mount");
  mount.mount_point = expanded(mount.mount_point);
  mount.options = parse_options(words.option_lists);
  words.run.has_options = !words.option_lists.empty();
}

void name_evict(Words& words) {
  if (words.evict_to.empty()) return;
  if (!words.evict.subjects.empty())
    throw usage_error("evict", "--to and paths exclude each other", "give one of them");
  try {
    words.evict.to = parse_size(words.evict_to);
  } catch (const std::invalid_argument& error) {
    throw usage_error("--to " + words.evict_to, error.what(), "neffs evict --to 50G");
  }
}

Request request_of(const CLI::App& app, Words& words) {
  if (app.got_subcommand("mount")) {
    name_mount(words);
    return words.mount;
  }
  if (app.got_subcommand("umount")) {
    name_flush(words);
    return words.umount;
  }
  if (app.got_subcommand("run")) {
    name_run(words);
    return words.run;
  }
  if (app.got_subcommand("flush")) return words.flush;
  if (app.got_subcommand("retract")) return words.retract;
  if (app.got_subcommand("create")) return words.create;
  if (app.got_subcommand("status")) return words.status;
  if (app.got_subcommand("explain")) return words.explain;
  if (app.got_subcommand("restore")) return words.restore;
  if (app.got_subcommand("evict")) {
    name_evict(words);
    return words.evict;
  }
  if (app.got_subcommand("doctor")) return words.doctor;
  return VersionRequest{};
}

// CLI11 reads from the back.
std::vector<std::string> reversed(const std::vector<std::string>& words) {
  return {words.rbegin(), words.rend()};
}

void refuse_unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty() || words[0].starts_with('-')) return;
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands(nullptr))
    commands.push_back(command->get_name());
  if (std::find(commands.begin(), commands.end(), words[0]) != commands.end()) return;
  const std::vector<std::string_view> names(commands.begin(), commands.end());
  throw usage_error(
      "command " + words[0], "unknown",
      fmt::format("is {} meant? neffs --help lists them all", nearest(words[0], names)));
}

// As it continues a line; a word in capitals is a name.
std::string lower_first(std::string text) {
  const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (text.size() > 1 && std::isupper(letter(1)) == 0) {
    text[0] = static_cast<char>(std::tolower(letter(0)));
  }
  return text;
}

// Runs CLI11; the text of the help if that was asked for.
std::optional<std::string> read_words(CLI::App& app, const std::vector<std::string>& words) {
  try {
    app.parse(reversed(words));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ParseError& error) {
    throw usage_error("command line", lower_first(error.what()), "neffs --help says how");
  }
}

Request parse_neffs(std::vector<std::string> words) {
  Words read;
  read.run.command = take_command(words);
  CLI::App app(kDescription, "neffs");
  app.set_help_flag("-h,--help", "says how to use it");
  app.require_subcommand(1);
  add_mount(app, read);
  add_umount(app, read);
  add_status(app, read);
  add_explain(app, read);
  add_restore(app, read);
  add_evict(app, read);
  add_doctor(app, read);
  add_flush(app, read);
  add_retract(app, read);
  add_create(app, read);
  add_run(app, read);
  app.add_subcommand("version", "Says which version this is")->footer("Example:\n  neffs version");
  app.footer("Example:\n  neffs mount lab/neuron-cache\n  neffs status");
  refuse_unknown_command(app, words);
  if (auto help = read_words(app, words)) return Printed{std::move(*help)};
  return request_of(app, read);
}

Request parse_mount_helper(const std::vector<std::string>& words) {
  Words read;
  bool is_ignored = false;
  bool is_fake = false;
  std::string ignored;
  CLI::App app(kDescription, "mount.neffs");
  app.add_option("SOURCE", read.first)->type_name("")->required();
  app.add_option("MOUNTPOINT", read.second)->type_name("")->required();
  add_option_lists(app, read);
  app.add_flag("-s,-n,-v", is_ignored, "ignored, as every helper of mount(8) may");
  app.add_flag("-f", is_fake, "only check the arguments");
  app.add_option("-t", ignored, "ignored: the type");
  app.footer("Example:\n  mount -t neffs lab/neuron-cache /var/tmp/neuron-compile-cache");
  if (auto help = read_words(app, words)) return Printed{std::move(*help)};
  name_mount(read);
  if (is_fake) return Printed{};
  return read.mount;
}

}  // namespace

Request parse_command_line(const std::string& program, const std::vector<std::string>& words) {
  const bool is_helper = std::filesystem::path(program).filename() == "mount.neffs";
  return is_helper ? parse_mount_helper(words) : parse_neffs(words);
}

}  // namespace neffs::mount_helper
