#include "mount-helper/cli_documents.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <string_view>

#include "mount-helper/version.h"

namespace neffs::mount_helper {
namespace {

using Options = std::vector<const CLI::Option*>;

Options options_of(const CLI::App& command) {
  Options options;
  for (const CLI::Option* option : command.get_options())
    if (!option->get_lnames().empty() || !option->get_snames().empty()) options.push_back(option);
  return options;
}

// As they are typed: "-n", "--name".
std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_expected_min() > 0 && !option.get_type_name().empty();
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

// Within single quotes of a shell.
std::string in_quotes(const std::string& text) {
  return "'" + replaced(text, "'", "'\\''") + "'";
}

// --- shells --------------------------------------------------------------------------------------

std::string bash_script(const CLI::App& app) {
  std::string commands;
  std::string cases;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    commands += (commands.empty() ? "" : " ") + command->get_name();
    std::string options;
    for (const CLI::Option* option : options_of(*command))
      for (const auto& name : names_of(*option)) options += (options.empty() ? "" : " ") + name;
    cases += fmt::format("    {}) options='{}' ;;\n", command->get_name(), options);
  }
  return fmt::format(R"(# bash completion of neffs
_neffs() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} options=
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '{} --help' -- "$word")
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -o filenames -F _neffs neffs
)",
                     commands, cases);
}

// Brackets and colons end a part of its specifications.
std::string zsh_text(const std::string& text) {
  auto escaped = replaced(text, "\\", "\\\\");
  for (const char* each : {"[", "]", ":"})
    escaped = replaced(escaped, each, std::string("\\") + each);
  return escaped;
}

std::string zsh_script(const CLI::App& app) {
  std::string commands;
  std::string cases;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    commands +=
        "  " + in_quotes(command->get_name() + ":" + zsh_text(command->get_description())) + "\n";
    cases += fmt::format("  {}) _arguments", command->get_name());
    for (const CLI::Option* option : options_of(*command))
      for (const auto& name : names_of(*option)) {
        auto spec = name + "[" + zsh_text(option->get_description()) + "]";
        if (takes_value(*option)) spec += ":" + zsh_text(option->get_type_name()) + ":_files";
        cases += " " + in_quotes(spec);
      }
    cases += " '*:file:_files' ;;\n";
  }
  return fmt::format(R"(#compdef neffs
local -a commands
commands=(
{})
if (( CURRENT == 2 )); then
  _describe command commands
  return
fi
local name=$words[2]
shift words
(( CURRENT-- ))
case $name in
{}esac
)",
                     commands, cases);
}

std::string fish_script(const CLI::App& app) {
  std::string lines = "# fish completion of neffs\n";
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    lines += fmt::format("complete -c neffs -n __fish_use_subcommand -f -a {} -d {}\n",
                         command->get_name(), in_quotes(command->get_description()));
    const auto when = in_quotes("__fish_seen_subcommand_from " + command->get_name());
    for (const CLI::Option* option : options_of(*command)) {
      lines += "complete -c neffs -n " + when;
      for (const auto& name : option->get_snames()) lines += " -s " + name;
      for (const auto& name : option->get_lnames()) lines += " -l " + name;
      if (takes_value(*option)) lines += " -r";
      lines += " -d " + in_quotes(option->get_description()) + "\n";
    }
  }
  return lines;
}

// --- the manual ----------------------------------------------------------------------------------

std::string roff(const std::string& text) {
  auto escaped = replaced(text, "\\", "\\e");
  escaped = replaced(escaped, "-", "\\-");
  std::string lines;
  std::istringstream in(escaped);
  for (std::string line; std::getline(in, line);) {
    // A dot or a quote in front would be a request.
    const bool is_request = line.starts_with('.') || line.starts_with('\'');
    lines += (lines.empty() ? "" : "\n") + std::string(is_request ? "\\&" : "") + line;
  }
  return lines;
}

std::string synopsis_of(const CLI::App& command) {
  auto line = "neffs " + command.get_name();
  if (!options_of(command).empty()) line += " [OPTION...]";
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const auto name = option->get_name(true, false);
    line += option->get_required() ? " " + name : " [" + name + "]";
    if (option->get_type_name() == "...") line += "...";
  }
  return line;
}

std::string options_text(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    std::string label;
    for (const auto& name : names_of(*option)) label += (label.empty() ? "" : ", ") + name;
    if (label.empty()) label = option->get_name(true, false);
    if (takes_value(*option) && option->get_type_name() != "...")
      label += " " + option->get_type_name();
    auto description = option->get_description();
    if (const auto initial = option->get_default_str(); !initial.empty())
      description += "; by default " + initial;
    text += fmt::format(".TP\n.B {}\n{}\n", roff(label), roff(description));
  }
  return text;
}

}  // namespace

const std::vector<std::string>& completed_shells() {
  static const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  return shells;
}

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash_script(app);
  return shell == "zsh" ? zsh_script(app) : fish_script(app);
}

std::string man_page(const CLI::App& app) {
  std::string page = fmt::format(".TH NEFFS 1 \"\" \"neffs {}\" \"User Commands\"\n", kVersion);
  page += ".SH NAME\nneffs \\- a Hugging Face Hub repo as the AWS Neuron compile cache\n";
  page += ".SH SYNOPSIS\n.nf\n";
  for (const CLI::App* command : app.get_subcommands(nullptr))
    page += roff(synopsis_of(*command)) + "\n";
  page += ".fi\n.SH DESCRIPTION\n" + roff(app.get_description()) + "\n.SH COMMANDS\n";
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    page +=
        fmt::format(".SS {}\n{}.\n", roff(synopsis_of(*command)), roff(command->get_description()));
    page += options_text(*command);
    if (const auto footer = command->get_footer(); !footer.empty())
      page += ".PP\n.nf\n" + roff(footer) + "\n.fi\n";
  }
  page += R"(.SH EXIT STATUS
0 on success, 1 on failure, 2 on wrong usage; of
.B run
that of its command.
.SH ENVIRONMENT
HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME, HF_ENDPOINT, HF_HUB_OFFLINE, CUSTOM_CACHE_REPO,
HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, CURL_CA_BUNDLE; NO_COLOR switches bold letters off.
.SH FILES
.TP
.IR /etc/neffs.conf ", " ~/.config/neffs.conf
Options of mounts, see
.BR neffs.conf (5).
.TP
.I $HF_HOME/optimum_neuron_custom_cache
The default repo, which optimum\-cli reads and writes too.
.TP
.I DIR/.cache/huggingface/neffs
The state of a cache directory.
.TP
.I $XDG_CACHE_HOME/neffs
What commands have read of repos; it may be removed.
.SH SEE ALSO
.BR neffs.conf (5),
.BR mount.neffs (8),
.BR mount (8),
.BR fusermount3 (1)
)";
  return page;
}

}  // namespace neffs::mount_helper
