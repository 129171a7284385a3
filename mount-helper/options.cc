#include "mount-helper/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "mount-helper/command_error.h"
#include "mount-helper/nearest.h"
#include "mount-helper/option_values.h"

namespace neffs::mount_helper {
namespace {

// For the kernel, which fusermount3 hands them to.
constexpr std::array<std::string_view, 11> kForKernel = {"suid",  "nosuid",  "dev",    "nodev",
                                                         "exec",  "noexec",  "sync",   "async",
                                                         "atime", "noatime", "dirsync"};

// For mount(8), systemd and people, which pass them on to helpers all the same; and what is said of
// times and versions, which FUSE leaves to the filesystem, and libfuse does not know.
constexpr std::array<std::string_view, 26> kIgnored = {
    "defaults",   "auto",     "noauto",     "nofail",      "_netdev",       "user",
    "nouser",     "users",    "nousers",    "owner",       "noowner",       "group",
    "nogroup",    "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime",
    "nolazytime", "diratime", "nodiratime", "iversion",    "noiversion",    "nomand",
    "loud",       "silent"};

struct Given {
  std::string text;  // as it was written
  std::string name;
  std::optional<std::string> value;
};

Given split_at_equals(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, text, std::nullopt};
  return {text, text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<Given> split(const std::string& list) {
  std::vector<Given> given;
  std::string text;
  const auto end_of_option = [&] {
    if (!text.empty()) given.push_back(split_at_equals(text));
    text.clear();
  };
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (list[at] == ',') {
      end_of_option();
      continue;
    }
    const bool is_escaped = list[at] == '\\' && at + 1 < list.size();
    text += list[is_escaped ? ++at : at];
  }
  end_of_option();
  return given;
}

template <typename Words>
bool is_among(const Words& words, const std::string& name) {
  return std::find(words.begin(), words.end(), name) != words.end();
}

// Options that every filesystem is given; true if this was one.
bool take_generic(MountOptions& options, const Given& given) {
  if (given.name == "rw") {
    options.is_read_only = false;
  } else if (given.name == "remount") {
    throw usage_error("option remount", "the options of a mount stay as they are",
                      "unmount it, and mount it anew; some can change by neffs.conf and SIGHUP");
  } else if (is_among(kForKernel, given.name)) {
    options.kernel_options.push_back(given.text);
  } else {
    return is_among(kIgnored, given.name) || given.name.starts_with("x-") ||
           given.name.starts_with("X-") || given.name == "comment";
  }
  return true;
}

[[noreturn]] void refuse_unknown(const Given& given) {
  std::vector<std::string_view> names;
  for (const OptionSpec& spec : option_table()) names.push_back(spec.name);
  throw usage_error(fmt::format("option {}", given.name), "unknown",
                    guess(given.name, names) + "neffs mount --help lists them all");
}

const OptionSpec& spec_of(const Given& given) {
  for (const OptionSpec& spec : option_table()) {
    if (spec.name == given.name) return spec;
  }
  refuse_unknown(given);
}

void apply(MountOptions& options, const Given& given) {
  const OptionSpec& spec = spec_of(given);
  const bool is_switch = spec.value.empty();
  if (is_switch == given.value.has_value()) {
    throw usage_error(fmt::format("option {}", given.text),
                      is_switch ? "takes no value" : "a value is missing",
                      is_switch ? fmt::format("write {}", spec.name)
                                : fmt::format("write {}={}", spec.name, spec.value));
  }
  const std::string value = given.value.value_or("");
  try {
    spec.apply(options, value);
    options.said[given.name] = value;
  } catch (const std::invalid_argument& error) {
    throw usage_error(fmt::format("option {}", given.text), error.what());
  }
}

// What a file says of a switch. Throws std::invalid_argument.
bool is_on(const std::string& value) {
  constexpr int kFirstYes = 4;
  return value.empty() ||
         parse_word(value, {"no", "off", "false", "0", "yes", "on", "true", "1"}) >= kFirstYes;
}

void apply_line(MountOptions& options, const OptionLine& line) {
  try {
    const OptionSpec& spec = spec_of({line.name, line.name, std::nullopt});
    if (!spec.value.empty()) {
      apply(options, split_at_equals(line.name + "=" + line.value));
    } else if (is_on(line.value)) {
      apply(options, {line.name, line.name, std::nullopt});
    }
  } catch (const std::invalid_argument& error) {
    throw usage_error(line.place + ": option " + line.name, error.what());
  } catch (const CommandError& error) {
    throw usage_error(line.place, error.what());
  }
}

std::optional<std::string> text_said(const MountOptions& options, const std::string& name) {
  const auto found = options.said.find(name);
  return found == options.said.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

MountOptions parse_options(const std::vector<std::string>& lists,
                           const std::vector<OptionLine>& lines) {
  MountOptions options;
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    const bool is_last = std::none_of(
        line + 1, lines.end(), [&](const OptionLine& later) { return later.name == line->name; });
    if (is_last) apply_line(options, *line);
  }
  for (const std::string& list : lists) {
    for (const Given& given : split(list)) {
      if (!take_generic(options, given)) apply(options, given);
    }
  }
  return options;
}

OptionChanges take_over(MountOptions& options, const MountOptions& now) {
  OptionChanges changes;
  for (const OptionSpec& spec : option_table()) {
    const std::string name(spec.name);
    const auto text = text_said(now, name);
    if (text == text_said(options, name)) continue;
    if (spec.take_over == nullptr) {
      changes.left.push_back(name);
      continue;
    }
    spec.take_over(options, now);
    options.said.erase(name);
    if (text) options.said[name] = *text;
    changes.taken_over.push_back(name);
  }
  return changes;
}

std::string options_help() {
  std::string help = "Options (-o NAME,NAME=VALUE,…):\n";
  for (const OptionSpec& spec : option_table()) {
    const std::string usage =
        spec.value.empty() ? std::string(spec.name) : fmt::format("{}={}", spec.name, spec.value);
    help += fmt::format("  {:<29} {} [{}]\n", usage, spec.help, spec.default_text);
  }
  return help;
}

}  // namespace neffs::mount_helper
