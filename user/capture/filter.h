// The program that runs in the kernel on every frame before it is copied: direction, the user's filter, snaplen.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "user/base/result.h"

namespace sockray {

enum class CaptureDirection {
    both,  // on loopback, where each frame passes twice, once: what is received
    all,   // on loopback both
    in,
    out  // PACKET_OUTGOING: what a sender in this network namespace gave to the device
};

struct FilterOptions {
    // Classic BPF as pcap_compile() makes it for the link type; empty: all frames. A VLAN tag has mostly been taken out
    // of the frame by the time it runs: it is in SKF_AD_VLAN_TAG, where pcap_compile() looks only for a live handle.
    std::vector<sock_filter> program;
    CaptureDirection direction = CaptureDirection::both;
    std::uint32_t snaplen = 0;  // bytes, at least 1; with the SLL2 header where `cooked`
    bool cooked = false;        // `program` was compiled for SLL2: its offsets are made to fit what the kernel sees
};

// The whole program: `usage` where it is too long for the kernel (BPF_MAXINSNS), or where it looks at what is not there
// in the kernel: parts of the SLL2 header that are made up later, and the length of frames that are cooked.
Result<std::vector<sock_filter>> kernel_filter(const FilterOptions& options);

// Lets no frame in.
std::vector<sock_filter> reject_all();

}  // namespace sockray
