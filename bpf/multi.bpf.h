// The two programs for kprobe.multi: one link carries all entries and one all returns, so that attaching patches the
// kernel's code twice and not once a function. Which function was hit comes with the attach cookie (SR_STAGE_*).
#ifndef SOCKRAY_BPF_MULTI_H
#define SOCKRAY_BPF_MULTI_H

#include "../vmlinux/arch.h"
#include "entry.bpf.h"
#include "frame.bpf.h"
#include "receive.bpf.h"
#include "send.bpf.h"
#include "socket.bpf.h"

#define P1(ctx) ((void *)PT_REGS_PARM1(ctx))
#define P2(ctx) ((void *)PT_REGS_PARM2(ctx))

// ON(stage, what is done there); the programs and the masks below are made of these.
#define MULTI_ENTRIES(ON)                                                                                        \
	ON(SR_STAGE_SOCK_CREATE,                                                                                 \
	   on_sock_create_enter(P1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx),             \
				(void *)PT_REGS_PARM5(ctx), SR_REGS_PARM6(ctx)))                                 \
	ON(SR_STAGE_PACKET_CREATE, on_packet_create_enter())                                                     \
	ON(SR_STAGE_SYS_SENDTO, on_syscall_enter(SR_STAGE_SYS_SENDTO, PT_REGS_PARM1(ctx)))                       \
	ON(SR_STAGE_SYS_SENDMSG, on_syscall_enter(SR_STAGE_SYS_SENDMSG, PT_REGS_PARM1(ctx)))                     \
	ON(SR_STAGE_SYS_SENDMMSG, on_syscall_enter(SR_STAGE_SYS_SENDMMSG, PT_REGS_PARM1(ctx)))                   \
	ON(SR_STAGE_SOCK_WRITE_ITER, on_write_enter(P1(ctx)))                                                    \
	ON(SR_STAGE_SOCKFD_LOOKUP, on_lookup_enter())                                                            \
	ON(SR_STAGE_SOCK_SENDMSG, on_sock_enter(SR_STAGE_SOCK_SENDMSG, P1(ctx)))                                 \
	ON(SR_STAGE_SOCK_SENDMSG_INNER, on_sock_enter(SR_STAGE_SOCK_SENDMSG_INNER, P1(ctx)))                     \
	ON(SR_STAGE_PACKET_SENDMSG,                                                                              \
	   on_packet_sendmsg_enter(ctx, SR_STAGE_PACKET_SENDMSG, P1(ctx), P2(ctx), PT_REGS_PARM3(ctx), false))   \
	ON(SR_STAGE_PACKET_SENDMSG_SPKT,                                                                         \
	   on_packet_sendmsg_enter(ctx, SR_STAGE_PACKET_SENDMSG_SPKT, P1(ctx), P2(ctx), PT_REGS_PARM3(ctx), false)) \
	ON(SR_STAGE_PACKET_SND, on_body_hit(SR_STAGE_PACKET_SND))                                                \
	ON(SR_STAGE_TPACKET_SND, on_body_hit(SR_STAGE_TPACKET_SND))                                              \
	ON(SR_STAGE_ALLOC, on_alloc_enter(P1(ctx)))                                                              \
	ON(SR_STAGE_WAIT, on_wait_enter())                                                                       \
	ON(SR_STAGE_QUEUE_XMIT, on_xmit_enter(SR_STAGE_QUEUE_XMIT, P1(ctx), 0, false))                           \
	ON(SR_STAGE_DIRECT_XMIT, on_xmit_enter(SR_STAGE_DIRECT_XMIT, P1(ctx), PT_REGS_PARM2(ctx), false))        \
	ON(SR_STAGE_START_XMIT, on_driver_enter(P1(ctx), (void *)PT_REGS_PARM4(ctx), false))                     \
	ON(SR_STAGE_COPY, on_span_enter(SR_STAGE_COPY))                                                          \
	ON(SR_STAGE_PARSE, on_span_enter(SR_STAGE_PARSE))                                                        \
	ON(SR_STAGE_PACKET_XMIT, on_span_enter(SR_STAGE_PACKET_XMIT))                                            \
	ON(SR_STAGE_PACKET_RCV, on_receive_enter(SR_STAGE_PACKET_RCV, P1(ctx), (void *)PT_REGS_PARM3(ctx)))      \
	ON(SR_STAGE_TPACKET_RCV, on_receive_enter(SR_STAGE_TPACKET_RCV, P1(ctx), (void *)PT_REGS_PARM3(ctx)))

#define MULTI_RETURNS(ON)                                                                                        \
	ON(SR_STAGE_SOCK_CREATE, on_sock_create_exit(PT_REGS_RC(ctx)))                                           \
	ON(SR_STAGE_PACKET_CREATE, on_packet_create_exit(PT_REGS_RC(ctx)))                                       \
	ON(SR_STAGE_SYS_SENDTO, on_entry_exit())                                                                 \
	ON(SR_STAGE_SYS_SENDMSG, on_entry_exit())                                                                \
	ON(SR_STAGE_SYS_SENDMMSG, on_entry_exit())                                                               \
	ON(SR_STAGE_SOCK_WRITE_ITER, on_entry_exit())                                                            \
	ON(SR_STAGE_SOCKFD_LOOKUP, on_lookup_exit())                                                             \
	ON(SR_STAGE_SOCK_SENDMSG, on_sock_exit(SR_STAGE_SOCK_SENDMSG))                                           \
	ON(SR_STAGE_SOCK_SENDMSG_INNER, on_sock_exit(SR_STAGE_SOCK_SENDMSG_INNER))                               \
	ON(SR_STAGE_PACKET_SENDMSG, on_packet_sendmsg_exit(PT_REGS_RC(ctx)))                                     \
	ON(SR_STAGE_PACKET_SENDMSG_SPKT, on_packet_sendmsg_exit(PT_REGS_RC(ctx)))                                \
	ON(SR_STAGE_ALLOC, on_alloc_exit(NULL, (void *)PT_REGS_RC(ctx)))                                         \
	ON(SR_STAGE_QUEUE_XMIT, on_xmit_exit(SR_STAGE_QUEUE_XMIT, PT_REGS_RC(ctx)))                              \
	ON(SR_STAGE_DIRECT_XMIT, on_xmit_exit(SR_STAGE_DIRECT_XMIT, PT_REGS_RC(ctx)))                            \
	ON(SR_STAGE_START_XMIT, on_driver_exit((void *)PT_REGS_RC(ctx)))                                         \
	ON(SR_STAGE_COPY, on_span_exit(SR_STAGE_COPY))                                                           \
	ON(SR_STAGE_PARSE, on_span_exit(SR_STAGE_PARSE))                                                         \
	ON(SR_STAGE_PACKET_XMIT, on_span_exit(SR_STAGE_PACKET_XMIT))                                             \
	ON(SR_STAGE_PACKET_RCV, on_receive_exit())                                                               \
	ON(SR_STAGE_TPACKET_RCV, on_receive_exit())

#define MULTI_CASE(stage, action)                                                                                \
	case stage: return action;
#define MULTI_BIT(stage, action) | 1ULL << stage

// Stages that the two programs know, a bit each: user space attaches them to no other.
const volatile __u64 multi_entries = 0 MULTI_ENTRIES(MULTI_BIT);
const volatile __u64 multi_returns = 0 MULTI_RETURNS(MULTI_BIT);

SEC("?kprobe.multi")
int multi_enter(struct pt_regs *ctx)
{
	switch (bpf_get_attach_cookie(ctx)) {
		MULTI_ENTRIES(MULTI_CASE)
	}
	return 0;
}

SEC("?kretprobe.multi")
int multi_exit(struct pt_regs *ctx)
{
	switch (bpf_get_attach_cookie(ctx)) {
		MULTI_RETURNS(MULTI_CASE)
	}
	return 0;
}

#endif
