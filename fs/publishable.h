// Which names of the cache are published, which never are, and when what is there is whole. Pure
// functions of names, kinds and small texts, as in cache_layout.h.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fs/cache_layout.h"

namespace neffs::fs {

// What is published in one piece.
enum class Piece {
  kNone,      // no name that is published
  kCompiled,  // neuronxcc-*/MODULE_<digits or hex>+<8 hex>
  kTraced,    // neuronxcc-*/MODULE_<20 hex>
  kRegistry,  // one file, neuronxcc-*/0_REGISTRY/**.json
};
Piece piece_of(std::string_view path);

// The registry of a compiler folder, or something below it.
bool is_in_registry(std::string_view path);
inline constexpr std::string_view kRegistryName = "0_REGISTRY";

// False for what stays here whatever it is in: locks, logs of failures, temporary and hostile names,
// also as the name of a folder on the way. The path is relative to the module or registry.
bool is_published_name(std::string_view inside);

// One name in a module that is no directory.
struct LocalFile {
  enum class Kind { kRegular, kSymlink, kOther };
  std::string_view path;  // relative to the module
  Kind kind = Kind::kRegular;
};

enum class PublishState {
  kNever,        // its name, or what it is, is not of the kind that is published
  kIncomplete,   // it may become whole
  kWhenAdopted,  // of a compiler without a completion mark: only on somebody's word
  kLocked,       // whole, but somebody may still be at it
  kFailed,       // whole, and cannot be published as it is
  kReady,        // whole: it only has to be quiet
};

struct Publishing {
  PublishState state = PublishState::kNever;
  Piece piece = Piece::kNone;
  std::string why;  // for people: "locked", "no model.done", "holds a symlink: x", …
};

// Reads a small file; "" if it cannot be read, or is too large for what is asked.
using ReadText = std::function<std::string(std::string_view path)>;

// A module as it is in the layer.
struct ModuleFacts {
  std::string_view path;
  LocalState state = LocalState::kUnfinished;
  std::span<const LocalFile> files;
  bool is_adopted = false;  // somebody has said that it is to be published
};
// read: paths are relative to the module; called where only it tells
Publishing judge_module_to_publish(const ModuleFacts& module, const ReadText& read);

// A file of a registry by its bytes. What is no JSON would break every look-up in the repo.
Publishing judge_registry_file(std::string_view path, const std::string& text);

// The file that a symlink in a registry stands for, as a path in the cache; nullopt if what it leads to,
// taken as text, is no file of a registry: such a symlink is not published.
//   target: the symlink's text
//   mountpoint: where the cache is seen, absolute; "" if nowhere
std::optional<std::string> alias_target(std::string_view alias, std::string_view target,
                                        std::string_view mountpoint);

}  // namespace neffs::fs
