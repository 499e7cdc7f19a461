#include "user/capture/expression.h"

#include "user/base/format.h"
#include "user/base/pcap_program.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr int small_buffer = 1 << 20;

int dlt_of(std::uint16_t linktype) {
    return linktype == linktype_raw ? DLT_RAW : linktype;  // DLT_* and LINKTYPE_* differ in this one alone
}

// `interface` is the one that the words are of, `opened` the one that libpcap looks at.
Result<PcapHandle> activate(const std::string& interface, const std::string& opened, int dlt) {
    char words[PCAP_ERRBUF_SIZE] = "";
    PcapHandle handle(::pcap_create(opened.c_str(), words));
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
    const int dlt = dlt_of(link.linktype);
    // What is cooked libpcap has with an SLL2 header on "any" alone: on a device it has no more than SLL.
    const auto handle = activate(interface, link.cooked ? "any" : interface, dlt);
    if (!handle) {  // that the expression is wrong comes first
        const PcapHandle dead(::pcap_open_dead(dlt, whole_frame));
        if (!dead) return fail("cannot compile the filter: no memory");
        if (const auto right = compile_for(dead.get(), expression); !right) return tl::unexpected(right.error());
        return tl::unexpected(handle.error());
    }
    return compile_for(handle->get(), expression).map([](const FilterProgram& program) {
        std::vector<sock_filter> code;
        code.reserve(program.size());
        for (const sr_instruction& one : program) code.push_back({one.code, one.jt, one.jf, one.k});
        return code;
    });
}

}  // namespace sockray
