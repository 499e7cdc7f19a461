#include "user/base/pcap_program.h"

#include "user/base/format.h"
#include "user/base/local_names.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr int longest_shown = 200;

// Owns what pcap_compile has allocated.
struct Compiled {
    bpf_program program{};
    Compiled() = default;
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    ~Compiled() { ::pcap_freecode(&program); }
};

}  // namespace

tl::unexpected<Error> refused_filter(std::string_view expression, std::string_view words) {
    const bool name =
        words.find("unknown host") != std::string_view::npos || words.find("unknown network") != std::string_view::npos;
    return usage(fmt::format("the filter '{}' cannot be used: {}", shortened(printable(expression), longest_shown),
                             shortened(printable(words), longest_shown)),
                 name ? "give a number: names are looked up in this machine's files (/etc/hosts), never by DNS"
                      : "expressions are those of tcpdump: see pcap-filter(7)");
}

Result<FilterProgram> compile_for(pcap_t* handle, const std::string& expression) {
    keep_names_local();
    if (expression.find('\0') != std::string::npos) return refused_filter(expression, "it holds a zero byte");
    Compiled compiled;
    constexpr int optimize = 1;
    if (::pcap_compile(handle, &compiled.program, expression.c_str(), optimize, PCAP_NETMASK_UNKNOWN) != 0)
        return refused_filter(expression, ::pcap_geterr(handle));
    if (compiled.program.bf_len > SR_FILTER_MOST)
        return refused_filter(expression, fmt::format("it needs {} instructions, and the kernel takes {} at most",
                                                      compiled.program.bf_len, SR_FILTER_MOST));
    FilterProgram program;
    program.reserve(compiled.program.bf_len);
    for (u_int i = 0; i < compiled.program.bf_len; i++) {
        const bpf_insn& one = compiled.program.bf_insns[i];
        program.push_back({one.code, one.jt, one.jf, one.k});
    }
    return program;
}

}  // namespace sockray
