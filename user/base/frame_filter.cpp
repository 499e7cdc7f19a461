#include "user/base/frame_filter.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>

#include <cstddef>
#include <memory>

#include "user/base/local_names.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

static_assert(sizeof(sr_instruction) == sizeof(sock_filter) &&
              offsetof(sr_instruction, jt) == offsetof(sock_filter, jt) &&
              offsetof(sr_instruction, jf) == offsetof(sock_filter, jf) &&
              offsetof(sr_instruction, k) == offsetof(sock_filter, k));
static_assert(SR_FILTER_MOST == BPF_MAXINSNS);

constexpr std::uint32_t whole_frame = 262144;  // what tcpdump takes for all of a frame
constexpr int longest_shown = 200;

struct ClosePcap {
    void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};

// Owns what pcap_compile has allocated.
struct Compiled {
    bpf_program program{};
    Compiled() = default;
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    ~Compiled() { ::pcap_freecode(&program); }
};

bool asks_for_direction(const bpf_insn& one) {
    return BPF_CLASS(one.code) == BPF_LD && BPF_MODE(one.code) == BPF_ABS &&
           one.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
}

// SKF_AD_*: what the kernel knows of a frame that it received, read as if it stood far behind the frame's end.
bool asks_the_kernel(const bpf_insn& one) {
    constexpr auto first = static_cast<std::uint32_t>(SKF_AD_OFF);
    return BPF_CLASS(one.code) == BPF_LD && BPF_MODE(one.code) == BPF_ABS && one.k >= first;
}

tl::unexpected<Error> refused(std::string_view expression, std::string_view words) {
    const bool name =
        words.find("unknown host") != std::string_view::npos || words.find("unknown network") != std::string_view::npos;
    return usage(fmt::format("the filter '{}' cannot be used: {}", shortened(printable(expression), longest_shown),
                             shortened(printable(words), longest_shown)),
                 name ? "give a number: names are looked up in this machine's files (/etc/hosts), never by DNS"
                      : "expressions are those of tcpdump: see pcap-filter(7)");
}

}  // namespace

Result<FilterProgram> compile_filter(std::string_view expression, int link_type, std::uint32_t snaplen) {
    keep_names_local();
    // A handle of no device: then VLAN tags are looked for in the frame's bytes alone (libpcap, gencode.c: gen_vlan).
    const std::unique_ptr<pcap_t, ClosePcap> handle(::pcap_open_dead(link_type, static_cast<int>(snaplen)));
    if (!handle) return fail("cannot compile the filter: no memory");
    if (expression.find('\0') != std::string_view::npos) return refused(expression, "it holds a zero byte");
    Compiled compiled;
    const std::string text(expression);
    constexpr int optimize = 1;
    if (::pcap_compile(handle.get(), &compiled.program, text.c_str(), optimize, PCAP_NETMASK_UNKNOWN) != 0)
        return refused(expression, ::pcap_geterr(handle.get()));
    if (compiled.program.bf_len > SR_FILTER_MOST)
        return refused(expression, fmt::format("it needs {} instructions, and the kernel takes {} at most",
                                               compiled.program.bf_len, SR_FILTER_MOST));
    FilterProgram program;
    program.reserve(compiled.program.bf_len);
    for (u_int i = 0; i < compiled.program.bf_len; i++) {
        const bpf_insn& one = compiled.program.bf_insns[i];
        if (asks_for_direction(one))
            program.push_back({BPF_LD | BPF_IMM, 0, 0, PACKET_OUTGOING});
        else if (asks_the_kernel(one))
            return refused(expression, "it asks for an interface, which is not in the frame's bytes");
        else
            program.push_back({one.code, one.jt, one.jf, one.k});
    }
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
        return refused(expression, fmt::format("its programs for Ethernet and for links without a header need {} "
                                               "instructions together, and {} can be loaded",
                                               filter.ethernet.size() + filter.ip.size(), SR_FILTER_MOST));
    return filter;
}

}  // namespace sockray
