#include "user/probe/live_kernel.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/probe/environment.h"
#include "user/probe/kallsyms.h"
#include "user/probe/ksym_iterator.h"
#include "user/probe/symbol_lookup.h"
#include "user/probe/unnamed_ops.h"

namespace sockray {

namespace {

// Types of another kernel would give wrong numbers, and nobody would see it: our own task, as they describe it, must
// have our own name and number.
Status check_types(const KernelTypes& types, KernelMemory& memory, const std::string& file) {
    const auto name_at = types.offset("task_struct", {"comm"});
    const auto tgid_at = types.offset("task_struct", {"tgid"});
    if (!name_at || !tgid_at)
        return fail(fmt::format("'{}' does not describe a kernel: it has no task_struct", printable(file)),
                    "give the BTF of the running kernel");
    char own_name[16] = {};
    ::prctl(PR_GET_NAME, own_name);
    const auto task = memory.own_task();
    if (!task) return tl::unexpected(task.error());
    const auto name = memory.read(*task + *name_at, sizeof own_name);
    const auto tgid = memory.read(*task + *tgid_at, sizeof(pid_t));
    const pid_t own_tgid = ::getpid();
    if (name && tgid && std::memcmp(name->data(), own_name, std::strlen(own_name) + 1) == 0 &&
        std::memcmp(tgid->data(), &own_tgid, sizeof own_tgid) == 0)
        return {};
    return fail(fmt::format("'{}' describes another kernel than the one that runs: task_struct is not as it says",
                            printable(file)),
                "give the BTF of exactly this kernel (uname -r, uname -v)");
}

Result<std::unique_ptr<KernelSymbols>> open_symbols(const KernelTypes& types) {
    if (auto lookup = SymbolLookup::open(types)) return lookup;
    const std::string records = types.are_of_file() ? "" : iterate_ksyms(types);
    auto all = records.empty() ? Kallsyms::read() : Kallsyms::of_records(records);
    if (!all) return tl::unexpected(all.error());
    return std::make_unique<Kallsyms>(std::move(*all));
}

// SKB_DROP_REASON_QDISC_DROP, SKB_CONSUMED, SKB_NOT_DROPPED_YET without what they begin with.
std::string_view drop_reason_word(std::string_view name) {
    for (const std::string_view prefix : {"SKB_DROP_REASON_", "SKB_"})
        if (name.starts_with(prefix)) return name.substr(prefix.size());
    return name;
}

}  // namespace

Result<std::unique_ptr<LiveKernel>> LiveKernel::open(Purpose purpose, const std::string& btf_file) {
    // A file that cannot be read is of no use on any kernel: said first.
    auto types = btf_file.empty() ? Result<KernelTypes>(fail("not read yet")) : KernelTypes::read(btf_file);
    if (!btf_file.empty() && !types) return tl::unexpected(types.error());
    if (const Status status = check_environment(inspect_environment("", btf_file), purpose); !status)
        return tl::unexpected(status.error());
    auto memory = KernelMemory::open();  // first: it is what a locked-down kernel refuses
    if (!memory) return tl::unexpected(memory.error());
    const auto tgid = memory->own_tgid();
    if (!tgid) return tl::unexpected(tgid.error());
    if (*tgid != static_cast<std::uint32_t>(::getpid()))
        return not_allowed("tracing is not possible in a pid namespace: the kernel side knows processes by other ids",
                           "run outside of the container, or give it the host's (docker run --pid=host)");
    if (btf_file.empty()) types = KernelTypes::read();
    if (!types) return tl::unexpected(types.error());
    auto symbols = open_symbols(*types);
    if (!symbols) return tl::unexpected(symbols.error());
    if (!btf_file.empty())
        if (const Status status = check_types(*types, *memory, btf_file); !status)
            return tl::unexpected(status.error());
    if (const Status status = name_packet_ops(**symbols, *types, *memory); !status)
        return tl::unexpected(status.error());
    std::unique_ptr<LiveKernel> kernel(new LiveKernel(std::move(*symbols), std::move(*types), std::move(*memory)));
    kernel->has_own_types = ::access(own_types_path, R_OK) == 0;
    return kernel;
}

LiveKernel::LiveKernel(std::unique_ptr<KernelSymbols> s, KernelTypes&& t, KernelMemory&& m)
    : symbols(std::move(s)), types(std::move(t)), memory(std::move(m)) {
    // include/net/dropreason-core.h (6.4 and later; before: include/net/dropreason.h)
    for (const auto& [name, value] : types.enumerators("skb_drop_reason"))
        drop_reasons_.try_emplace(static_cast<std::uint32_t>(value), drop_reason_word(name));
}

std::string LiveKernel::drop_reason(std::uint32_t number) const {
    const auto known = drop_reasons_.find(number);
    return known == drop_reasons_.end() ? fmt::format("reason {}", number) : known->second;
}

}  // namespace sockray
