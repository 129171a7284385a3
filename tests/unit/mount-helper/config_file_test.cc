#include "mount-helper/config_file.h"

#include <map>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using namespace mount_helper;  // NOLINT(google-build-using-namespace): all of it is meant
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> texts_of(const std::vector<OptionLine>& lines) {
  std::vector<std::string> texts;
  for (const auto& line : lines) texts.push_back(line.place + " " + line.name + "=" + line.value);
  return texts;
}

std::vector<std::string> parsed(const std::string& text, const std::string& meant = "/mnt/x") {
  return texts_of(parse_config(text, "c", [&](const std::string& name) { return name == meant; }));
}

hub::Environment with(std::map<std::string, std::string> variables) {
  return hub::Environment(
      [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      });
}

TEST(ConfigFile, GeneralLinesThenThoseOfTheSectionThatIsMeant) {
  const std::string text =
      "# for all\n"
      "poll = 30\r\n"
      "\n"
      "  offline\n"
      "[/mnt/x]\n"
      "; a comment, too\n"
      "\tsource=lab/cache,aws-neuron/optimum-neuron-cache@v1  \n"
      "poll=5\n"
      "[ /mnt/y ]\n"
      "ro = yes\n"
      "[/mnt/x]\n"
      "layer = /data/a = b, c # d";
  EXPECT_THAT(parsed(text), ElementsAre("c:2 poll=30", "c:4 offline=",
                                        "c:7 source=lab/cache,aws-neuron/optimum-neuron-cache@v1",
                                        "c:8 poll=5", "c:12 layer=/data/a = b, c # d"));
  EXPECT_THAT(parsed(text, "/mnt/y"), ElementsAre("c:2 poll=30", "c:4 offline=", "c:10 ro=yes"));
  EXPECT_THAT(parsed(text, "/elsewhere"), ElementsAre("c:2 poll=30", "c:4 offline="));
  EXPECT_THAT(parsed(""), IsEmpty());
}

TEST(ConfigFile, WhatIsWrongIsNamedWithItsLine) {
  const std::pair<const char*, const char*> rows[] = {
      {"\n\npol = 3", "c:3: option pol: unknown (is poll meant?"},
      {"poll = often", "c:1: option poll=often: not a time in seconds"},
      {"poll", "c:1: option poll=: not a time in seconds"},
      {"ro = perhaps", "c:1: option ro: not one of no, off"},
      {"[mnt]\n", "c:1: [mnt]: not a section"},
      {"[/mnt/x", "c:1: [/mnt/x: not a section"},
      {"[]", "c:1: []: not a section"},
      {"= 3", "c:1: = 3: no option"},
      {"source = lab", "c:1: source 'lab': not a repo"},
      {"source =", "c:1: source '': not a repo"},
      {"poll = 1\n[/mnt/x]\npoll = 2\npoll = 3", "c:4: poll: stands at c:3 already"},
      {"[/mnt/x]\npoll = 2\n[/mnt/y]\n[/mnt/x]\npoll = 3", "c:5: poll: stands at c:2 already"},
      // Also where that mount is not the one that is made.
      {"[/mnt/y]\npush = everywhere", "c:2: option push=everywhere: neither auto nor none"},
      {"token = hf_x", "c:1: option token: unknown (is "},
  };
  for (const auto& [text, said] : rows) {
    const auto refusal = refusal_of([&, given = std::string(text)] { parsed(given); });
    EXPECT_THAT(refusal.text, StartsWith(said)) << text;
    EXPECT_EQ(refusal.exit_code, kWrongUsage) << text;
  }
}

TEST(ConfigFile, TheUsersComesBehindTheSystems) {
  const TemporaryDirectory directory;
  const auto& root = directory.path();
  const auto home = with({{"HOME", (root / "home").string()}});
  const auto roots = with({{"HOME", (root / "root").string()}});
  const auto files = [&](const Invoker& invoker) {
    return config_files(invoker, root / "neffs.conf");
  };
  EXPECT_THAT(files({home, std::nullopt}), IsEmpty());
  std::filesystem::create_directories(root / "home/.config");
  write_file(root / "home/.config/neffs.conf", "poll = 2\n");
  write_file(root / "neffs.conf", "poll = 1\n");
  const auto users = root / "home/.config/neffs.conf";
  EXPECT_THAT(files({home, std::nullopt}), ElementsAre(root / "neffs.conf", users));
  // Under sudo, where root has none.
  EXPECT_THAT(files({roots, home}), ElementsAre(root / "neffs.conf", users));
  std::filesystem::create_directories(root / "root/.config");
  write_file(root / "root/.config/neffs.conf", "poll = 3\n");
  EXPECT_THAT(files({roots, home}),
              ElementsAre(root / "neffs.conf", root / "root/.config/neffs.conf"));
  const auto elsewhere = with({{"HOME", "/nowhere"}, {"XDG_CONFIG_HOME", root.string()}});
  EXPECT_THAT(files({elsewhere, std::nullopt}),
              ElementsAre(root / "neffs.conf", root / "neffs.conf"));
}

TEST(ConfigFile, SectionsArePathsOfThisMachine) {
  const TemporaryDirectory directory;
  const auto& root = directory.path();
  std::filesystem::create_directory(root / "cache");
  std::filesystem::create_directory_symlink(root / "cache", root / "link");
  const auto environment = with({{"HOME", root.string()}});
  const auto file = root / "neffs.conf";
  for (const std::string& section : {std::string("~/cache"), (root / "link").string() + "/",
                                     (root / "cache").string(), std::string("~/./cache")}) {
    write_file(file, "[" + section + "]\nlayer = ~/layer\n[/elsewhere]\npoll = 1\n");
    EXPECT_THAT(texts_of(read_config({file}, root / "link", environment)),
                ElementsAre(file.string() + ":2 layer=" + (root / "layer").string()))
        << section;
  }
}

// What the package brings as an example works, and is what the manual shows.
TEST(ConfigFile, TheExampleIsTheManuals) {
  const auto text_of = [](const char* path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto example = text_of(NEFFS_EXAMPLE_CONFIG);
  const auto is_default = [](const std::string& name) {
    return name == "/var/tmp/neuron-compile-cache";
  };
  EXPECT_EQ(parse_config(example, "example", is_default).size(), 4U);
  auto page = text_of(NEFFS_CONFIG_PAGE);
  for (auto at = page.find("\\-"); at != page.npos; at = page.find("\\-")) page.erase(at, 1);
  const auto options = example.substr(example.find("\n\n") + 2);
  EXPECT_THAT(page, HasSubstr(".nf\n" + options + ".fi\n"));
}

TEST(ConfigFile, WhatCannotBeReadIsSaid) {
  const TemporaryDirectory directory;
  const auto refusal = refusal_of([&] { read_config({directory.path()}, "/mnt/x", with({})); });
  EXPECT_THAT(refusal.text, HasSubstr(directory.path().string() + ": not a file"));
}

}  // namespace
}  // namespace neffs::test
