#include "tests/posix/looks.h"

#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <set>
#include <sstream>

#include "tests/mount/files.h"

namespace neffs::test::posix {
namespace {

template <typename Value>
std::string compare(const Value& is, const Value& wanted) {
  return is == wanted ? "" : fmt::format("{} instead of {}", is, wanted);
}

std::string octal(unsigned mode) {
  return fmt::format("{:o}", mode);
}

std::string message(int error) {
  return std::strerror(error);
}

// A look at the attributes of a name, or of an open file.
Step stat_look(const std::string& what, const std::string& name,
               const std::function<std::string(const struct stat&)>& judge) {
  return check(what + " of " + name, [=](Place& at) {
    struct stat st {};
    return ::lstat(at.path(name).c_str(), &st) == 0 ? judge(st) : message(errno);
  });
}

Step fstat_look(const std::string& what, const std::string& handle,
                const std::function<std::string(const struct stat&)>& judge) {
  return check(what + " of open " + handle, [=](Place& at) {
    struct stat st {};
    return ::fstat(at.fd(handle), &st) == 0 ? judge(st) : message(errno);
  });
}

bool is_same(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool is_same(Place& at, const std::string& name, const std::string& other) {
  struct stat one {};
  struct stat two {};
  return ::lstat(at.path(name).c_str(), &one) == 0 && ::lstat(at.path(other).c_str(), &two) == 0 &&
         is_same(one, two);
}

std::string joined(const auto& words) {
  std::string text;
  for (const std::string& word : words) text += word + ' ';
  return text;
}

// Long texts are told by where they differ.
std::string compare_texts(const Bytes& is, const std::string& wanted) {
  if (is.error != 0) return message(is.error);
  if (is.text == wanted) return "";
  if (is.text.size() + wanted.size() < 200) return compare(is.text, wanted);
  const auto [here, there] =
      std::mismatch(is.text.begin(), is.text.end(), wanted.begin(), wanted.end());
  return fmt::format("{} bytes instead of {}, different from {} on", is.text.size(), wanted.size(),
                     here - is.text.begin());
}

// For calls that fill a buffer.
template <typename Fill>
std::string compare_buffer(Fill fill, const std::string& wanted) {
  std::string buffer(65536, '\0');
  const ssize_t got = fill(buffer.data(), buffer.size());
  if (got < 0) return message(errno);
  buffer.resize(static_cast<std::size_t>(got));
  return compare_texts({0, buffer}, wanted);
}

}  // namespace

Step absent(const std::string& name) {
  return check("absence of " + name, [=](Place& at) {
    const int error = stat_error(at.path(name));
    return error == ENOENT ? "" : error == 0 ? "it is there" : message(error);
  });
}

Step kind(const std::string& name, unsigned type) {
  return stat_look("type", name, [=](const struct stat& st) {
    return compare(octal(st.st_mode & S_IFMT), octal(type));
  });
}

Step mode(const std::string& name, unsigned bits) {
  return stat_look("mode", name, [=](const struct stat& st) {
    return compare(octal(st.st_mode & 07777U), octal(bits));
  });
}

Step owner(const std::string& name, unsigned uid, unsigned gid) {
  return stat_look("owner", name, [=](const struct stat& st) {
    return compare(fmt::format("{}:{}", st.st_uid, st.st_gid), fmt::format("{}:{}", uid, gid));
  });
}

Step links(const std::string& name, unsigned count) {
  return stat_look("nlink", name, [=](const struct stat& st) {
    return compare(static_cast<unsigned>(st.st_nlink), count);
  });
}

Step size(const std::string& name, long bytes) {
  return stat_look("size", name, [=](const struct stat& st) { return compare(st.st_size, bytes); });
}

Step device(const std::string& name, dev_t number) {
  return stat_look("device", name,
                   [=](const struct stat& st) { return compare(st.st_rdev, number); });
}

Step times(const std::string& name, long atime, long mtime) {
  return stat_look("times", name, [=](const struct stat& st) {
    return compare(fmt::format("{} {}", st.st_atim.tv_sec, st.st_mtim.tv_sec),
                   fmt::format("{} {}", atime, mtime));
  });
}

Step mtime_ns(const std::string& name, long nanoseconds) {
  return stat_look("mtime", name,
                   [=](const struct stat& st) { return compare(st.st_mtim.tv_nsec, nanoseconds); });
}

Step recent(const std::string& name) {
  return stat_look("mtime", name, [](const struct stat& st) {
    const time_t age = ::time(nullptr) - st.st_mtim.tv_sec;
    return age >= -1 && age <= 60 ? "" : fmt::format("{} s ago", age);
  });
}

Step same(const std::string& name, const std::string& other) {
  return check(name + " and " + other,
               [=](Place& at) { return is_same(at, name, other) ? "" : "not the same inode"; });
}

Step same_as_held(const std::string& name, const std::string& handle) {
  return check(name + " and open " + handle, [=](Place& at) {
    struct stat one {};
    struct stat two {};
    const bool both =
        ::lstat(at.path(name).c_str(), &one) == 0 && ::fstat(at.fd(handle), &two) == 0;
    return both && is_same(one, two) ? "" : "not the same inode";
  });
}

Step different(const std::string& name, const std::string& other) {
  return check(name + " and " + other,
               [=](Place& at) { return is_same(at, name, other) ? "the same inode" : ""; });
}

Step content(const std::string& name, const std::string& text) {
  return check("content of " + name,
               [=](Place& at) { return compare_texts(read_file(at.path(name)), text); });
}

Step held_content(const std::string& handle, const std::string& text) {
  return check("content of open " + handle, [=](Place& at) {
    const off_t before = ::lseek(at.fd(handle), 0, SEEK_CUR);
    ::lseek(at.fd(handle), 0, SEEK_SET);
    const Bytes bytes = read_all_of(at.fd(handle));
    ::lseek(at.fd(handle), before, SEEK_SET);
    return compare_texts(bytes, text);
  });
}

Step held_links(const std::string& handle, unsigned count) {
  return fstat_look("nlink", handle, [=](const struct stat& st) {
    return compare(static_cast<unsigned>(st.st_nlink), count);
  });
}

Step held_size(const std::string& handle, long bytes) {
  return fstat_look("size", handle,
                    [=](const struct stat& st) { return compare(st.st_size, bytes); });
}

Step held_mode(const std::string& handle, unsigned bits) {
  return fstat_look("mode", handle, [=](const struct stat& st) {
    return compare(octal(st.st_mode & 07777U), octal(bits));
  });
}

Step offset(const std::string& handle, long bytes) {
  return check("offset of " + handle,
               [=](Place& at) { return compare(::lseek(at.fd(handle), 0, SEEK_CUR), bytes); });
}

Step target(const std::string& name, const std::string& text) {
  return check("target of " + name, [=](Place& at) {
    return compare_buffer(
        [&](char* buffer, std::size_t size) {
          return ::readlink(at.path(name).c_str(), buffer, size);
        },
        text);
  });
}

Step attribute(const std::string& name, const std::string& attribute, const std::string& value) {
  return check(attribute + " of " + name, [=](Place& at) {
    return compare_buffer(
        [&](char* buffer, std::size_t size) {
          return ::lgetxattr(at.path(name).c_str(), attribute.c_str(), buffer, size);
        },
        value);
  });
}

Step held_attribute(const std::string& handle, const std::string& attribute,
                    const std::string& value) {
  return check(attribute + " of open " + handle, [=](Place& at) {
    return compare_buffer(
        [&](char* buffer, std::size_t size) {
          return ::fgetxattr(at.fd(handle), attribute.c_str(), buffer, size);
        },
        value);
  });
}

Step attributes(const std::string& name, const std::vector<std::string>& user_attributes) {
  return check("attributes of " + name, [=](Place& at) {
    std::string buffer(65536, '\0');
    const ssize_t got = ::llistxattr(at.path(name).c_str(), buffer.data(), buffer.size());
    if (got < 0) return message(errno);
    buffer.resize(static_cast<std::size_t>(got));
    std::set<std::string> found;
    std::istringstream list(buffer);
    for (std::string word; std::getline(list, word, '\0');)
      if (word.starts_with("user.")) found.insert(word);
    return compare(joined(found), joined(user_attributes));
  });
}

Step names(const std::string& directory, const std::vector<std::string>& sorted) {
  return check("names in " + directory, [=](Place& at) {
    return compare(joined(names_in(at.path(directory))), joined(sorted));
  });
}

Step mapped(std::size_t offset, const std::string& text) {
  return check("mapped bytes", [=](Place& at) {
    return compare_texts({0, std::string(at.mapping()->data() + offset, text.size())}, text);
  });
}

}  // namespace neffs::test::posix
