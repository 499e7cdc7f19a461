// Finds the functions that gcc inlined into packet_sendmsg, by its code bytes.
//
// net/packet/af_packet.c, packet_sendmsg(), 6.1 and 6.12 alike:
//
//     if (READ_ONCE(po->tx_ring.pg_vec))
//         return tpacket_snd(po, msg);
//     return packet_snd(sock, msg, len);
//
// Neither function has a symbol on distribution kernels, but the read of pg_vec and the branch on it stand
// among the first instructions, and the two sides of the branch are the two bodies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "user/base/result.h"
#include "user/probe/instruction.h"

namespace sockray {

// Offsets from the start of packet_sendmsg, bytes. Each is the start of an instruction that the function
// executes.
struct InlinedBodies {
    std::uint64_t packet_snd = 0;   // where the branch goes when pg_vec is NULL
    std::uint64_t tpacket_snd = 0;  // where it goes otherwise
    std::uint64_t test = 0;         // the instruction that reads tx_ring.pg_vec
    std::uint64_t branch = 0;       // the conditional branch
};

// `code`: packet_sendmsg as it stands in memory, from its entry, the whole or only its beginning (256 bytes
// have been plenty). `function_size`: bytes of the whole function, 0 where not known; both bodies must lie
// inside. Pass the size of the symbol and not that of `code`. `pg_vec_offset`: offsetof(struct packet_sock,
// tx_ring.pg_vec), bytes.
//
// Understood, with other instructions between if they leave flags and register alone:
//     x86_64  cmpq $0,OFF(%reg) or mov OFF(%reg),%reg2 with test or cmp $0; then je or jne
//     arm64   ldr or ldar, the field's address made by an `add` before or not; then cbz, cbnz, or cmp #0 with
//     b.eq, b.ne
// Only the straight line from the entry is followed, and not beyond the first call behind the entry's own
// (ftrace's): tpacket_snd tests the same field again, under its mutex.
//
// Errors (kind failed): there is no such test before that; the code cannot be decoded; somebody else's kprobe
// hides it; a body lies outside the function. Takes any bytes.
Result<InlinedBodies> find_inlined_bodies(Machine machine, std::span<const std::byte> code, std::uint64_t function_size,
                                          std::uint64_t pg_vec_offset);

}  // namespace sockray
