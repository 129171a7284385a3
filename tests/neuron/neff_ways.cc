#include "tests/neuron/neff_ways.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "tests/hub/content.h"
#include "tests/hub/digest.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kNeffSize = 200'003;
constexpr std::size_t kPiece = 64 << 10;

void write_in_pieces(const stdfs::path& path, const std::string& bytes) {
  const auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::string piece = bytes.substr(at, kPiece);
    if (::write(file.get(), piece.data(), piece.size()) != static_cast<ssize_t>(piece.size()))
      throw std::system_error(errno, std::generic_category(), path.string());
  }
}

int copy_error(const stdfs::path& from, const stdfs::path& to) {
  const fs::UniqueFd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return errno;
  const fs::UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!out) return errno;
  ssize_t sent = 1;
  while (sent > 0) sent = ::sendfile(out.get(), in.get(), nullptr, 1 << 30);
  return error_of(sent);
}

// Where a link leads into another file system, callers copy.
int link_or_copy_error(const stdfs::path& from, const stdfs::path& to) {
  const int error = error_of(::link(from.c_str(), to.c_str()));
  return error == EXDEV || error == EPERM ? copy_error(from, to) : error;
}

void move(const stdfs::path& from, const stdfs::path& to, const Transcript& transcript) {
  int error = error_of(std::rename(from.c_str(), to.c_str()));
  if (error == EXDEV) error = copy_error(from, to);
  transcript.must("move to " + to.filename().string(), error);
}

std::string digest_of(const std::string& bytes) {
  return digest_hex(DigestKind::kSha256, bytes).substr(0, 16);
}

std::string read_digest(const stdfs::path& file) {
  const Bytes bytes = read_file(file);
  return bytes.error == 0 ? digest_of(bytes.text) : name_of_error(bytes.error);
}

}  // namespace

PutWay put_way(Words& words) {
  return words.one_of<PutWay>("put", {{"in-place", PutWay::kInPlace},
                                      {"temp-rename", PutWay::kTempRename},
                                      {"link", PutWay::kLink},
                                      {"copy", PutWay::kCopy},
                                      {"move", PutWay::kMove}});
}

TakeWay take_way(Words& words) {
  return words.one_of<TakeWay>("take", {{"read", TakeWay::kRead},
                                        {"mmap", TakeWay::kMmap},
                                        {"copy", TakeWay::kCopy},
                                        {"link", TakeWay::kLink},
                                        {"symlink", TakeWay::kSymlink}});
}

std::string neff_of(const std::string& module) {
  const std::string digest = digest_hex(DigestKind::kSha1, module);
  return read_all(*generated_content(std::stoull(digest.substr(0, 12), nullptr, 16), kNeffSize));
}

void put(PutWay way, const stdfs::path& made, const stdfs::path& neff,
         const Transcript& transcript) {
  const std::string name = neff.filename().string();
  if (way == PutWay::kCopy) return transcript.must("copy to " + name, copy_error(made, neff));
  if (way == PutWay::kMove) return move(made, neff, transcript);
  const auto temporary = way == PutWay::kInPlace ? neff : neff.parent_path() / unique_name();
  write_in_pieces(temporary, read_file(made).text);
  transcript.say("written " + name);
  if (way == PutWay::kTempRename)
    transcript.must("rename to " + name, error_of(std::rename(temporary.c_str(), neff.c_str())));
  if (way != PutWay::kLink) return;
  transcript.must("link to " + name, error_of(::link(temporary.c_str(), neff.c_str())));
  transcript.must("unlink the other name", error_of(::unlink(temporary.c_str())));
}

void put_half(const stdfs::path& made, const stdfs::path& neff) {
  const std::string bytes = read_file(made).text;
  write_in_pieces(neff, bytes.substr(0, bytes.size() / 2));
}

std::string take(TakeWay way, const stdfs::path& file, const stdfs::path& work,
                 const Transcript& transcript) {
  const std::string name = file.filename().string();
  if (way == TakeWay::kRead) return read_digest(file);
  if (way == TakeWay::kMmap) return digest_of(read_by_mmap(file));
  const stdfs::path own = work / unique_name();
  if (way == TakeWay::kCopy) transcript.must("copy of " + name, copy_error(file, own));
  if (way == TakeWay::kLink)
    transcript.must("link or copy of " + name, link_or_copy_error(file, own));
  if (way == TakeWay::kSymlink)
    transcript.must("symlink to " + name, error_of(::symlink(file.c_str(), own.c_str())));
  std::string digest = read_digest(own);
  ::unlink(own.c_str());  // as a work directory goes when the compile is over
  return digest;
}

std::string unique_name() {
  static std::atomic<int> last{0};
  return "tmp" + std::to_string(::getpid()) + "." + std::to_string(++last);
}

}  // namespace neffs::test
