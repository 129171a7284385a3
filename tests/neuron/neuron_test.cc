#include "tests/neuron/neuron_test.h"

#include <sys/stat.h>

#include <ostream>
#include <sstream>
#include <tuple>

#include "tests/hub/content.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

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
  mount_ = mount_as({.source = source, .options = {"passthrough=" + way}});
}

void NeuronTest::open_on_empty_repo(const std::string& way) {
  hub_.create_repo("team/empty").commit({}, {".gitattributes"});
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
  for (const NewFile& file : sample::files()) {
    if (!file.path.starts_with(directory + "/") || file.path.ends_with(".lock")) continue;
    make_open_directories(plain(file.path).parent_path());
    write_file(plain(file.path), read_all(*file.content));
  }
  ::umask(old_mask);
}

}  // namespace neffs::test
