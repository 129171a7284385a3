# What makes an attack on a mistake of ours harder, as far as the compiler and the linker know it. The
# flags for code are for what is shipped: tests and sanitizers would only become slower.
include(CheckCXXCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "NEFFS_HAS${flag}" known)
    # A flag that is only ignored with a warning is as good as unknown.
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_cxx_compiler_flag(${flag} ${known})
    unset(CMAKE_REQUIRED_FLAGS)
    if(${known})
      target_compile_options(neffs_settings INTERFACE ${flag})
    endif()
  endforeach()
  target_compile_definitions(neffs_settings INTERFACE _GLIBCXX_ASSERTIONS)
endif()

# Addresses of functions are looked up at the start, and can be overwritten no more.
function(neffs_harden program)
  set_property(TARGET ${program} PROPERTY POSITION_INDEPENDENT_CODE ON)
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    string(MAKE_C_IDENTIFIER "NEFFS_HAS${flag}" known)
    check_linker_flag(CXX ${flag} ${known})
    if(${known})
      target_link_options(${program} PRIVATE ${flag})
    endif()
  endforeach()
endfunction()
