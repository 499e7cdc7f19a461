// Classic BPF, an instruction at a time: what a pcap-filter(7) expression is compiled to.
//
// Plain C without a loop, so that the same code runs in the kernel, where bpf_loop drives it (filter.bpf.h), and in the
// tests, which hold it against libpcap's own bpf_filter(). Who includes this defines before
//   SR_READ(to, size, from)   copies `size` bytes (0 to 7) from the address `from` (__u64); 0, or an error
// Loads, jumps and arithmetic are those of libpcap, bpf_filter.c. A load beyond the frame's end makes it not match; one
// of bytes that the frame has and that cannot be read ends the program as SR_CLASSIC_UNREAD.
#ifndef SOCKRAY_BPF_CLASSIC_H
#define SOCKRAY_BPF_CLASSIC_H

#include <linux/filter.h>

#include "records.h"

// sr_machine.state
#define SR_CLASSIC_RUNS 0
#define SR_CLASSIC_RETURNED 1 // `a` is what it returned
#define SR_CLASSIC_UNREAD 2

struct sr_machine {
	__u32 state;
	__u32 pc; // index into the instructions
	__u32 end; // behind the program's last instruction
	__u32 a;
	__u32 x;
	__u32 bytes; // of the whole frame
	__u32 head_bytes; // the first of them stand at `head`,
	__u32 reach;	  // those up to this offset at `rest` plus their offset; what is behind cannot be read
	__u64 head;
	__u64 rest;
	__u32 memory[BPF_MEMWORDS];
};

static inline __attribute__((always_inline)) void sr_classic_return(struct sr_machine *m, __u32 value)
{
	m->a = value;
	m->state = SR_CLASSIC_RETURNED;
}

// Bytes that lie on both sides of the end of `head`.
static inline __attribute__((always_inline)) int sr_classic_read_across(struct sr_machine *m, __u32 at, __u32 size,
									 __u8 *bytes)
{
	for (__u32 i = 0; i < 4; i++) {
		__u32 one = at + i;

		if (i < size && SR_READ(&bytes[i], 1, (one < m->head_bytes ? m->head : m->rest) + one))
			return -1;
	}
	return 0;
}

// `size` bytes (1, 2 or 4) of the frame as a number in network byte order. False where the program has ended by it.
static inline __attribute__((always_inline)) int sr_classic_load(struct sr_machine *m, __u64 at, __u32 size,
								    __u32 *value)
{
	__u8 bytes[8] = {0};
	int error;

	if (at + size > m->bytes) {
		sr_classic_return(m, 0);
		return 0;
	}
	if (at + size > m->reach)
		error = -1;
	else if (at + size <= m->head_bytes)
		error = SR_READ(bytes, size & 7, m->head + at);
	else if (at >= m->head_bytes)
		error = SR_READ(bytes, size & 7, m->rest + at);
	else
		error = sr_classic_read_across(m, (__u32)at, size, bytes);
	if (error) {
		m->state = SR_CLASSIC_UNREAD;
		return 0;
	}
	*value = ((__u32)bytes[0] << 24 | (__u32)bytes[1] << 16 | (__u32)bytes[2] << 8 | bytes[3]) >> (32 - 8 * size);
	return 1;
}

static inline __attribute__((always_inline)) __u32 sr_classic_size(__u16 code)
{
	switch (BPF_SIZE(code)) {
	case BPF_W:
		return 4;
	case BPF_H:
		return 2;
	default:
		return 1;
	}
}

// BPF_LD
static inline __attribute__((always_inline)) void sr_classic_ld(struct sr_machine *m, __u16 code, __u32 k)
{
	switch (BPF_MODE(code)) {
	case BPF_IMM:
		m->a = k;
		break;
	case BPF_MEM:
		m->a = m->memory[k & (BPF_MEMWORDS - 1)];
		break;
	case BPF_LEN:
		m->a = m->bytes;
		break;
	default: { // BPF_ABS, BPF_IND
		__u64 at = (__u64)k + (BPF_MODE(code) == BPF_IND ? m->x : 0);
		__u32 value;

		if (sr_classic_load(m, at, sr_classic_size(code), &value))
			m->a = value;
	}
	}
}

// BPF_LDX
static inline __attribute__((always_inline)) void sr_classic_ldx(struct sr_machine *m, __u16 code, __u32 k)
{
	switch (BPF_MODE(code)) {
	case BPF_IMM:
		m->x = k;
		break;
	case BPF_MEM:
		m->x = m->memory[k & (BPF_MEMWORDS - 1)];
		break;
	case BPF_LEN:
		m->x = m->bytes;
		break;
	default: { // BPF_MSH: the length of an IP header
		__u32 value;

		if (sr_classic_load(m, k, 1, &value))
			m->x = (value & 0xf) << 2;
	}
	}
}

// BPF_ALU
static inline __attribute__((always_inline)) void sr_classic_alu(struct sr_machine *m, __u16 code, __u32 k)
{
	__u32 value = BPF_SRC(code) == BPF_X ? m->x : k;
	__u32 a = m->a;

	switch (BPF_OP(code)) {
	case BPF_ADD:
		a += value;
		break;
	case BPF_SUB:
		a -= value;
		break;
	case BPF_MUL:
		a *= value;
		break;
	case BPF_DIV:
	case BPF_MOD:
		if (!value) {
			sr_classic_return(m, 0);
			return;
		}
		a = BPF_OP(code) == BPF_DIV ? a / value : a % value;
		break;
	case BPF_AND:
		a &= value;
		break;
	case BPF_OR:
		a |= value;
		break;
	case BPF_XOR:
		a ^= value;
		break;
	case BPF_LSH:
		a = value < 32 ? a << (value & 31) : 0;
		break;
	case BPF_RSH:
		a = value < 32 ? a >> (value & 31) : 0;
		break;
	case BPF_NEG:
		a = 0U - a;
		break;
	}
	m->a = a;
}

// BPF_JMP: by how many instructions, behind the next one.
static inline __attribute__((always_inline)) __u32 sr_classic_jump(const struct sr_machine *m, __u16 code, __u32 k,
								    __u8 jt, __u8 jf)
{
	__u32 value = BPF_SRC(code) == BPF_X ? m->x : k;
	int holds;

	switch (BPF_OP(code)) {
	case BPF_JA:
		return k;
	case BPF_JEQ:
		holds = m->a == value;
		break;
	case BPF_JGT:
		holds = m->a > value;
		break;
	case BPF_JGE:
		holds = m->a >= value;
		break;
	default: // BPF_JSET
		holds = (m->a & value) != 0;
		break;
	}
	return holds ? jt : jf;
}

// One step. `instruction` is the one at m->pc. False when the program has ended: m->state says how.
static inline __attribute__((always_inline)) int sr_classic_step(struct sr_machine *m,
								    const volatile struct sr_instruction *instruction)
{
	__u16 code = instruction->code;
	__u32 k = instruction->k;

	m->pc++;
	switch (BPF_CLASS(code)) {
	case BPF_LD:
		sr_classic_ld(m, code, k);
		break;
	case BPF_LDX:
		sr_classic_ldx(m, code, k);
		break;
	case BPF_ST:
		m->memory[k & (BPF_MEMWORDS - 1)] = m->a;
		break;
	case BPF_STX:
		m->memory[k & (BPF_MEMWORDS - 1)] = m->x;
		break;
	case BPF_ALU:
		sr_classic_alu(m, code, k);
		break;
	case BPF_JMP:
		m->pc += sr_classic_jump(m, code, k, instruction->jt, instruction->jf);
		break;
	case BPF_RET:
		sr_classic_return(m, BPF_RVAL(code) == BPF_A ? m->a : k);
		break;
	default: // BPF_MISC
		if (BPF_MISCOP(code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
	}
	return m->state == SR_CLASSIC_RUNS && m->pc < m->end;
}

#endif
