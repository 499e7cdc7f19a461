#include "user/correlate/send.h"

#include <string.h>  // strerrorname_np
#include <sys/syscall.h>

#include "user/base/format.h"
#include "user/correlate/kernel_values.h"

namespace sockray {
namespace {

// By the system call's number of this machine's own ABI: what was recorded on another is translated when it is read
// (user/record/syscalls.h).
std::string_view name_by_syscall(std::int32_t number) {
    switch (number) {
        case SYS_write: return "write";
        case SYS_writev: return "writev";
        case SYS_pwritev: return "pwritev";
        case SYS_pwritev2: return "pwritev2";
        case SYS_sendfile: return "sendfile";
        case SYS_splice: return "splice";
        case SYS_sendto: return "sendto";
        case SYS_sendmsg: return "sendmsg";
        case SYS_sendmmsg: return "sendmmsg";
        case SYS_io_uring_setup:  // of an SQPOLL thread, where a recording has its saved registers
        case SYS_io_uring_enter: return "io_uring";
        default: return "unknown";
    }
}

}  // namespace

std::string_view entry_name(const sr_send& record) {
    // libc's send() is sendto() without an address.
    const bool address = (record.flags & SR_SEND_ADDRESS) != 0;
    switch (static_cast<Stage>(record.stage[SR_SLOT_ENTRY])) {
        case Stage::sys_sendto: return address ? "sendto" : "send";
        case Stage::sys_sendmsg: return "sendmsg";
        case Stage::sys_sendmmsg: return "sendmmsg";
        default: break;
    }
    const std::string_view name = name_by_syscall(record.syscall);
    // The numbers of a 32-bit program are others.
    if (name == "unknown" && record.stage[SR_SLOT_ENTRY] == SR_STAGE_SOCK_WRITE_ITER) return "write";
    return name == "sendto" && !address ? "send" : name;
}

std::uint64_t begin_ns(const sr_send& record) {
    std::uint64_t begin = record.span[SR_SLOT_SENDMSG].start;
    for (int slot = 0; slot < SR_SLOT_OUTER; slot++) {
        const std::uint64_t start = record.span[slot].start;
        if (start && start < begin) begin = start;
    }
    return begin;
}

std::string errno_name(int err) {
    if (const char* name = ::strerrorname_np(err)) return name;
    // include/linux/errno.h: never seen by a program, but returned inside the kernel
    switch (err) {
        case erestartsys: return "ERESTARTSYS";
        case 513: return "ERESTARTNOINTR";
        case 514: return "ERESTARTNOHAND";
        case 516: return "ERESTART_RESTARTBLOCK";
        case 524: return "ENOTSUPP";
        default: return fmt::format("E{}", err);
    }
}

}  // namespace sockray
