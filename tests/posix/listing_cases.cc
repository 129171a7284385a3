// opendir, readdir, rewinddir, seekdir: also of directories that change meanwhile.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using Stream = std::unique_ptr<DIR, CloseDirectory>;

struct Name {
  std::string text;
  ino_t ino;
  unsigned char type;
};

constexpr int kMany = 240;  // with such long names more than one readdir of the C library holds

// Up to `most` more names.
std::vector<Name> read_names(const Stream& stream, int most = kMany * 10) {
  std::vector<Name> names;
  for (const dirent* entry = nullptr; most > 0 && (entry = ::readdir(stream.get())); --most)
    names.push_back({entry->d_name, entry->d_ino, entry->d_type});
  return names;
}

std::multiset<std::string> texts(const std::vector<Name>& names) {
  std::multiset<std::string> result;
  for (const Name& name : names) result.insert(name.text);
  return result;
}

// A look with directory "d" open; "" or what is wrong.
Step listing(const std::string& text, std::function<std::string(Place&, const Stream&)> look) {
  return check("listing: " + text, [look = std::move(look)](Place& at) -> std::string {
    const Stream stream(::opendir("d"));
    return stream ? look(at, stream) : std::strerror(errno);
  });
}

std::string number(int index) {
  return fmt::format("{:0>200}", index);
}

Step many_files() {
  Steps steps{mkdir("d")};
  for (int i = 0; i < kMany; ++i) steps.push_back(mknod("d/" + number(i), S_IFREG | 0644));
  return {"many files", all(std::move(steps)).run};
}

std::string expect(bool holds, const std::string& otherwise) {
  return holds ? "" : otherwise;
}

std::string run_one(const Step& step, Place& at) {
  const Outcome outcome = run({step}, at);
  return outcome.complaint;
}

Step lists_itself_and_its_parent() {
  return listing("dot and dot dot", [](Place&, const Stream& stream) {
    const auto found = texts(read_names(stream));
    return expect(found == std::multiset<std::string>{".", "..", "a"}, "not ., .. and a");
  });
}

// Filesystems may leave the type open, which says nothing wrong.
Step tells_type_and_inode(unsigned type) {
  return listing("type and inode", [type](Place&, const Stream& stream) {
    struct stat st {};
    ::lstat("d/a", &st);
    for (const Name& name : read_names(stream)) {
      if (name.text != "a") continue;
      if (name.ino != st.st_ino) return fmt::format("inode {} not {}", name.ino, st.st_ino);
      return expect(name.type == DT_UNKNOWN || static_cast<unsigned>(DTTOIF(name.type)) == type,
                    fmt::format("type {}", name.type));
    }
    return std::string("a is not listed");
  });
}

Step lists_each_name_once() {
  return listing("each name once", [](Place&, const Stream& stream) {
    const auto found = texts(read_names(stream));
    const std::set<std::string> once(found.begin(), found.end());
    return expect(found.size() == kMany + 2 && once.size() == found.size(),
                  fmt::format("{} names, {} different", found.size(), once.size()));
  });
}

Step goes_on_where_telldir_was() {
  return listing("telldir and seekdir", [](Place&, const Stream& stream) {
    read_names(stream, kMany / 3);
    const long position = ::telldir(stream.get());
    const auto first = texts(read_names(stream));
    ::seekdir(stream.get(), position);
    return expect(first == texts(read_names(stream)), "other names the second time");
  });
}

Step begins_anew_and_sees_what_is_new() {
  return listing("rewinddir", [](Place& at, const Stream& stream) {
    const auto before = read_names(stream).size();
    if (auto wrong = run_one(all({file("d/new"), unlink("d/a")}), at); !wrong.empty()) return wrong;
    ::rewinddir(stream.get());
    const auto found = texts(read_names(stream));
    return expect(found.size() == before && found.count("new") == 1 && found.count("a") == 0,
                  "not the names there are now");
  });
}

// As `rm -r` goes: it deletes what it has been told, and must be told the rest.
Step tells_all_while_they_are_deleted() {
  return listing("deleting", [](Place&, const Stream& stream) {
    std::size_t deleted = 0;
    for (auto some = read_names(stream, 50); !some.empty(); some = read_names(stream, 50))
      for (const Name& name : some)
        if (name.text != "." && name.text != "..")
          deleted += ::unlink(("d/" + name.text).c_str()) == 0 ? 1 : 0;
    return expect(deleted == kMany, fmt::format("{} deleted", deleted));
  });
}

// What is there from beginning to end is told once, whatever comes and goes around it.
Step tells_what_stays_once() {
  return listing("changes", [](Place& at, const Stream& stream) {
    auto told = read_names(stream, kMany / 3);
    Steps changes;
    for (int i = 0; i < kMany; i += 2) changes.push_back(unlink("d/" + number(i)));
    for (int i = 0; i < kMany; ++i) changes.push_back(file("d/other-" + number(i)));
    if (auto wrong = run_one(all(changes), at); !wrong.empty()) return wrong;
    for (const Name& name : read_names(stream)) told.push_back(name);
    const auto found = texts(told);
    for (int i = 1; i < kMany; i += 2)
      if (found.count(number(i)) != 1)
        return fmt::format("{} told {} times", number(i), found.count(number(i)));
    return std::string();
  });
}

Step ends_where_the_directory_has_gone() {
  return listing("a directory that is gone", [](Place&, const Stream& stream) {
    ::rmdir("d");
    ::rewinddir(stream.get());
    return expect(read_names(stream).size() <= 2, "names in a directory that is gone");
  });
}

}  // namespace

Table listing_cases() {
  Table table =
      for_each(all_kinds(), "a $ is told with its type and inode", [](const Kind& each) -> Steps {
        return {mkdir("d"), each.make("d/a"), tells_type_and_inode(each.type)};
      });
  table += {
      {"dot and dot dot are told", {mkdir("d"), file("d/a"), lists_itself_and_its_parent()}},
      {"many names are told once", {many_files(), lists_each_name_once()}},
      {"one goes on where one was", {many_files(), goes_on_where_telldir_was()}},
      {"one begins anew",
       {mkdir("d"), file("d/a"), file("d/b"), begins_anew_and_sees_what_is_new()}},
      {"names are deleted while they are told",
       {many_files(), tells_all_while_they_are_deleted(), names("d", {}), rmdir("d")}},
      {"what stays is told once while others come and go", {many_files(), tells_what_stays_once()}},
      {"a directory that is gone has no names", {mkdir("d"), ends_where_the_directory_has_gone()}},
      {"names are any bytes",
       {mkdir("d"), file("d/\n"), file("d/ "), file("d/\xff\xfe"), file("d/..."),
        names("d", {"\n", " ", "...", "\xff\xfe"})}},
      {"names differ by case",
       {mkdir("d"), file("d/a", "small"), file("d/A", "large"), content("d/a", "small"),
        content("d/A", "large")}},
      {"what changes is told by the next listing",
       {mkdir("d"), names("d", {}), file("d/a"), names("d", {"a"}), rename("d/a", "d/b"),
        names("d", {"b"}), mkdir("d/c"), names("d", {"b", "c"}), unlink("d/b"), rmdir("d/c"),
        names("d", {})}},
      {"a listing changes no mtime and no ctime",
       {mkdir("d"), file("d/a"), touches(kNoTime, "d", names("d", {"a"}))}},
      {"a file is not listed", {file("a"), fails(ENOTDIR, opendir("a"))}},
      {"without the right to read is EACCES",
       {directory("d", 0711), as(kAlice, fails(EACCES, opendir("d")))}},
      {"an open directory is read when the right is gone",
       {directory("d", 0755), file("d/a"), owned_by(kAlice, "d"),
        as(kAlice, listing("after chmod",
                           [](Place&, const Stream& stream) {
                             ::chmod("d", 0);
                             return expect(read_names(stream).size() == 3, "not all names");
                           }))}},
  };
  return table;
}

}  // namespace neffs::test::posix
