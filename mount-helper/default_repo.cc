#include "mount-helper/default_repo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "fs/layer.h"
#include "hub/credentials.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

// The first line without blanks around it; "" where there is no such file.
std::string first_line(const std::string& path) {
  std::string line;
  std::ifstream in(path);
  std::getline(in, line);
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == line.npos) return "";
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

void give_to_owner_of(const stdfs::path& folder, const stdfs::path& path) {
  struct stat st {};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &st) != 0) return;
  if (::lchown(path.c_str(), st.st_uid, st.st_gid) != 0) fs::throw_errno("chown");
}

void make_folder(const stdfs::path& folder) {
  if (folder.empty() || stdfs::exists(folder)) return;
  make_folder(folder.parent_path());
  stdfs::create_directory(folder);
  give_to_owner_of(folder.parent_path(), folder);
}

}  // namespace

std::string default_repo_file(const hub::Environment& environment) {
  return hub::hf_home(environment) + "/optimum_neuron_custom_cache";
}

std::string read_default_repo(const hub::Environment& environment) {
  return first_line(default_repo_file(environment));
}

void write_default_repo(const hub::Environment& environment, const std::string& repo) {
  const stdfs::path file = default_repo_file(environment);
  make_folder(file.parent_path());
  std::string unfinished = file.string() + ".XXXXXX";
  fs::UniqueFd fd(::mkostemp(unfinished.data(), O_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::generic_category(), unfinished);
  // optimum-cli takes the whole text for the name: no newline.
  const bool is_written =
      ::write(fd.get(), repo.data(), repo.size()) == static_cast<ssize_t>(repo.size()) &&
      ::fchmod(fd.get(), 0644) == 0;
  if (is_written) give_to_owner_of(file.parent_path(), unfinished);
  if (is_written && ::rename(unfinished.c_str(), file.c_str()) == 0) return;
  const int error = errno;
  ::unlink(unfinished.c_str());
  throw std::system_error(error, std::generic_category(), file.string());
}

}  // namespace neffs::mount_helper
