#include "user/probe/ops.h"

#include <sys/socket.h>

#include <cstring>

#include "user/base/format.h"
#include "user/probe/live_kernel.h"

namespace sockray {
namespace {

template <typename T>
T value_at(const std::vector<std::byte>& bytes, std::uint64_t offset) {
    T value{};
    if (offset + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

// The handlers are whatever function pointers this kernel's BTF says the struct has.
Result<OpsTable> read_table(LiveKernel& kernel, const std::string& type, std::uint64_t address) {
    const auto size = kernel.types.size(type);
    const auto family = kernel.types.offset(type, {"family"});
    if (!size || !family) return fail(fmt::format("this kernel's BTF has no struct {}", type));
    const auto bytes = kernel.memory.read(address, *size);
    if (!bytes) return tl::unexpected(bytes.error());
    OpsTable table{kernel.symbols->describe(address), type, address, value_at<std::int32_t>(*bytes, *family), {}};
    for (const KernelTypes::Handler& handler : kernel.types.handlers(type)) {
        const auto pointer = value_at<std::uint64_t>(*bytes, handler.offset);
        table.handlers.push_back({handler.name, pointer ? kernel.symbols->describe(pointer) : ""});
    }
    return table;
}

}  // namespace

Result<PacketTables> read_packet_tables(LiveKernel& kernel) {
    const auto families = kernel.symbols->address("net_families");
    if (!families) return not_allowed("/proc/kallsyms has no net_families", "boot a kernel with CONFIG_KALLSYMS_ALL=y");
    const auto family = kernel.memory.read_word(*families + AF_PACKET * sizeof(std::uint64_t));
    if (!family) return tl::unexpected(family.error());
    if (*family == 0) return fail("AF_PACKET is not registered: net_families[17] is empty", "modprobe af_packet");

    PacketTables found{kernel.symbols->describe(*family), {}};
    auto registered = read_table(kernel, "net_proto_family", *family);
    if (!registered) return tl::unexpected(registered.error());
    found.tables.push_back(std::move(*registered));
    for (const char* name : {"packet_ops", "packet_ops_spkt"}) {
        const auto address = kernel.symbols->address(name);
        if (!address) return fail(fmt::format("/proc/kallsyms has no {}", name));
        auto table = read_table(kernel, "proto_ops", *address);
        if (!table) return tl::unexpected(table.error());
        found.tables.push_back(std::move(*table));
    }
    return found;
}

}  // namespace sockray
