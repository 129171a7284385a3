#include "tests/hub/content.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

constexpr std::uint64_t kPiece = 256U << 10U;

class TextContent final : public Content {
 public:
  explicit TextContent(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, std::span<char> out) const override {
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  }
  const std::string* text() const override { return &bytes_; }

 private:
  std::string bytes_;
};

class FileContent final : public Content {
 public:
  explicit FileContent(std::filesystem::path path)
      : path_(std::move(path)), size_(std::filesystem::file_size(path_)) {}
  std::uint64_t size() const override { return size_; }

  // Opened for every read: a Hub of 10,000 files must not hold 10,000 descriptors.
  void read(std::uint64_t offset, std::span<char> out) const override {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(errno);
    std::size_t have = 0;
    int error = 0;
    while (have < out.size() && error == 0) {
      const ssize_t n =
          ::pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
      if (n > 0) {
        have += static_cast<std::size_t>(n);
      } else if (n == 0 || errno != EINTR) {
        error = n == 0 ? EIO : errno;
      }
    }
    ::close(fd);
    if (error != 0) fail(error);
  }

 private:
  [[noreturn]] void fail(int error) const {
    throw std::system_error(error, std::generic_category(), path_.string());
  }

  std::filesystem::path path_;
  std::uint64_t size_;
};

class GeneratedContent final : public Content {
 public:
  GeneratedContent(std::uint64_t seed, std::uint64_t size) : seed_(seed), size_(size) {}
  std::uint64_t size() const override { return size_; }

  void read(std::uint64_t offset, std::span<char> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::uint64_t at = offset + done;
      const std::uint64_t word = mix(at / 8);
      const std::size_t skip = at % 8;
      const std::size_t n = std::min<std::size_t>(8 - skip, out.size() - done);
      std::memcpy(out.data() + done, reinterpret_cast<const char*>(&word) + skip, n);
      done += n;
    }
  }

 private:
  // The finaliser of SplitMix64: a counter goes in, well-mixed bits come out.
  std::uint64_t mix(std::uint64_t index) const {
    std::uint64_t z = seed_ * 0xD1342543DE82EF95U + (index + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  std::uint64_t seed_;
  std::uint64_t size_;
};

class FlippedContent final : public Content {
 public:
  FlippedContent(ContentPtr inner, std::uint64_t position)
      : inner_(std::move(inner)), position_(position) {}
  std::uint64_t size() const override { return inner_->size(); }
  void read(std::uint64_t offset, std::span<char> out) const override {
    inner_->read(offset, out);
    if (position_ < offset || position_ - offset >= out.size()) return;
    char& byte = out[position_ - offset];
    byte = static_cast<char>(~byte);
  }

 private:
  ContentPtr inner_;
  std::uint64_t position_;
};

class JoinedContent final : public Content {
 public:
  explicit JoinedContent(std::vector<ContentPtr> parts) : parts_(std::move(parts)) {}
  std::uint64_t size() const override {
    std::uint64_t size = 0;
    for (const ContentPtr& part : parts_) size += part->size();
    return size;
  }
  void read(std::uint64_t offset, std::span<char> out) const override {
    for (const ContentPtr& part : parts_) {
      if (out.empty()) return;
      if (offset < part->size()) {
        const std::size_t n = std::min<std::uint64_t>(out.size(), part->size() - offset);
        part->read(offset, out.first(n));
        out = out.subspan(n);
        offset += n;
      }
      offset -= part->size();
    }
  }

 private:
  std::vector<ContentPtr> parts_;
};

class SliceContent final : public Content {
 public:
  SliceContent(ContentPtr inner, std::uint64_t offset, std::uint64_t length)
      : inner_(std::move(inner)), offset_(offset), length_(length) {}
  std::uint64_t size() const override { return length_; }
  void read(std::uint64_t offset, std::span<char> out) const override {
    const std::uint64_t from = std::min(offset_ + offset, inner_->size());
    const std::size_t real = std::min<std::uint64_t>(out.size(), inner_->size() - from);
    if (real > 0) inner_->read(from, out.first(real));
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(real), out.end(), '\0');
  }

 private:
  ContentPtr inner_;
  std::uint64_t offset_;
  std::uint64_t length_;
};

}  // namespace

ContentPtr text_content(std::string bytes) {
  return std::make_shared<TextContent>(std::move(bytes));
}

ContentPtr file_content(const std::filesystem::path& path) {
  return std::make_shared<FileContent>(path);
}

ContentPtr generated_content(std::uint64_t seed, std::uint64_t size) {
  return std::make_shared<GeneratedContent>(seed, size);
}

ContentPtr flipped_content(ContentPtr content, std::uint64_t position) {
  return std::make_shared<FlippedContent>(std::move(content), position);
}

ContentPtr joined_content(std::vector<ContentPtr> parts) {
  return std::make_shared<JoinedContent>(std::move(parts));
}

ContentPtr slice_content(ContentPtr content, std::uint64_t offset, std::uint64_t length) {
  return std::make_shared<SliceContent>(std::move(content), offset, length);
}

bool for_each_piece(const Content& content, const std::function<bool(std::string_view)>& take) {
  if (const auto* text = content.text()) return text->empty() || take(*text);
  const std::uint64_t size = content.size();
  std::string piece(std::min(kPiece, size), '\0');
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min(kPiece, size - at));
    content.read(at, piece);
    if (!take(piece)) return false;
  }
  return true;
}

std::string read_all(const Content& content) {
  std::string bytes(content.size(), '\0');
  content.read(0, bytes);
  return bytes;
}

std::string sample_of(const Content& content) {
  std::string sample(std::min(content.size(), kSampleSize), '\0');
  content.read(0, sample);
  return sample;
}

bool looks_binary(std::string_view sample) {
  return sample.find('\0') != std::string_view::npos;
}

std::string sha256_hex(const Content& content) {
  Digest digest(DigestKind::kSha256);
  for_each_piece(content, [&](std::string_view piece) {
    digest.update(piece);
    return true;
  });
  return digest.hex();
}

}  // namespace neffs::test
