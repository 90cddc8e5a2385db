# ballast_options: what every target of ours is compiled with.
add_library(ballast_options INTERFACE)
target_include_directories(ballast_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(ballast_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror>)
target_compile_definitions(ballast_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BALLAST_VERSION="${PROJECT_VERSION}")
target_link_libraries(ballast_options INTERFACE Boost::headers fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
if(BALLAST_ASAN OR BALLAST_FUZZ)
  # Instrumented code makes compilers warn of what is right; the plain builds keep warnings errors.
  target_compile_options(ballast_options INTERFACE -Wno-error)
endif()
if(BALLAST_ASAN)
  # The vptr check needs a free file descriptor to look at memory, and takes their exhaustion for a fault of the program.
  target_compile_options(ballast_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ballast_options INTERFACE -fsanitize=address,undefined)
endif()
if(BALLAST_FUZZ)
  target_compile_options(ballast_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(ballast_options INTERFACE -fsanitize=address,undefined)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these on correct coroutine and Boost code.
  target_compile_options(ballast_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-restrict -Wno-mismatched-new-delete -fpch-preprocess>)
endif()

# One precompiled header for all that waits (Asio, JSON, fmt); targets reuse it.
add_library(ballast_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(ballast_pch PUBLIC ballast_options OpenSSL::SSL)
target_precompile_headers(ballast_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)

# ballast_library(NAME [SHELL] SOURCES... LINK libs...): SHELL targets may include Asio and use the precompiled header.
function(ballast_library name)
  cmake_parse_arguments(arg "SHELL" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ballast_options ${arg_LINK})
  if(arg_SHELL)
    target_link_libraries(${name} PUBLIC ballast_pch)
    target_precompile_headers(${name} REUSE_FROM ballast_pch)
  endif()
endfunction()

add_custom_target(programs)

# ballast_program(NAME SOURCES... LINK libs...): a daemon or tool, in build/bin; the target `programs` is all of them.
function(ballast_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ballast_options ballast_pch CLI11::CLI11 ${arg_LINK})
  add_dependencies(programs ${name})
  target_precompile_headers(${name} REUSE_FROM ballast_pch)
endfunction()
