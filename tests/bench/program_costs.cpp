// program_costs: the BPF programs that are loaded at this moment, a line each: id, name, instructions verified,
// instructions, bytes of machine code, runs, time of all runs in ns. --tracepoints: the names of the raw tracepoints
// that are in use, on one line.
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/bench/programs.h"

int main(int argc, char** argv) {
    using namespace sockray::bench;
    const std::string_view option = argc > 1 ? argv[1] : "";
    if (option == "--tracepoints") {
        std::string line;
        for (const std::string& name : raw_tracepoints()) line += (line.empty() ? "" : " ") + name;
        std::puts(line.c_str());
        return 0;
    }
    if (!option.empty()) {
        std::fputs("usage: program_costs [--tracepoints]\n", stderr);
        return 2;
    }
    for (const LoadedProgram& one : loaded_programs())
        std::printf("%u %s %u %u %u %llu %llu\n", one.id, one.name.c_str(), one.verified, one.instructions,
                    one.machine_bytes, static_cast<unsigned long long>(one.runs),
                    static_cast<unsigned long long>(one.run_ns));
    return 0;
}
