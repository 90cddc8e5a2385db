find_program(BALLAST_CLANG NAMES clang-14 clang REQUIRED)
find_program(BALLAST_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

# ballast_bpf(NAME SOURCE): compiles BPF C and makes the target NAME, which offers <NAME.skel.h>.
function(ballast_bpf name source)
  set(directory ${CMAKE_BINARY_DIR}/generated/bpf)
  set(object ${directory}/${name}.bpf.o)
  set(skeleton ${directory}/${name}.skel.h)
  file(MAKE_DIRECTORY ${directory})
  add_custom_command(OUTPUT ${object}
    COMMAND ${BALLAST_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Werror -Wno-unused-parameter -Wno-address-of-packed-member
            -I/usr/include/${CMAKE_CXX_LIBRARY_ARCHITECTURE} -I${CMAKE_SOURCE_DIR} -MD -MF ${object}.d -MT ${object}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source} DEPFILE ${object}.d VERBATIM)
  add_custom_command(OUTPUT ${skeleton}
    COMMAND ${BALLAST_BPFTOOL} gen skeleton ${object} name ${name} > ${skeleton}
    DEPENDS ${object} VERBATIM)
  add_custom_target(${name}_skeleton DEPENDS ${skeleton})
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_skeleton)
  target_include_directories(${name} SYSTEM INTERFACE ${directory})
  target_link_libraries(${name} INTERFACE PkgConfig::BPF)
endfunction()
