// Several threads that fill one TX ring with PACKET_LOSS and send it.
#pragma once

#include <cstdint>

namespace sockray::vm {

struct RingRace {
    unsigned threads = 2;
    std::uint64_t frames = 1000;  // of all threads
    unsigned malformed_each = 0;  // every so many frames one is longer than its slot; 0: none
};

struct RaceResult {
    std::uint64_t frames = 0;
    std::uint64_t malformed = 0;
    std::uint64_t left = 0;  // slots that the kernel has not finished with: none, or something is wrong
};

// `fd`: bound, without a ring. Each thread fills up to four slots and calls send(), again and again; when all frames
// are in, one more call looks for each slot. False, with errno, where there is no ring.
bool race(int fd, const RingRace& how, RaceResult& result);

}  // namespace sockray::vm
