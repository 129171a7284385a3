#include "tests/neuron/neuron_test.h"

#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "tests/hub/content.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kAttributes = ".gitattributes";
constexpr const char* kProbe = "bytes=0-511";
constexpr const char* kPython = "/usr/bin/python3";

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Step with_prefix(Step prefix, const std::string& words) {
  for (std::string& word : split(words)) prefix.push_back(std::move(word));
  return prefix;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string joined(const Step& step) {
  std::string text;
  for (const std::string& word : step) text += word + ' ';
  return text;
}

std::string described(const Ended& ended) {
  return "exit code " + std::to_string(ended.exit_code) + '\n' + ended.out + ended.err;
}

stdfs::path made(const stdfs::path& directory) {
  stdfs::create_directories(directory);
  ::chmod(directory.c_str(), 0777);
  return directory;
}

// Mode 0777 for all that is made on the way, as copies of remote directories have it.
void make_open_directories(const stdfs::path& directory) {
  if (stdfs::exists(directory)) return;
  make_open_directories(directory.parent_path());
  made(directory);
}

// What a mount does not show of the sample repo.
bool is_hidden(const std::string& path) {
  if (path.ends_with(".lock")) return true;
  const std::vector<std::string> hidden{sample::kFailedModule, sample::kLockedModule,
                                        sample::kHalfModule, sample::kOldFailedModule,
                                        sample::kOldLongFailedModule};
  return std::any_of(hidden.begin(), hidden.end(),
                     [&](const std::string& module) { return path.starts_with(module + '/'); });
}

}  // namespace

Step neuron(const std::string& words) {
  return with_prefix({NEFFS_NEURON_USER, "{cache}", "{work}"}, words);
}

Step optimum(const std::string& words) {
  return with_prefix({kPython, NEFFS_NEURON_SCRIPTS "/optimum.py", "{cache}", "{work}"}, words);
}

Step maintenance(const std::string& words) {
  return with_prefix({kPython, NEFFS_NEURON_SCRIPTS "/maintenance.py", "{cache}", "{work}"}, words);
}

Step shell(const std::string& words) {
  return split(words);
}

void NeuronTest::open(const std::string& source, const std::string& way) {
  made(plain());
  for (const char* const which : {"plain", "mnt"}) made(scratch_ / (std::string(which) + "-work"));
  setup_ = {.source = source, .options = {"passthrough=" + way}};
  head_ = hub_.repo(source).head();
  mount_ = mount_as(setup_);
}

void NeuronTest::open_on_empty_repo(const std::string& way) {
  hub_.create_repo("team/empty").commit({}, {kAttributes});
  open("team/empty", way);
}

void NeuronTest::open_on_sample_repo(const std::string& way) {
  sample::create(hub_);
  open(sample::kRepo, way);
}

Ended NeuronTest::run_on(const std::string& which, const Step& step) {
  const std::string cache = (scratch_ / which).string();
  const std::string work = (scratch_ / (which + "-work")).string();
  Step words = step;
  for (std::string& word : words) {
    replace_all(word, "{cache}", cache);
    replace_all(word, "{work}", work);
  }
  Ended ended = run({words, variables()});
  for (std::string* const text : {&ended.out, &ended.err}) {
    replace_all(*text, work, "{work}");
    replace_all(*text, cache, "{cache}");
  }
  return ended;
}

void NeuronTest::expect_alike(const Step& step, const std::string& says) {
  auto on_plain = in_background([&] { return run_on("plain", step); });
  const Ended on_mount = run_on("mnt", step);
  EXPECT_EQ(described(on_mount), described(on_plain.get()))
      << "the mount (first) and the plain directory differ in: " << joined(step);
  EXPECT_NE(described(on_mount).find(says), std::string::npos) << joined(step) << "said:\n"
                                                               << described(on_mount);
}

void NeuronTest::expect_same_tree(const std::string& below) {
  EXPECT_EQ(differences(tree_of(mounted(), below, owners_), tree_of(plain(), below, owners_)), "")
      << "the mount (-) and the plain directory (+) differ below \"" << below << '"';
}

void NeuronTest::close_and_compare() {
  expect_same_tree();
  EXPECT_EQ(mount_->unmount(), 0);
  mount_.reset();
  stdfs::remove_all(mounted(".cache"));
  expect_same_tree();
}

void NeuronTest::give_plain(const std::string& directory) {
  const auto old_mask = ::umask(0);
  const auto give = [&](const std::string& path, const ContentPtr& content) {
    if (!path.starts_with(directory) || is_hidden(path)) return;
    make_open_directories(plain(path).parent_path());
    write_file(plain(path), read_all(*content));
  };
  for (const NewFile& file : sample::files()) give(file.path, file.content);
  const TestRepo& repo = hub_.repo(setup_.source);
  give(kAttributes, repo.content(*repo.find(head_, kAttributes)));
  ::umask(old_mask);
}

void NeuronTest::give_plain_folders() {
  for (const std::string& folder :
       {sample::kVersion, sample::kPreviousVersion, sample::kOldVersion})
    made(plain(folder));
}

void NeuronTest::wait_until_placed(const std::string& module) {
  for (const char* const name : {"model.neff", "model.done"})
    EXPECT_TRUE(eventually([&] { return stat_error(mount_->layer(module + '/' + name)) == 0; }))
        << module;
}

void NeuronTest::mount_again() {
  EXPECT_EQ(mount_->unmount(), 0);
  mount_.reset();
  mount_ = mount_as(setup_);
}

void NeuronTest::expect_only_questions() {
  EXPECT_EQ(hub_.repo(setup_.source).head(), head_);
  for (const LoggedRequest& request : hub_.traffic().log()) {
    const bool is_question =
        request.method == "GET" || request.method == "HEAD" || request.kind == Kind::kPathsInfo;
    EXPECT_TRUE(is_question) << request.method << ' ' << request.decoded;
  }
}

void NeuronTest::expect_no_downloads() {
  expect_only_questions();
  EXPECT_EQ(downloads_of(""), 0U) << requests({.kind = Kind::kResolveGet});
}

std::size_t NeuronTest::downloads_of(const std::string& path) {
  std::size_t count = 0;
  for (const Kind kind : {Kind::kResolveCache, Kind::kCdnGet})
    for (const LoggedRequest& request : hub_.traffic().log({.kind = kind, .text = path}))
      if (request.range != kProbe) ++count;
  return count;
}

}  // namespace neffs::test
