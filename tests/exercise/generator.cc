#include "tests/exercise/generator.h"

#include <array>
#include <numeric>

#include "tests/exercise/performer.h"
#include "tests/exercise/worker.h"

namespace neffs::test {
namespace {

constexpr std::size_t kBetweenTrees = 1000;
constexpr std::size_t kBetweenRemounts = 7000;

constexpr const char* kVersion = "neuronxcc-2.21.1+ab12cd34";
constexpr const char* kModule = "MODULE_1+abcdef01";

// Where files are mostly made, and directories mostly: a name is either now and then.
const std::vector<std::string> kFiles{"f", "f", "g", "g", "f.lock", "lock", "{255}"};
const std::vector<std::string> kDirectories{"a", "a", "b", kVersion, kVersion, "{254}"};
const std::vector<std::string> kModules{kModule, kModule, "MODULE_1+abcdef01.bad",
                                        "MODULE_00112233445566778899", "0_REGISTRY"};
const std::vector<std::string> kModuleFiles{"model.neff",
                                            "model.neff",
                                            "model.done",
                                            "model.hlo_module.pb",
                                            "model.hlo_module.pb.lock",
                                            "compile_flags.json",
                                            "model.log",
                                            "tmp{200}"};
constexpr const char* kTooLong = "{256}";

// How often, which verb, and a letter for each of its words, see Generator::word().
struct Form {
  unsigned weight;
  const char* verb;
  const char* words;
};

constexpr std::array kForms{
    Form{80, "open", "sFfm"},       Form{16, "open", "spfm"},    Form{10, "close", "s"},
    Form{5, "dup", "ss"},           Form{20, "read", "sl"},      Form{30, "write", "slr"},
    Form{25, "pread", "slo"},       Form{30, "pwrite", "slor"},  Form{20, "lseek", "sow"},
    Form{20, "fstat", "s"},         Form{10, "ftruncate", "so"}, Form{16, "fallocate", "saol"},
    Form{2, "fsync", "s"},          Form{2, "fdatasync", "s"},   Form{6, "fchmod", "sm"},
    Form{6, "fchown", "suW"},       Form{8, "futimens", "stt"},  Form{6, "forget-pages", "s"},
    Form{20, "copy", "sosol"},      Form{10, "flock", "sk"},     Form{12, "lock", "scyol"},
    Form{12, "map", "Ms"},          Form{20, "store", "Molr"},   Form{12, "load", "Mol"},
    Form{4, "unmap", "M"},          Form{40, "stat", "F"},       Form{10, "stat", "p"},
    Form{15, "stat-followed", "p"}, Form{10, "readlink", "F"},   Form{10, "access", "px"},
    Form{1, "statfs", "p"},         Form{30, "mkdir", "dm"},     Form{2, "mkdir", "Fm"},
    Form{10, "rmdir", "d"},         Form{30, "unlink", "F"},     Form{2, "unlink", "d"},
    Form{25, "rename", "FF"},       Form{10, "rename", "dd"},    Form{4, "rename", "pp"},
    Form{10, "rename2", "FFe"},     Form{6, "rename2", "ppe"},   Form{30, "link", "FFb"},
    Form{14, "symlink", "TF"},      Form{4, "symlink", "Td"},    Form{12, "mknod", "Fnm"},
    Form{12, "chmod", "pm"},        Form{10, "chown", "puW"},    Form{12, "utimens", "ptt"},
    Form{14, "truncate", "Fo"},     Form{6, "same", "FF"},       Form{14, "list", "d"},
    Form{6, "list-slot", "s"},      Form{5, "list-while", "dN"}, Form{14, "setxattr", "pXvrz"},
    Form{12, "getxattr", "pXV"},    Form{8, "listxattr", "p"},   Form{6, "removexattr", "pX"},
    Form{3, "umask", "U"},          Form{5, "chdir", "d"},       Form{2, "fchdir", "s"},
    Form{2, "getcwd", ""}};

unsigned all_weights() {
  return std::accumulate(kForms.begin(), kForms.end(), 0U,
                         [](unsigned sum, const Form& form) { return sum + form.weight; });
}

}  // namespace

std::vector<Operation> Generator::operations(std::size_t count) {
  std::vector<Operation> operations;
  for (const std::string directory : {"@/a", "@/b"})
    operations.push_back({"root", "mkdir", {directory, "0777"}});
  operations.push_back({"root", "mkdir", {std::string("@/") + kVersion, "0777"}});
  operations.push_back({"root", "mkdir", {std::string("@/") + kVersion + "/" + kModule, "0777"}});
  while (operations.size() < count) {
    if (one_in(kBetweenTrees))
      operations.push_back({"-", "trees", {}});
    else if (one_in(kBetweenRemounts))
      operations.push_back({"-", "remount", {}});
    else
      operations.push_back(next());
  }
  operations.push_back({"-", "trees", {}});
  return operations;
}

Operation Generator::next() {
  static const unsigned all = all_weights();
  auto at = static_cast<unsigned>(below(all));
  const Form* form = kForms.data();
  for (; at >= form->weight; ++form) at -= form->weight;
  // The superuser most of the time: others are refused most of what they try.
  const User& user = kUsers.at(one_in(3) ? below(kUsers.size()) : 0);
  return {user.name, form->verb, words_of(form->words)};
}

std::vector<std::string> Generator::words_of(const std::string& form) {
  std::vector<std::string> words;
  for (const char kind : form) words.push_back(word(kind));
  return words;
}

std::string Generator::word(char kind) {
  switch (kind) {
    case 's':  // a slot
      return std::to_string(below(Performer::kSlots));
    case 'M':  // a mapping
      return std::to_string(below(Performer::kMappings));
    case 'F':
      return path(kFile);
    case 'd':
      return path(kDirectory);
    case 'p':
      return path(one_in(2) ? kFile : kDirectory);
    case 'T':  // a symlink's target; never the root, so that ".." does not lead out of it, nor
               // where something could be made
      return one_in(3) ? pick({"/proc/nowhere", "f", "b/f", "x{400}"})
                       : deep_path(one_in(2) ? kFile : kDirectory);
    case 'N':
      return pick(kFiles);
    case 'f':
      return open_flags();
    case 'm':
      return pick({"0644", "0666", "0600", "0755", "0777", "0000", "0444", "2775", "1777", "4755",
                   "0770", "0777", "0666", "2666", "6744"});
    case 'U':
      return pick({"0022", "0000", "0077", "0027", "0002"});
    case 'o':
      return offset();
    case 'l':
      return size();
    case 'r':  // a seed of bytes
      return std::to_string(below(1'000'000));
    case 'w':
      return allocates_ ? pick({"set", "cur", "end", "some-data", "some-hole"})
                        : pick({"set", "cur", "end", "data", "hole"});
    case 'a':
      return allocates_ ? pick({"plain", "keep", "punch", "zero", "zero,keep"}) : "punch";
    case 'u':
      return one_in(4) ? "-1" : owner();
    case 'W':  // never both -1: of a file with a set-id bit only disks ask then whose it is
      return owner();
    case 't':
      return time();
    case 'k':
      return pick({"sh", "ex", "un"});
    case 'c':
      return pick({"posix", "ofd", "ask"});
    case 'y':
      return pick({"rd", "wr", "un"});
    case 'x':
      return std::to_string(below(8));
    case 'e':
      return pick({"noreplace", "exchange", "exchange"});
    case 'b':
      return std::to_string(below(2));
    case 'n':
      return pick({"fifo", "socket", "file"});
    case 'X':
      return one_in(8) ? pick({"user.{250}", "user.{251}", "user.", "nothing.a"})
                       : pick({"user.a", "user.b"});
    case 'v':  // a value's size
      return pick({"0", "1", "20", "300", "3000"});
    case 'V':  // room for a value
      return pick({"0", "1", "300", "8000", "8000"});
    case 'z':
      return pick({"any", "any", "create", "replace"});
    default:
      return "?";
  }
}

std::string Generator::directory_below(const std::string& parent) {
  if (parent == kVersion) return pick(kModules);
  return pick(kDirectories);
}

std::string Generator::file_below(const std::string& parent) {
  return pick(parent.starts_with("MODULE_") ? kModuleFiles : kFiles);
}

// Below the root, by its whole path.
std::string Generator::deep_path(Kind kind) {
  std::string path = "@";
  std::string last;
  for (std::size_t level = below(10) < 9 ? below(3) : 3; level > 0; --level) {
    last = one_in(25) ? file_below(last) : directory_below(last);
    path += "/" + last;
    if (one_in(60)) path += "/..";
  }
  if (one_in(20)) kind = kind == kFile ? kDirectory : kFile;
  last = kind == kFile ? file_below(last) : directory_below(last);
  return path + "/" + (one_in(80) ? kTooLong : last);
}

std::string Generator::path(Kind kind) {
  if (one_in(40)) return std::to_string(below(Performer::kSlots)) + ":" + pick(kFiles);
  if (one_in(60)) return ".";
  if (one_in(20)) return pick(kind == kFile ? kFiles : kDirectories) + (one_in(2) ? "/g" : "");
  return deep_path(kind) + (one_in(80) ? "/" : "");
}

std::string Generator::open_flags() {
  std::string flags = pick({"rd", "rd", "wr", "rdwr", "rdwr", "rdwr"});
  if (one_in(2)) flags += ",creat";
  if (one_in(12)) flags += ",excl";
  if (one_in(8)) flags += ",trunc";
  if (one_in(6)) flags += ",append";
  if (one_in(20)) flags += ",directory";
  if (one_in(12)) flags += ",nofollow";
  if (one_in(150)) flags += ",sync";
  if (one_in(60)) flags += ",path";
  return flags;
}

std::string Generator::offset() {
  if (one_in(4)) return "0";
  if (one_in(20)) return pick({"-1", "1048576", "1000000"});
  return std::to_string(one_in(3) ? 4096 * below(16) : below(40'000));
}

std::string Generator::size() {
  if (one_in(15)) return "0";
  return std::to_string(one_in(3) ? 4096 * below(8) : one_in(2) ? below(200) : below(20'000));
}

std::string Generator::owner() {
  const auto& user = kUsers.at(below(kUsers.size()));
  return std::to_string(one_in(4) ? kCommonGroup : user.uid);
}

std::string Generator::time() {
  return one_in(4) ? pick({"now", "omit"}) : std::to_string(100'000'000 + below(800'000'000));
}

}  // namespace neffs::test
