#include "mount-helper/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include "hub/environment.h"
#include "mount-helper/cli_documents.h"
#include "mount-helper/cli_words.h"
#include "mount-helper/command_error.h"
#include "mount-helper/nearest.h"
#include "mount-helper/option_values.h"
#include "mount-helper/version.h"

namespace neffs::mount_helper {
namespace {

constexpr const char* kDescription =
    "A Hugging Face Hub repo as the AWS Neuron compile cache: mounted once, it gives every job the "
    "modules that others have compiled.";

constexpr std::chrono::milliseconds kShortestWatch{100};

bool looks_like_path(const std::string& word) {
  return word.starts_with('/') || word.starts_with('.') || word.starts_with('~');
}

// Whoever calls without a shell (systemd, Python) has not had it replaced.
std::string expanded(const std::string& path) {
  return hub::Environment::of_process().expand(path);
}

// What stands behind the first -- of `run` and `add` is another program's command line, and is not read here.
std::vector<std::string> take_command(std::vector<std::string>& words) {
  if (words.empty() || (words[0] != "run" && words[0] != "add")) return {};
  const bool may_lack = words[0] == "add";
  const auto end = std::find(words.begin(), words.end(), "--");
  const auto asks = [](const std::string& word) { return word == "-h" || word == "--help"; };
  if (std::any_of(words.begin(), end, asks)) {
    words.erase(end, words.end());
    return {};
  }
  if (end == words.end() && may_lack) return {};
  if (end == words.end() || (end + 1 == words.end() && !may_lack))
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

void name_watch(Words& words) {
  if (words.watch_seconds.empty()) return;
  try {
    const auto between = parse_seconds(words.watch_seconds);
    if (between < kShortestWatch) throw std::invalid_argument("at least 0.1");
    words.status.watch_s = std::chrono::duration<double>(between).count();
  } catch (const std::invalid_argument& error) {
    throw usage_error("--watch=" + words.watch_seconds, error.what());
  }
}

void name_mount(Words& words) {
  const bool stands_alone = words.second.empty() && looks_like_path(words.first);
  const std::string& mount_point = stands_alone ? words.first : words.second;
  if (!stands_alone) words.mount.sources = words.first;
  if (!mount_point.empty()) words.mount.mount_point = expanded(mount_point);
  words.mount.options = parse_options(words.option_lists);
  words.mount.option_lists = words.option_lists;
}

void name_run(Words& words) {
  auto& mount = words.run.mount;
  if (looks_like_path(mount.sources))
    throw usage_error("run " + mount.sources, "a path, where SOURCE stands",
                      "--mountpoint says where to mount");
  mount.mount_point = expanded(mount.mount_point);
  mount.options = parse_options(words.option_lists);
  mount.option_lists = words.option_lists;
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

void refuse_unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty() || words[0].starts_with('-')) return;
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands(nullptr))
    commands.push_back(command->get_name());
  if (std::find(commands.begin(), commands.end(), words[0]) != commands.end()) return;
  const std::vector<std::string_view> names(commands.begin(), commands.end());
  throw usage_error("command " + words[0], "unknown",
                    guess(words[0], names) + "neffs --help lists them all");
}

Request help_for(const CLI::App& app, const Words& words) {
  if (words.is_man) return Printed{man_page(app)};
  if (words.help_about.empty()) return Printed{app.help("neffs")};
  refuse_unknown_command(app, {words.help_about});
  return Printed{app.get_subcommand(words.help_about)->help("neffs")};
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
  if (app.got_subcommand("add")) {
    words.add.mount_point = expanded(words.add.mount_point);
    words.add.options = parse_options(words.option_lists);
    return words.add;
  }
  if (app.got_subcommand("flush")) return words.flush;
  if (app.got_subcommand("retract")) return words.retract;
  if (app.got_subcommand("create")) return words.create;
  if (app.got_subcommand("set")) return words.set;
  if (app.got_subcommand("lookup")) return words.lookup;
  if (app.got_subcommand("list")) return words.list;
  if (app.got_subcommand("synchronize")) return words.synchronize;
  if (app.got_subcommand("completion")) return Printed{completion_script(app, words.shell)};
  if (app.got_subcommand("help")) return help_for(app, words);
  if (app.got_subcommand("status")) {
    name_watch(words);
    return words.status;
  }
  if (app.got_subcommand("explain")) return words.explain;
  if (app.got_subcommand("restore")) return words.restore;
  if (app.got_subcommand("evict")) {
    name_evict(words);
    return words.evict;
  }
  if (app.got_subcommand("warm")) return words.warm;
  if (app.got_subcommand("verify")) return words.verify;
  if (app.got_subcommand("doctor")) return words.doctor;
  return VersionRequest{};
}

// CLI11 reads from the back.
std::vector<std::string> reversed(const std::vector<std::string>& words) {
  return {words.rbegin(), words.rend()};
}

// As it continues a line; a word in capitals is a name.
std::string lower_first(std::string text) {
  const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (text.size() > 1 && std::isupper(letter(1)) == 0) {
    text[0] = static_cast<char>(std::tolower(letter(0)));
  }
  return text;
}

// The first word that looks like an option and is none of the command's.
void refuse_unknown_option(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  const CLI::App& command = commands.empty() ? app : *commands.front();
  const auto left = app.remaining(true);
  const auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) {
    return word.size() > 1 && word.starts_with('-');
  });
  if (option == left.end()) return;
  std::vector<std::string> known;
  for (const CLI::Option* each : command.get_options()) {
    for (const auto& name : each->get_lnames()) known.push_back("--" + name);
    for (const auto& name : each->get_snames()) known.push_back("-" + name);
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  const auto typed = option->substr(0, option->find('='));
  const auto asked = commands.empty() ? app.get_name() : app.get_name() + " " + command.get_name();
  throw usage_error("option " + typed, "unknown",
                    fmt::format("{}{} --help lists them all", guess(typed, names), asked));
}

// Runs CLI11; the text of the help if that was asked for.
std::optional<std::string> read_words(CLI::App& app, const std::vector<std::string>& words) {
  try {
    app.parse(reversed(words));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::CallForVersion& version) {
    return version.what() + std::string("\n");
  } catch (const CLI::ParseError& error) {
    refuse_unknown_option(app);
    throw usage_error("command line", lower_first(error.what()), "neffs --help says how");
  }
}

Request parse_neffs(std::vector<std::string> words) {
  Words read;
  read.run.command = take_command(words);
  read.add.command = read.run.command;
  CLI::App app(kDescription, "neffs");
  app.set_help_flag("-h,--help", "says how to use it");
  app.set_version_flag("--version", fmt::format("neffs {}", kVersion), "as the command version");
  app.require_subcommand(1);
  define_mount_commands(app, read);
  define_repo_commands(app, read);
  define_documents(app, read);
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
  define_option_lists(app, read);
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
  // /proc/mounts names the type as fuse.neffs, and so do lines that were copied from there.
  const auto name = std::filesystem::path(program).filename();
  const bool is_helper = name == "mount.neffs" || name == "mount.fuse.neffs";
  return is_helper ? parse_mount_helper(words) : parse_neffs(words);
}

}  // namespace neffs::mount_helper
