#include "user/probe/socket_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sockets.skel.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "user/base/format.h"
#include "user/probe/live_kernel.h"
#include "user/probe/load_error.h"

namespace sockray {
namespace {

struct DestroyProgram {
    void operator()(sockets_bpf* program) const { sockets_bpf::destroy(program); }
};
struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

constexpr std::string_view iterate = "make an iterator over all open files";

// Everything that the iterator writes.
Result<std::vector<std::byte>> read_to_end(int fd) {
    constexpr std::size_t piece = 1 << 16;
    std::vector<std::byte> bytes;
    for (;;) {
        const std::size_t had = bytes.size();
        bytes.resize(had + piece);
        const ssize_t got = ::read(fd, bytes.data() + had, piece);
        const int err = errno;
        bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0) return bytes;
        // EAGAIN: a million files without a record (kernel/bpf/bpf_iter.c, bpf_seq_read); it goes on there.
        if (got < 0 && err != EINTR && err != EAGAIN)
            return fail(fmt::format("cannot read the list of open files: {}", errno_text(err)));
    }
}

bool ends_with_nul(std::span<const char> text) {
    return std::ranges::find(text, '\0') != text.end();
}

}  // namespace

// What is read belongs to the iterator's descriptor, and is found when that is read: it holds the program.
Result<SocketReader> SocketReader::open(const LiveKernel& kernel, std::size_t readings) {
    const auto ops = kernel.symbols->address("packet_ops");
    if (!ops) return not_allowed("/proc/kallsyms has no packet_ops", "boot a kernel with CONFIG_KALLSYMS_ALL=y");
    const LibbpfLog log;
    const std::unique_ptr<sockets_bpf, DestroyProgram> program(sockets_bpf::open());
    if (!program) return tl::unexpected(load_error("open the program that lists sockets", errno, log));
    program->rodata->packet_ops = *ops;
    program->rodata->packet_ops_spkt = kernel.symbols->address("packet_ops_spkt").value_or(0);
    program->rodata->page_size = static_cast<std::uint32_t>(::getpagesize());
    if (const int error = sockets_bpf::load(program.get()))
        return tl::unexpected(load_error("load the program that lists sockets", -error, log));
    const std::unique_ptr<bpf_link, DestroyLink> link(bpf_program__attach_iter(program->progs.list_sockets, nullptr));
    if (!link) return tl::unexpected(load_error(iterate, errno, log));
    SocketReader reader;
    for (std::size_t i = 0; i < readings; i++) {
        Fd files(bpf_iter_create(bpf_link__fd(link.get())));
        if (!files) return tl::unexpected(load_error(iterate, errno, log));
        reader.left_.push_back(std::move(files));
    }
    return reader;
}

Result<std::vector<sr_socket_entry>> SocketReader::read() {
    if (left_.empty()) return fail("the list of open files was read as often as was asked for");
    const Fd files = std::move(left_.back());
    left_.pop_back();
    const auto bytes = read_to_end(files.get());
    if (!bytes) return tl::unexpected(bytes.error());
    return decode_socket_entries(*bytes);
}

Result<std::vector<sr_socket_entry>> decode_socket_entries(std::span<const std::byte> bytes) {
    std::vector<sr_socket_entry> entries;
    if (bytes.size() % sizeof(sr_socket_entry) != 0)
        return fail(fmt::format("the list of sockets ends in the middle of a record: {} bytes, {} each", bytes.size(),
                                sizeof(sr_socket_entry)));
    entries.resize(bytes.size() / sizeof(sr_socket_entry));
    if (!entries.empty()) std::memcpy(entries.data(), bytes.data(), bytes.size());
    for (const sr_socket_entry& entry : entries)
        if (entry.size != sizeof entry || !ends_with_nul(entry.comm) || !ends_with_nul(entry.ifname))
            return fail("a record in the list of sockets makes no sense");
    return entries;
}

}  // namespace sockray
