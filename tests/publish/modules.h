// Modules that the tests of publication compile, and the way their files come into a cache.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace neffs::test {

struct MadeModule {
  std::string path;                          // from the cache's root
  std::map<std::string, std::string> files;  // bytes by name in the module
};

// Small, complete, and like no module of another number; text and binary files as in real ones.
MadeModule made_module(unsigned number);

// What a compile does that missed: lock, inputs, outputs, mark, unlock. `stepped` is called after each
// of these. Throws std::system_error.
void compile_into(
    const std::filesystem::path& cache, const MadeModule& module,
    const std::function<void()>& stepped = [] {});
// The same, for a disk that may lose its power: before each `stepped` all there is of the module, and
// the names of it, have been synced.
void compile_durably(
    const std::filesystem::path& cache, const MadeModule& module,
    const std::function<void()>& stepped = [] {});
// Only the files, as whoever copies a module does.
void put_files(const std::filesystem::path& cache, const MadeModule& module);

// What a cache has in the place of the module, in the form of its `files`.
std::map<std::string, std::string> files_in(const std::filesystem::path& cache,
                                            const MadeModule& module);

}  // namespace neffs::test
