#include "user/probe/unnamed_ops.h"

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "user/base/fd.h"
#include "user/base/format.h"

namespace sockray {
namespace {

// A field to follow, and what its struct is called.
struct Step {
    const char* type;
    std::vector<std::string> path;
};

Result<std::uint64_t> follow(const KernelTypes& types, KernelMemory& memory, std::uint64_t address, const Step& step) {
    const auto offset = types.offset(step.type, step.path);
    if (!offset) return fail(fmt::format("this kernel's BTF has no {}.{}", step.type, step.path.front()));
    return memory.read_word(address + *offset);
}

// current->files->fdt->fd[fd]->private_data->ops (fs/file.c: files_lookup_fd_raw; net/socket.c: sock_from_file)
Result<std::uint64_t> ops_of(const KernelTypes& types, KernelMemory& memory, int fd) {
    const auto step = [&](const char* type, const char* field) {
        return [&types, &memory, type, field](std::uint64_t address) {
            return follow(types, memory, address, {type, {field}});
        };
    };
    return memory.own_task()
        .and_then(step("task_struct", "files"))
        .and_then(step("files_struct", "fdt"))
        .and_then(step("fdtable", "fd"))
        .and_then([&](std::uint64_t files) {
            return memory.read_word(files + static_cast<std::uint64_t>(fd) * sizeof files);
        })
        .and_then(step("file", "private_data"))
        .and_then(step("socket", "ops"));
}

}  // namespace

Status name_packet_ops(KernelSymbols& symbols, const KernelTypes& types, KernelMemory& memory) {
    struct Table {
        const char* name;
        int type;
    };
    for (const Table& table : {Table{"packet_ops", SOCK_RAW}, {"packet_ops_spkt", SOCK_PACKET}}) {
        if (symbols.address(table.name)) continue;
        const Fd socket(::socket(AF_PACKET, table.type | SOCK_CLOEXEC, 0));
        if (!socket) continue;
        const auto ops = ops_of(types, memory, socket.get());
        if (!ops) return tl::unexpected(ops.error());
        symbols.add(table.name, *ops);
    }
    return {};
}

}  // namespace sockray
