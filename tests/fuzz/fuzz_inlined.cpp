// Any bytes as the code of packet_sendmsg: two bodies inside of the function, or an error that says why.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "user/probe/inlined.h"

// The first byte chooses the machine and what is known, the second the size of the function; the rest is code.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto code = std::as_bytes(std::span(data + 2, size - 2));
    const sockray::Machine machine = data[0] & 1 ? sockray::Machine::arm64 : sockray::Machine::x86_64;
    const std::uint64_t function_size = data[0] & 2 ? std::uint64_t{data[1]} * 32 : 0;
    const std::uint64_t pg_vec = data[0] & 4 ? 0x3f0 : data[1];
    const auto bodies = sockray::find_inlined_bodies(machine, code, function_size, pg_vec);
    if (!bodies) {
        if (bodies.error().what.empty()) std::abort();
        return 0;
    }
    if (bodies->packet_snd == bodies->tpacket_snd) std::abort();
    if (bodies->test >= code.size() || bodies->branch >= code.size() || bodies->branch <= bodies->test) std::abort();
    if (function_size && (bodies->packet_snd >= function_size || bodies->tpacket_snd >= function_size)) std::abort();
    return 0;
}
