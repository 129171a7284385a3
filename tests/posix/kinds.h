// The kinds of files, for rows that hold for all of them.
#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/posix/calls.h"
#include "tests/posix/tables.h"

namespace neffs::test::posix {

struct Kind {
  std::string title;
  unsigned type;
  std::function<Step(const std::string&)> make;
};

inline const dev_t kDevice = ::makedev(1, 3);

inline std::vector<Kind> kinds_but_directories() {
  using Name = const std::string&;
  return {
      {"file", S_IFREG, [](Name name) { return file(name, "text"); }},
      {"symlink", S_IFLNK, [](Name name) { return symlink("anywhere", name); }},
      {"fifo", S_IFIFO, [](Name name) { return fifo(name); }},
      {"socket", S_IFSOCK, [](Name name) { return bind(name); }},
      {"character device", S_IFCHR, [](Name name) { return mknod(name, S_IFCHR | 0644, kDevice); }},
      {"block device", S_IFBLK, [](Name name) { return mknod(name, S_IFBLK | 0644, kDevice); }}};
}

inline std::vector<Kind> all_kinds() {
  auto kinds = kinds_but_directories();
  kinds.push_back(
      {"directory", S_IFDIR, [](const std::string& name) { return mkdir(name, 0755); }});
  return kinds;
}

// One row a kind: `title` with "$" for the kind's name.
template <typename Rows>
Table for_each(const std::vector<Kind>& kinds, const std::string& title, Rows steps) {
  Table table;
  for (const Kind& kind : kinds) {
    std::string text = title;
    text.replace(text.find('$'), 1, kind.title);
    table.push_back({text, steps(kind)});
  }
  return table;
}

inline Table& operator+=(Table& table, const Table& more) {
  table.insert(table.end(), more.begin(), more.end());
  return table;
}

}  // namespace neffs::test::posix
