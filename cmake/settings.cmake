# neffs_settings: what all of our own code is compiled with, and nobody else's.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(neffs_settings INTERFACE)
target_include_directories(neffs_settings INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_definitions(neffs_settings INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(neffs_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wcast-qual -Wformat=2 -Wvla -fstack-protector-strong)
if(NEFFS_DEVELOPER)
  target_compile_options(neffs_settings INTERFACE -Werror
    # so that ccache can tell precompiled headers apart
    "$<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>"
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
if(NEFFS_SANITIZE)
  target_compile_options(neffs_settings INTERFACE
    -fsanitize=${NEFFS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(neffs_settings INTERFACE -fsanitize=${NEFFS_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(neffs_settings INTERFACE _FORTIFY_SOURCE=2)
endif()
