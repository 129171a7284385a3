// Which names of the cache are published, which never are, and when what is there is whole. Pure
// functions of names, sizes and small texts, as in cache_layout.h.
#pragma once

#include <cstdint>
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
// also as the name of a folder on the way. The path is relative to what is published.
bool is_published_name(std::string_view inside);

// One name in a module that is no directory.
struct LocalFile {
  std::string_view path;  // relative to the module
  bool is_regular = true;
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

struct PublishQuestion {
  std::string_view module;  // its path
  LocalState state = LocalState::kUnfinished;
  std::span<const LocalFile> files;
  bool is_adopted = false;  // somebody has said that it is to be published
  // Reads a small file of the module; "" if it cannot be read. Called where only it tells.
  std::function<std::string(std::string_view inside)> read;
};
// Of a module that is in the layer.
Publishing judge_publishing(const PublishQuestion& question);

// The file that a symlink in a registry stands for, as a path in the cache: what it leads to, taken as
// text, is another file of a registry. nullopt if not; such a symlink is not published.
//   target: the symlink's text
//   mountpoint: where the cache is seen, absolute; "" if nowhere
std::optional<std::string> alias_target(std::string_view alias, std::string_view target,
                                        std::string_view mountpoint);

}  // namespace neffs::fs
