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

const std::vector<std::string> kTopNames{"a",    "b",      "c",      "d",     "a.lock",
                                         "lock", kVersion, kVersion, "{255}", "{256}"};
const std::vector<std::string> kVersionNames{
    kModule, kModule, "MODULE_1+abcdef01.bad", "MODULE_00112233445566778899", "0_REGISTRY", "a"};
const std::vector<std::string> kModuleNames{"model.neff",
                                            "model.neff",
                                            "model.done",
                                            "model.hlo_module.pb",
                                            "model.hlo_module.pb.lock",
                                            "compile_flags.json",
                                            "model.log",
                                            "tmp{200}",
                                            "a"};
const std::vector<std::string> kPlainNames{"a", "b", "c", "a.lock", "model.neff", "{255}"};

// How often, which verb, and a letter for each of its words, see Generator::word().
struct Form {
  unsigned weight;
  const char* verb;
  const char* words;
};

constexpr std::array kForms{
    Form{70, "open", "spfm"},      Form{30, "close", "s"},         Form{6, "dup", "ss"},
    Form{20, "read", "sl"},        Form{40, "write", "slr"},       Form{25, "pread", "slo"},
    Form{30, "pwrite", "slor"},    Form{14, "lseek", "sow"},       Form{20, "fstat", "s"},
    Form{14, "ftruncate", "so"},   Form{16, "fallocate", "saol"},  Form{2, "fsync", "s"},
    Form{2, "fdatasync", "s"},     Form{6, "fchmod", "sm"},        Form{6, "fchown", "suu"},
    Form{6, "futimens", "stt"},    Form{5, "forget-pages", "s"},   Form{14, "copy", "sosol"},
    Form{8, "flock", "sk"},        Form{10, "lock", "scyol"},      Form{8, "map", "Ms"},
    Form{12, "store", "Molr"},     Form{8, "load", "Mol"},         Form{6, "unmap", "M"},
    Form{40, "stat", "p"},         Form{15, "stat-followed", "p"}, Form{10, "readlink", "p"},
    Form{10, "access", "px"},      Form{1, "statfs", "p"},         Form{45, "mkdir", "pm"},
    Form{14, "rmdir", "p"},        Form{35, "unlink", "p"},        Form{35, "rename", "pp"},
    Form{14, "rename2", "ppe"},    Form{22, "link", "ppb"},        Form{16, "symlink", "Tp"},
    Form{10, "mknod", "pnm"},      Form{14, "chmod", "pm"},        Form{10, "chown", "puu"},
    Form{12, "utimens", "ptt"},    Form{12, "truncate", "po"},     Form{5, "same", "pp"},
    Form{14, "list", "p"},         Form{6, "list-slot", "s"},      Form{5, "list-while", "pN"},
    Form{12, "setxattr", "pXrvz"}, Form{8, "getxattr", "pXV"},     Form{6, "listxattr", "p"},
    Form{6, "removexattr", "pX"},  Form{3, "umask", "U"},          Form{5, "chdir", "p"},
    Form{2, "fchdir", "s"},        Form{2, "getcwd", ""}};

unsigned all_weights() {
  return std::accumulate(kForms.begin(), kForms.end(), 0U,
                         [](unsigned sum, const Form& form) { return sum + form.weight; });
}

}  // namespace

std::vector<Operation> Generator::operations(std::size_t count) {
  std::vector<Operation> operations;
  for (const std::string directory : {"@/a", "@/b", "@/c"})
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
  const User& user = kUsers.at(one_in(2) ? 0 : below(kUsers.size()));
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
    case 'p':
      return path();
    case 'T':  // a symlink's target; never the root, so that ".." does
               // not lead out of it, nor where something could be made
      return one_in(3) ? pick({"/proc/nowhere", "a", "b/a", "x{400}"}) : deep_path();
    case 'N':
      return pick(kPlainNames);
    case 'f':
      return open_flags();
    case 'm':
      return pick({"0644", "0666", "0600", "0755", "0777", "0000", "0444", "2775", "1777", "4755",
                   "2644", "0770", "0777", "0666"});
    case 'U':
      return pick({"0022", "0000", "0077", "0027", "0002"});
    case 'o':
      return offset();
    case 'l':
      return size();
    case 'r':  // a seed of bytes
      return std::to_string(below(1'000'000));
    case 'w':
      return pick({"set", "cur", "end", "data", "hole", "data", "hole"});
    case 'a':
      return pick({"plain", "keep", "punch", "zero", "zero,keep", "punch"});
    case 'u':
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
      return pick({"user.a", "user.b", "user.{250}", "user.{251}", "user.", "nothing.a"});
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

std::string Generator::deep_path() {
  std::string name = pick(kTopNames);
  std::string path = "@/" + name;
  const std::size_t depth = below(20) < 7 ? 1 : below(20) < 10 ? 2 : below(20) < 16 ? 3 : 4;
  for (std::size_t level = 1; level < depth; ++level) {
    name = name == kVersion             ? pick(kVersionNames)
           : name.starts_with("MODULE") ? pick(kModuleNames)
                                        : pick(kPlainNames);
    path += one_in(60) ? "/../" + pick(kTopNames) : "/" + name;
  }
  return path;
}

std::string Generator::path() {
  if (one_in(40)) return std::to_string(below(Performer::kSlots)) + ":" + pick(kPlainNames);
  if (one_in(20)) return one_in(6) ? "." : pick(kPlainNames) + (one_in(2) ? "/b" : "");
  return deep_path() + (one_in(80) ? "/" : "");
}

std::string Generator::open_flags() {
  std::string flags = pick({"rd", "rd", "wr", "rdwr", "rdwr", "rdwr"});
  if (one_in(2)) flags += ",creat";
  if (one_in(12)) flags += ",excl";
  if (one_in(8)) flags += ",trunc";
  if (one_in(6)) flags += ",append";
  if (one_in(12)) flags += ",directory";
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
  return one_in(4) ? std::to_string(kCommonGroup) : one_in(4) ? "-1" : std::to_string(user.uid);
}

std::string Generator::time() {
  return one_in(4) ? pick({"now", "omit"}) : std::to_string(100'000'000 + below(800'000'000));
}

}  // namespace neffs::test
