// sockray_vm_tests: what sockray shows, held against what a real kernel does. Runs as root, on any kernel that can be
// traced; tools/test runs it in the guests of tools/vm. Makes a network namespace of its own and leaves nothing behind.
//
// Environment, each with a default in the folder of this program:
//   SOCKRAY                        the program under test (sockray)
//   PACKET_SENDER, PACKET_CHURN    the helpers (packet_sender, packet_churn)
//   KERNEL_FIELDS                  the check of vmlinux/kernel.h (kernel_fields), with
//   KERNEL_FIELDS_OBJECT           its BPF object (kernel_fields.bpf.o) and
//   KERNEL_FIELDS_HEADER           the header (kernel.h)
//   SOCKRAY_EXPECT_LOCKDOWN=1      the kernel was booted with lockdown=confidentiality: only Lockdown.* runs then, and
//                                  never otherwise
//
// In PATH: ip, tc, strace, arping, trafgen, tcpreplay, dhclient, udhcpc, sh. What is missing skips the tests that need
// it. /proc, /sys, debugfs and a writable /tmp are mounted. Roughly 300 MB of memory for the run of 100,000 sends.
//
// Prints, for a comparison with DWARF on another machine:
//   LOCATED <kernel release> packet_snd <offset> tpacket_snd <offset>     offsets in bytes from packet_sendmsg
// and for the table of kernels:
//   MATRIX <row> <value>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"

int main(int argc, char** argv) {
    const bool lockdown = std::getenv("SOCKRAY_EXPECT_LOCKDOWN") != nullptr;
    ::testing::GTEST_FLAG(filter) = lockdown ? "Lockdown.*" : "-Lockdown.*";
    ::testing::InitGoogleTest(&argc, argv);
    sockray::vm::enter_network();
    sockray::vm::remember_hooks();
    return RUN_ALL_TESTS();
}
