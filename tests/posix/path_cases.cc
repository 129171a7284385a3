// What every call that takes a name says to a name that cannot be: one row a call and a fault.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/posix/calls.h"
#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

constexpr std::size_t kNameMax = 255;
constexpr std::size_t kPathMax = 4095;

enum class Needs { kNothing, kFile, kDirectory, kSymlink };

// A call with one of its names open, and what must be there for it to succeed. There is always a
// file "source" for the calls that take two.
struct NamedCall {
  const char* title;
  Needs needs;
  std::function<Step(const std::string&)> at;
  int error = 0;  // what it says when the name is a good one
};

std::vector<NamedCall> calls_that_make() {
  using enum Needs;
  using Name = const std::string&;
  return {{"open to create", kNothing, [](Name name) { return creat(name); }},
          {"mkdir", kNothing, [](Name name) { return mkdir(name); }},
          {"mknod", kNothing, [](Name name) { return mknod(name, S_IFIFO | 0644); }},
          {"symlink", kNothing, [](Name name) { return symlink("source", name); }},
          {"link to", kNothing, [](Name name) { return link("source", name); }},
          {"rename to", kNothing, [](Name name) { return rename("source", name); }}};
}

std::vector<NamedCall> calls_on_names() {
  using enum Needs;
  using Name = const std::string&;
  return {{"rmdir", kDirectory, [](Name name) { return rmdir(name); }},
          {"unlink", kFile, [](Name name) { return unlink(name); }},
          {"rename from", kFile, [](Name name) { return rename(name, "target"); }},
          {"link from", kFile, [](Name name) { return link(name, "target"); }},
          {"lchown", kFile, [](Name name) { return lchown(name, 1, 1); }},
          {"lstat", kFile, [](Name name) { return lstat(name); }},
          {"readlink", kSymlink, [](Name name) { return readlink(name); }}};
}

std::vector<NamedCall> calls_through_symlinks() {
  using enum Needs;
  using Name = const std::string&;
  return {{"open to read", kFile, [](Name name) { return open(name, O_RDONLY); }},
          {"open to write", kFile, [](Name name) { return open(name, O_WRONLY | O_TRUNC); }},
          {"opendir", kDirectory, [](Name name) { return opendir(name); }},
          {"truncate", kFile, [](Name name) { return truncate(name, 10); }},
          {"chmod", kFile, [](Name name) { return chmod(name, 0600); }},
          {"chown", kFile, [](Name name) { return chown(name, 1, 1); }},
          {"utimensat", kFile, [](Name name) { return utimens(name, 1, 2); }},
          {"access", kFile, [](Name name) { return access(name, R_OK); }},
          {"stat", kFile, [](Name name) { return stat(name); }},
          {"statfs", kFile, [](Name name) { return statfs(name); }},
          {"chdir", kDirectory, [](Name name) { return in_another_process(chdir(name)); }},
          {"execve", kFile, [](Name name) { return execve(name); }, EACCES},
          {"listxattr", kFile, [](Name name) { return listxattr(name); }},
          {"getxattr", kFile, [](Name name) { return getxattr(name, "user.no"); }, ENODATA},
          {"setxattr", kFile, [](Name name) { return setxattr(name, "user.a", "b"); }},
          {"removexattr", kFile, [](Name name) { return removexattr(name, "user.no"); }, ENODATA}};
}

template <typename... Lists>
std::vector<NamedCall> joined(Lists... lists) {
  std::vector<NamedCall> all;
  (all.insert(all.end(), lists.begin(), lists.end()), ...);
  return all;
}

Step prepared(Needs needs, const std::string& name) {
  if (needs == Needs::kFile) return file(name, "text");
  if (needs == Needs::kDirectory) return mkdir(name);
  if (needs == Needs::kSymlink) return symlink("anywhere", name);
  return all({});
}

Step answers(const NamedCall& named, const std::string& name) {
  return named.error == 0 ? named.at(name) : fails(named.error, named.at(name));
}

// ".////name", so long.
std::string path_of(std::size_t length, const std::string& name) {
  std::string path(length - name.size(), '/');
  path.front() = '.';
  return path + name;
}

Case row(const NamedCall& named, const std::string& fault, Steps steps) {
  steps.insert(steps.begin(), file("source"));
  return {std::string(named.title) + ": " + fault, std::move(steps)};
}

// The fault is in what leads to the name.
Table bad_prefixes(const NamedCall& call) {
  return {
      row(call, "a missing prefix is ENOENT", {fails(ENOENT, call.at("none/name"))}),
      row(call, "an empty path is ENOENT", {fails(ENOENT, call.at(""))}),
      row(call, "a file in the prefix is ENOTDIR",
          {file("f"), fails(ENOTDIR, call.at("f/name")), fails(ENOTDIR, call.at("f/../name"))}),
      row(call, "a fifo in the prefix is ENOTDIR", {fifo("f"), fails(ENOTDIR, call.at("f/name"))}),
      row(call, "a loop in the prefix is ELOOP",
          {symlink("two", "one"), symlink("one", "two"), fails(ELOOP, call.at("one/name")),
           fails(ELOOP, call.at("two/name"))}),
      row(call, "a prefix that may not be searched is EACCES",
          {mkdir("d"), prepared(call.needs, "d/name"), owned_by(kAlice, "d"), chmod("d", 0600),
           chmod(".", 0777), as(kAlice, fails(EACCES, call.at("d/name")))})};
}

Table long_names(const NamedCall& call) {
  const std::string longest(kNameMax, 'n');
  const std::string path = path_of(kPathMax, "name");
  return {
      row(call, "a name of 255 bytes is good",
          {prepared(call.needs, longest), answers(call, longest)}),
      row(call, "a name of 256 bytes is ENAMETOOLONG",
          {fails(ENAMETOOLONG, call.at(longest + 'n')),
           fails(ENAMETOOLONG, call.at(longest + "n/name"))}),
      row(call, "a path of 4095 bytes is good",
          {prepared(call.needs, "name"), answers(call, path)}),
      row(call, "a path of 4096 bytes is ENAMETOOLONG", {fails(ENAMETOOLONG, call.at(path + "n"))}),
      row(call, "a symlink in the prefix is followed",
          {mkdir("d"), symlink("d", "s"), prepared(call.needs, "d/name"),
           answers(call, "s/name")})};
}

Table absent_names() {
  Table table;
  for (const NamedCall& call : joined(calls_on_names(), calls_through_symlinks()))
    table.push_back(row(call, "a missing name is ENOENT", {fails(ENOENT, call.at("none"))}));
  for (const NamedCall& call : calls_through_symlinks()) {
    table.push_back(row(call, "a dangling symlink is ENOENT",
                        {symlink("none", "s"), fails(ENOENT, call.at("s"))}));
    table.push_back(
        row(call, "a symlink to itself is ELOOP", {symlink("s", "s"), fails(ELOOP, call.at("s"))}));
    table.push_back(row(call, "a symlink is followed",
                        {prepared(call.needs, "name"), symlink("name", "s"), answers(call, "s"),
                         kind("s", S_IFLNK)}));
  }
  return table;
}

// A name can be had by directories that a path from the root could not spell.
Table deep_names() {
  const std::string component(kNameMax, 'd');
  Steps go_down;
  for (std::size_t depth = 0; depth <= kPathMax; depth += kNameMax)
    go_down.insert(go_down.end(), {mkdir(component), chdir(component)});
  Table table;
  for (const NamedCall& call :
       joined(calls_that_make(), calls_on_names(), calls_through_symlinks())) {
    Steps steps = go_down;
    steps.insert(steps.end(),
                 {file("source"), prepared(call.needs, "name"), answers(call, "name")});
    table.push_back({std::string(call.title) + ": works below 4096 bytes of directories",
                     {all(std::move(steps))}});
  }
  return table;
}

}  // namespace

Table path_cases() {
  Table table;
  for (const NamedCall& call :
       joined(calls_that_make(), calls_on_names(), calls_through_symlinks())) {
    table += bad_prefixes(call);
    table += long_names(call);
  }
  table += absent_names();
  table += deep_names();
  return table;
}

}  // namespace neffs::test::posix
