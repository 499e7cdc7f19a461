#include "user/base/frame_filter.h"

#include <linux/filter.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <cstddef>

#include "user/base/format.h"
#include "user/base/pcap_program.h"

namespace sockray {
namespace {

static_assert(sizeof(sr_instruction) == sizeof(sock_filter) &&
              offsetof(sr_instruction, jt) == offsetof(sock_filter, jt) &&
              offsetof(sr_instruction, jf) == offsetof(sock_filter, jf) &&
              offsetof(sr_instruction, k) == offsetof(sock_filter, k));
static_assert(SR_FILTER_MOST == BPF_MAXINSNS);

bool asks_for_direction(const sr_instruction& one) {
    return BPF_CLASS(one.code) == BPF_LD && BPF_MODE(one.code) == BPF_ABS &&
           one.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
}

// SKF_AD_*: what the kernel knows of a frame that it received, read as if it stood far behind the frame's end.
bool asks_the_kernel(const sr_instruction& one) {
    constexpr auto first = static_cast<std::uint32_t>(SKF_AD_OFF);
    return BPF_CLASS(one.code) == BPF_LD && BPF_MODE(one.code) == BPF_ABS && one.k >= first;
}

}  // namespace

Result<FilterProgram> compile_filter(std::string_view expression, int link_type, std::uint32_t snaplen) {
    // A handle of no device: then VLAN tags are looked for in the frame's bytes alone (libpcap, gencode.c: gen_vlan).
    const PcapHandle handle(::pcap_open_dead(link_type, static_cast<int>(snaplen)));
    if (!handle) return fail("cannot compile the filter: no memory");
    auto program = compile_for(handle.get(), std::string(expression));
    if (!program) return program;
    for (sr_instruction& one : *program)  // all that is sent is outgoing
        if (asks_for_direction(one)) one = {BPF_LD | BPF_IMM, 0, 0, PACKET_OUTGOING};
    if (std::ranges::any_of(*program, asks_the_kernel))
        return refused_filter(expression, "it asks for an interface, which is not in the frame's bytes");
    return program;
}

Result<FrameFilter> make_frame_filter(const std::string& expression) {
    FrameFilter filter;
    filter.expression = expression;
    if (expression.empty()) return filter;
    auto ethernet = compile_filter(expression, DLT_EN10MB, whole_frame);
    if (!ethernet) return tl::unexpected(ethernet.error());
    filter.ethernet = std::move(*ethernet);
    // "ether host ..." and the like are refused here: no frame of such a link has what they ask for.
    if (auto ip = compile_filter(expression, DLT_RAW, whole_frame)) filter.ip = std::move(*ip);
    if (filter.ethernet.size() + filter.ip.size() > SR_FILTER_MOST)
        return refused_filter(expression,
                              fmt::format("its programs for Ethernet and for links without a header need {} "
                                          "instructions together, and {} can be loaded",
                                          filter.ethernet.size() + filter.ip.size(), SR_FILTER_MOST));
    return filter;
}

}  // namespace sockray
