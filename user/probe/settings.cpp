#include "user/probe/settings.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

namespace sockray {
namespace {

void copy_text(char* to, std::size_t size, const std::string& text) {
    std::memcpy(to, text.data(), std::min(text.size(), size - 1));
}

// Where the bytes of page fragments are (arch/x86/include/asm/page_64.h); elsewhere these are no variables.
void find_pages(LiveKernel& kernel, sr_config& config) {
    const auto offset = kernel.symbols->address("page_offset_base");
    const auto map = kernel.symbols->address("vmemmap_base");
    const auto page = kernel.types.size("page");
    const auto frags = kernel.types.offset("skb_shared_info", {"frags"});
    if (!offset || !map || !page || !frags) return;
    config.page_bytes = static_cast<std::uint32_t>(*page);
    config.frags_at = static_cast<std::uint32_t>(*frags);
    config.page_offset = kernel.memory.read_word(*offset).value_or(0);
    config.vmemmap = kernel.memory.read_word(*map).value_or(0);
}

}  // namespace

std::uint32_t ring_size(std::uint32_t wanted) {
    const auto page = static_cast<std::uint32_t>(::getpagesize());
    constexpr std::uint32_t most = 1U << 30;
    return std::bit_ceil(std::clamp(wanted, page, most));
}

std::vector<sr_instruction> filter_code(const FrameFilter& filter) {
    std::vector<sr_instruction> code = filter.ethernet;
    code.insert(code.end(), filter.ip.begin(), filter.ip.end());
    return code;
}

sr_config make_config(LiveKernel& kernel, const TraceOptions& options) {
    sr_config config{};
    config.net_families = kernel.symbols->address("net_families").value_or(0);
    config.packet_ops = kernel.symbols->address("packet_ops").value_or(0);
    config.packet_ops_spkt = kernel.symbols->address("packet_ops_spkt").value_or(0);
    config.cookie_magic = options.cookie_magic;
    config.cookie_offset = options.cookie_offset;
    config.filter_tgid = options.filter.tgid;
    config.filter_netns = options.filter.netns;
    config.filter_ifindex = options.filter.ifindex;
    config.follow = options.filter.ancestor;
    config.no_types = !kernel.has_own_types;
    config.stages = options.stages;
    config.snaplen = options.snaplen;
    if (options.snaplen || !options.filter.frames.expression.empty()) find_pages(kernel, config);
    const FrameFilter& frames = options.filter.frames;
    const auto ethernet = static_cast<std::uint32_t>(frames.ethernet.size());
    config.filtering = !frames.expression.empty();
    config.filter[SR_LINK_ETHERNET] = {0, ethernet};
    config.filter[SR_LINK_IP] = {ethernet, static_cast<std::uint32_t>(frames.ip.size())};
    config.wake_bytes = ring_size(options.ring_bytes) / 4;
    copy_text(config.filter_comm, sizeof config.filter_comm, options.filter.comm);
    copy_text(config.filter_ifname, sizeof config.filter_ifname, options.filter.ifname);
    return config;
}

}  // namespace sockray
