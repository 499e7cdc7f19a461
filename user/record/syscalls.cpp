#include "user/record/syscalls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

namespace sockray {
namespace {

struct Call {
    std::int32_t here;
    std::int32_t x86_64;   // arch/x86/entry/syscalls/syscall_64.tbl
    std::int32_t aarch64;  // include/uapi/asm-generic/unistd.h
};

constexpr Call calls[] = {
    {SYS_write, 1, 64},       {SYS_writev, 20, 66},           {SYS_pwritev, 296, 70},         {SYS_pwritev2, 328, 287},
    {SYS_sendfile, 40, 71},   {SYS_splice, 275, 76},          {SYS_sendto, 44, 206},          {SYS_sendmsg, 46, 211},
    {SYS_sendmmsg, 307, 269}, {SYS_io_uring_setup, 425, 425}, {SYS_io_uring_enter, 426, 426},
};

std::int32_t Call::*column_of(std::string_view machine) {
    if (machine == "x86_64") return &Call::x86_64;
    if (machine == "aarch64") return &Call::aarch64;
    return nullptr;
}

}  // namespace

bool has_own_syscalls(std::string_view machine) {
    const auto column = column_of(machine);
    return column && std::ranges::equal(calls, calls, {}, column, &Call::here);
}

std::int32_t own_syscall(std::int32_t number, std::string_view machine) {
    const auto column = column_of(machine);
    if (!column) return -1;
    if (has_own_syscalls(machine)) return number;
    const auto* call = std::ranges::find(calls, number, column);
    return call == std::end(calls) ? -1 : call->here;
}

}  // namespace sockray
