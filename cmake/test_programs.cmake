# Test programs: neffs_test_program(NAME source…) is add_executable(), compiled quickly.
# Tests are compiled far more often than they run, and wait for what they test: no optimisation.
set(NEFFS_TEST_OPTIONS -O0 -U_FORTIFY_SOURCE)

# GCC takes a precompiled header only with the very options it was made with, so that programs cannot
# share one with libraries: this one is for programs.
add_executable(neffs_test_precompiled ${PROJECT_SOURCE_DIR}/tests/precompiled.cc)
target_link_libraries(neffs_test_precompiled PRIVATE neffs_settings neffs_json_once GTest::gtest)
target_compile_options(neffs_test_precompiled PRIVATE ${NEFFS_TEST_OPTIONS})
target_precompile_headers(neffs_test_precompiled PRIVATE ${PROJECT_SOURCE_DIR}/tests/precompiled.h)

function(neffs_test_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE neffs_settings neffs_json_once GTest::gtest)
  target_compile_options(${name} PRIVATE ${NEFFS_TEST_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM neffs_test_precompiled)
endfunction()
