#include "user/probe/live_kernel.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "user/probe/environment.h"
#include "user/probe/unnamed_ops.h"

namespace sockray {

Result<std::unique_ptr<LiveKernel>> LiveKernel::open(Purpose purpose) {
    if (const Status status = check_environment(inspect_environment(), purpose); !status)
        return tl::unexpected(status.error());
    auto memory = KernelMemory::open();  // first: it is what a locked-down kernel refuses
    if (!memory) return tl::unexpected(memory.error());
    const auto tgid = memory->own_tgid();
    if (!tgid) return tl::unexpected(tgid.error());
    if (*tgid != static_cast<std::uint32_t>(::getpid()))
        return not_allowed("tracing is not possible in a pid namespace: the kernel side knows processes by other ids",
                           "run outside of the container, or give it the host's (docker run --pid=host)");
    auto symbols = Kallsyms::read();
    if (!symbols) return tl::unexpected(symbols.error());
    auto types = KernelTypes::read();
    if (!types) return tl::unexpected(types.error());
    if (const Status status = name_packet_ops(*symbols, *types, *memory); !status)
        return tl::unexpected(status.error());
    return std::unique_ptr<LiveKernel>(new LiveKernel(std::move(*symbols), std::move(*types), std::move(*memory)));
}

// include/net/dropreason-core.h (6.4 and later; before: include/net/dropreason.h), enum skb_drop_reason
std::string LiveKernel::drop_reason(std::uint32_t number) const {
    constexpr std::string_view prefix = "SKB_DROP_REASON_";
    constexpr std::string_view before_prefix = "SKB_";  // SKB_CONSUMED, SKB_NOT_DROPPED_YET
    const auto name = types.enumerator("skb_drop_reason", number);
    if (!name) return fmt::format("reason {}", number);
    const std::string_view text = *name;
    if (text.starts_with(prefix)) return std::string(text.substr(prefix.size()));
    return std::string(text.starts_with(before_prefix) ? text.substr(before_prefix.size()) : text);
}

}  // namespace sockray
