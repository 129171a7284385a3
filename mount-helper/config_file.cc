#include "mount-helper/config_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "mount-helper/command_error.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// "[/mnt/x]": what is inside.
std::string section_of(std::string_view line, const std::string& place) {
  const auto name = line.ends_with(']') ? trimmed(line.substr(1, line.size() - 2)) : "";
  const bool is_path = name.starts_with('/') || name.starts_with('~');
  if (!is_path)
    throw usage_error(fmt::format("{}: {}", place, line), "not a section",
                      "write [MOUNTPOINT], an absolute path");
  return std::string(name);
}

OptionLine option_of(std::string_view line, const std::string& place) {
  const auto equals = line.find('=');
  const auto name = trimmed(line.substr(0, equals));
  const auto value = equals == line.npos ? "" : trimmed(line.substr(equals + 1));
  if (name.empty())
    throw usage_error(fmt::format("{}: {}", place, line), "no option", "write NAME = VALUE");
  return {std::string(name), std::string(value), place};
}

// A mistake is to be found when it is made, not when that mount is made.
void check(const OptionLine& line) {
  if (line.name != kSourceLine) {
    parse_options({}, {line});
    return;
  }
  try {
    parse_sources(line.value);
  } catch (const CommandError& error) {
    throw usage_error(line.place, error.what());
  }
}

std::string text_of(const stdfs::path& file) {
  std::error_code error;
  const bool is_file = stdfs::is_regular_file(file, error);
  std::ifstream in(file, std::ios::binary);
  if (!is_file || !in)
    throw CommandError(file.string(),
                       is_file ? std::generic_category().message(errno) : "not a file",
                       "it is read for the options of mounts");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<stdfs::path> user_config(const hub::Environment& environment) {
  const auto folder = environment.get("XDG_CONFIG_HOME").value_or("~/.config");
  stdfs::path file = environment.expand(folder) + "/neffs.conf";
  std::error_code error;
  if (!file.is_absolute() || !stdfs::exists(file, error)) return std::nullopt;
  return file;
}

bool is_path(const OptionLine& line) {
  for (const OptionSpec& spec : option_table())
    if (spec.name == line.name) return spec.value == "DIR" || spec.value == "PATH";
  return false;
}

}  // namespace

std::vector<OptionLine> parse_config(std::string_view text, const std::string& name,
                                     const IsMeant& is_meant) {
  std::vector<OptionLine> general;
  std::vector<OptionLine> special;
  std::map<std::pair<std::string, std::string>, std::string> places;  // by section and option
  std::string section;
  bool is_wanted = true;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    const auto place = fmt::format("{}:{}", name, ++number);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      section = section_of(line, place);
      is_wanted = is_meant(section);
      continue;
    }
    auto option = option_of(line, place);
    check(option);
    const auto [before, is_new] = places.try_emplace({section, option.name}, place);
    if (!is_new)
      throw usage_error(fmt::format("{}: {}", place, option.name),
                        fmt::format("stands at {} already", before->second), "remove one of them");
    if (is_wanted) (section.empty() ? general : special).push_back(std::move(option));
  }
  std::move(special.begin(), special.end(), std::back_inserter(general));
  return general;
}

std::vector<stdfs::path> config_files(const Invoker& invoker, const stdfs::path& system) {
  std::vector<stdfs::path> files;
  std::error_code error;
  if (stdfs::exists(system, error)) files.push_back(system);
  auto users = user_config(invoker.own);
  if (!users && invoker.behind_sudo) users = user_config(*invoker.behind_sudo);
  if (users) files.push_back(std::move(*users));
  return files;
}

std::vector<OptionLine> read_config(const std::vector<stdfs::path>& files,
                                    const stdfs::path& mount_point,
                                    const hub::Environment& environment) {
  const auto table = read_mount_table();
  const auto wanted = mount_path(mount_point, table);
  const auto is_meant = [&](const std::string& section) {
    return mount_path(environment.expand(section), table) == wanted;
  };
  std::vector<OptionLine> lines;
  for (const auto& file : files) {
    for (auto& line : parse_config(text_of(file), file.string(), is_meant)) {
      if (is_path(line)) line.value = environment.expand(line.value);
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace neffs::mount_helper
