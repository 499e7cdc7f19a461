// The BPF programs that the kernel has loaded at this moment, with what it knows of their size and use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sockray::bench {

struct LoadedProgram {
    std::uint32_t id = 0;
    std::string name;
    std::uint32_t verified = 0;       // instructions that the verifier walked through
    std::uint32_t instructions = 0;   // of the program, after the verifier's rewriting
    std::uint32_t machine_bytes = 0;  // of the machine code
    std::uint64_t runs = 0;           // since it was loaded, and only while kernel.bpf_stats_enabled is on
    std::uint64_t run_ns = 0;         // of all runs
};

// All programs with an id above `after`, by id. Needs CAP_SYS_ADMIN or CAP_BPF.
std::vector<LoadedProgram> loaded_programs(std::uint32_t after = 0);

// The names of the raw tracepoints that a BPF program hangs on.
std::vector<std::string> raw_tracepoints();

}  // namespace sockray::bench
