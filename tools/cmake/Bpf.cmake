# bpf_skeleton(TARGET SOURCE NAME): compiles SOURCE for the bpf target and makes an INTERFACE library TARGET that
# offers the skeleton as <NAME.skel.h>. The object stays beside it, for tests that read its BTF.
find_program(CLANG NAMES clang REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(SOCKRAY_BPF_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(SOCKRAY_BPF_ARCH arm64)
else()
  message(FATAL_ERROR "sockray has no BPF calling convention for ${CMAKE_SYSTEM_PROCESSOR} (vmlinux/arch.h)")
endif()

function(bpf_skeleton target source name)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  # <linux/bpf.h> wants <asm/types.h>, which Debian keeps in the multiarch folder.
  set(multiarch ${CMAKE_SYSROOT}/usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${CLANG} -target bpf -D__TARGET_ARCH_${SOCKRAY_BPF_ARCH} -mcpu=v3 -O2 -g -std=gnu11
            -Wall -Wextra -Wno-unused-parameter -Werror -isystem ${multiarch}
            -MD -MF ${object}.d -MT ${object} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source}
    DEPFILE ${object}.d
    COMMENT "BPF object ${name}.bpf.o"
    VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}
    DEPENDS ${object}
    COMMENT "BPF skeleton ${name}.skel.h"
    VERBATIM)
  add_custom_target(${target}_generate DEPENDS ${skeleton})
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_generate)
  # The skeleton is generated C: its warnings are not ours.
  target_include_directories(${target} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${target} INTERFACE PkgConfig::LIBBPF)
  set_target_properties(${target} PROPERTIES BPF_OBJECT ${object})
endfunction()
