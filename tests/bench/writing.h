// What programs do to a cache directory, to be timed. All of them throw std::system_error.
#pragma once

#include <cstddef>
#include <filesystem>

namespace neffs::test {

// What libneuronxla does for each module that it compiles, but for the compiling: directory, lock, flags,
// input, the NEFF and its wrapped twin, done mark, and looks in between.
//   syncs: the files before the mark, which libneuronxla does not, and a mount does
void compile_modules(const std::filesystem::path& cache, int modules, std::size_t neff_size,
                     bool syncs);

void write_in_blocks(const std::filesystem::path& file, std::size_t size);
// 4 KiB each, on the disk before the next.
void append_and_sync(const std::filesystem::path& file, int times);
void make_synced_files(const std::filesystem::path& directory, int files);

// The life of many small files, and of directories, a step at a time.
void create_files(const std::filesystem::path& directory, int files);
void stat_files(const std::filesystem::path& directory, int files);
void rename_files(const std::filesystem::path& directory,
                  int files);  // from where create left them
void unlink_renamed_files(const std::filesystem::path& directory, int files);
void make_and_remove_directories(const std::filesystem::path& directory, int directories);

// As `ls -l`.
void list_with_stat(const std::filesystem::path& directory);

}  // namespace neffs::test
