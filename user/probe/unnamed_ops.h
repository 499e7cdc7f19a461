// packet_ops on a kernel that names no data: without CONFIG_KALLSYMS_ALL (Debian's 6.1 for arm64, cloud) kallsyms has
// functions only.
#pragma once

#include "user/base/result.h"
#include "user/probe/btf.h"
#include "user/probe/kernel_memory.h"
#include "user/probe/symbols.h"

namespace sockray {

// Adds packet_ops and packet_ops_spkt to `symbols` where they are missing: packet_create (net/packet/af_packet.c) gives
// each packet socket the address of one of them, so a socket of ours is opened for a moment and its sock->ops is read.
// What cannot be found so stays missing. Errors: kernel memory cannot be read.
Status name_packet_ops(KernelSymbols& symbols, const KernelTypes& types, KernelMemory& memory);

}  // namespace sockray
