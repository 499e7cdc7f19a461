#include "user/capture/expression.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <memory>
#include <string_view>

#include "user/base/local_names.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr int whole_frame = 262144;
constexpr int longest_shown = 200;
constexpr int small_buffer = 1 << 20;

struct ClosePcap {
    void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, ClosePcap>;

int dlt_of(std::uint16_t linktype) {
    return linktype == linktype_raw ? DLT_RAW : linktype;  // DLT_* and LINKTYPE_* differ in this one alone
}

tl::unexpected<Error> refused(std::string_view expression, std::string_view words) {
    return usage(fmt::format("the filter '{}' cannot be used: {}", shortened(printable(expression), longest_shown),
                             shortened(printable(words), longest_shown)),
                 "expressions are those of tcpdump: see pcap-filter(7); names are never looked up by DNS");
}

Result<std::vector<sock_filter>> compile(pcap_t* handle, const std::string& expression) {
    bpf_program program{};
    constexpr int optimize = 1;
    if (::pcap_compile(handle, &program, expression.c_str(), optimize, PCAP_NETMASK_UNKNOWN) != 0)
        return refused(expression, ::pcap_geterr(handle));
    std::vector<sock_filter> code;
    code.reserve(program.bf_len);
    for (u_int i = 0; i < program.bf_len; i++) {
        const bpf_insn& one = program.bf_insns[i];
        code.push_back({one.code, one.jt, one.jf, one.k});
    }
    ::pcap_freecode(&program);
    return code;
}

Result<Handle> activate(const std::string& interface, int dlt) {
    char words[PCAP_ERRBUF_SIZE] = "";
    Handle handle(::pcap_create(interface.c_str(), words));
    const std::string what = fmt::format("cannot compile the filter for {}", printable(interface));
    if (!handle) return fail(fmt::format("{}: {}", what, printable(words)));
    ::pcap_set_snaplen(handle.get(), whole_frame);  // what the program returns
    ::pcap_set_buffer_size(handle.get(), small_buffer);
    const int status = ::pcap_activate(handle.get());
    if (status == PCAP_ERROR_PERM_DENIED)
        return not_allowed(fmt::format("{}: no permission to open a packet socket", what),
                           "run as root, or with the capability CAP_NET_RAW");
    if (status == PCAP_ERROR_IFACE_NOT_UP)
        return fail(fmt::format("cannot capture on {}: it is down", printable(interface)),
                    fmt::format("bring it up with: ip link set {} up", printable(interface)));
    if (status < 0)
        return fail(
            fmt::format("{}: {}: {}", what, ::pcap_statustostr(status), printable(::pcap_geterr(handle.get()))));
    if (::pcap_datalink(handle.get()) != dlt && ::pcap_set_datalink(handle.get(), dlt) != 0)
        return fail(fmt::format("{}: {}", what, printable(::pcap_geterr(handle.get()))));
    return handle;
}

}  // namespace

Result<std::vector<sock_filter>> compile_expression(const std::string& expression, const std::string& interface,
                                                    LinkType link) {
    if (expression.empty()) return std::vector<sock_filter>{};
    if (expression.find('\0') != std::string::npos) return refused(expression, "it holds a zero byte");
    keep_names_local();
    const int dlt = dlt_of(link.linktype);
    const Handle dead(::pcap_open_dead(dlt, whole_frame));
    if (!dead) return fail("cannot compile the filter: no memory");
    if (const auto code = compile(dead.get(), expression); !code) return code;
    const auto handle = activate(interface, dlt);
    if (!handle) return tl::unexpected(handle.error());
    return compile(handle->get(), expression);
}

}  // namespace sockray
