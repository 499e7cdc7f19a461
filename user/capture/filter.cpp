#include "user/capture/filter.h"

#include <linux/bpf_common.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <optional>

#include "user/base/format.h"
#include "user/base/link_type.h"
#include "user/base/loopback.h"

namespace sockray {
namespace {

constexpr std::uint32_t ancillary(int field) {
    return static_cast<std::uint32_t>(SKF_AD_OFF + field);
}

constexpr sock_filter statement(unsigned code, std::uint32_t k) {
    return {static_cast<std::uint16_t>(code), 0, 0, k};
}

constexpr sock_filter jump(std::uint32_t k, std::uint8_t equal, std::uint8_t other) {
    return {BPF_JMP | BPF_JEQ | BPF_K, equal, other, k};
}

// What stands before the user's program. It may begin with any register, so A is 0 again at its end.
std::vector<sock_filter> direction_filter(CaptureDirection direction) {
    const sock_filter load_pkttype = statement(BPF_LD | BPF_B | BPF_ABS, ancillary(SKF_AD_PKTTYPE));
    const sock_filter reject = statement(BPF_RET | BPF_K, 0);
    const sock_filter clear = statement(BPF_LD | BPF_IMM, 0);
    switch (direction) {
        case CaptureDirection::in: return {load_pkttype, jump(PACKET_OUTGOING, 0, 1), reject, clear};
        case CaptureDirection::out: return {load_pkttype, jump(PACKET_OUTGOING, 1, 0), reject, clear};
        case CaptureDirection::all: return {};
        case CaptureDirection::both: break;
    }
    const sock_filter load_ifindex = statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_IFINDEX));
    return {load_pkttype, jump(PACKET_OUTGOING, 0, 3), load_ifindex, jump(loopback_ifindex, 0, 1), reject, clear};
}

// On SOCK_DGRAM the kernel runs the program on what follows the link's header (net/packet/af_packet.c, tpacket_rcv);
// what of the SLL2 header is known by then has names of its own (net/core/filter.c, convert_bpf_extensions).
std::optional<std::uint32_t> cooked_offset(std::uint32_t offset) {
    if (offset >= static_cast<std::uint32_t>(SKF_LL_OFF)) return offset;  // ancillary, or from a header
    if (offset >= sll2_header_bytes) return offset - static_cast<std::uint32_t>(sll2_header_bytes);
    switch (offset) {
        case 0: return ancillary(SKF_AD_PROTOCOL);
        case 4: return ancillary(SKF_AD_IFINDEX);
        case 8: return ancillary(SKF_AD_HATYPE);
        case 10: return ancillary(SKF_AD_PKTTYPE);
        default: return std::nullopt;
    }
}

Status cook(sock_filter& instruction) {
    const unsigned kind = BPF_CLASS(instruction.code);
    const unsigned mode = BPF_MODE(instruction.code);
    if (kind != BPF_LD && kind != BPF_LDX) return {};
    if (mode == BPF_LEN)
        return usage("the filter looks at the length of frames, which cannot be told for cooked frames in the kernel",
                     "filter by length on an Ethernet interface, not on \"any\"");
    if (mode != BPF_ABS && mode != BPF_IND && mode != BPF_MSH) return {};
    const std::optional<std::uint32_t> offset = cooked_offset(instruction.k);
    const bool is_named = offset && *offset != instruction.k && instruction.k < sll2_header_bytes;
    if (!offset || (is_named && mode != BPF_ABS))
        return usage(
            fmt::format("the filter looks at byte {} of the SLL2 header, which the kernel cannot see", instruction.k),
            "leave out the address of the sender, or capture on one interface");
    instruction.k = *offset;
    return {};
}

// What a program returns is how much of the frame the kernel copies (run_filter in tpacket_rcv).
void cut_to(sock_filter& instruction, std::uint32_t snaplen) {
    if (instruction.code == (BPF_RET | BPF_K)) instruction.k = std::min(instruction.k, snaplen);
}

}  // namespace

Result<std::vector<sock_filter>> kernel_filter(const FilterOptions& options) {
    std::uint32_t snaplen = options.snaplen;
    // At least a byte: 0 would mean to leave the frame out.
    if (options.cooked) snaplen = snaplen > sll2_header_bytes ? snaplen - sll2_header_bytes : 1;
    std::vector<sock_filter> all = direction_filter(options.direction);
    for (sock_filter instruction : options.program) {
        if (options.cooked) {
            if (Status cooked = cook(instruction); !cooked) return tl::unexpected(cooked.error());
        }
        cut_to(instruction, snaplen);
        all.push_back(instruction);
    }
    if (options.program.empty()) all.push_back(statement(BPF_RET | BPF_K, snaplen));
    if (all.size() > BPF_MAXINSNS)
        return usage(fmt::format("the filter has {} instructions, and the kernel takes {}", all.size(), BPF_MAXINSNS),
                     "make it shorter: networks instead of lists of addresses");
    return all;
}

std::vector<sock_filter> reject_all() {
    return {statement(BPF_RET | BPF_K, 0)};
}

}  // namespace sockray
