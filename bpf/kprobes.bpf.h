// The programs for kprobes and kretprobes: arguments come from registers, the stage (SR_STAGE_*) with the attach cookie,
// and what is recorded is entry.bpf.h's, send.bpf.h's, frame.bpf.h's and socket.bpf.h's business.
#ifndef SOCKRAY_BPF_KPROBES_H
#define SOCKRAY_BPF_KPROBES_H

#include "../vmlinux/arch.h"
#include "entry.bpf.h"
#include "frame.bpf.h"
#include "receive.bpf.h"
#include "segments.bpf.h"
#include "send.bpf.h"
#include "socket.bpf.h"

#define STAGE_OF(ctx) ((__u32)bpf_get_attach_cookie(ctx))

SEC("?kprobe")
int BPF_KPROBE(sock_create_enter, struct net *net, int family, int type, int protocol, struct socket **res)
{
	return on_sock_create_enter(net, family, type, protocol, res, SR_REGS_PARM6(ctx));
}

SEC("?kretprobe")
int BPF_KRETPROBE(sock_create_exit, int ret)
{
	return on_sock_create_exit(ret);
}

SEC("?kprobe")
int BPF_KPROBE(packet_create_enter)
{
	return on_packet_create_enter();
}

SEC("?kretprobe")
int BPF_KRETPROBE(packet_create_exit, int ret)
{
	return on_packet_create_exit(ret);
}

SEC("?kprobe")
int BPF_KPROBE(syscall_enter, int fd)
{
	return on_syscall_enter(STAGE_OF(ctx), fd);
}

SEC("?kprobe")
int BPF_KPROBE(write_enter, struct kiocb *iocb)
{
	return on_write_enter(iocb);
}

SEC("?kretprobe")
int BPF_KRETPROBE(entry_exit)
{
	return on_entry_exit();
}

SEC("?kprobe")
int BPF_KPROBE(lookup_enter)
{
	return on_lookup_enter();
}

SEC("?kretprobe")
int BPF_KRETPROBE(lookup_exit)
{
	return on_lookup_exit();
}

SEC("?kprobe")
int BPF_KPROBE(sock_enter, struct socket *sock)
{
	return on_sock_enter(STAGE_OF(ctx), sock);
}

SEC("?kretprobe")
int BPF_KRETPROBE(sock_exit)
{
	return on_sock_exit(STAGE_OF(ctx));
}

SEC("?kprobe")
int BPF_KPROBE(packet_sendmsg_enter, struct socket *sock, struct msghdr *msg, __u64 len)
{
	return on_packet_sendmsg_enter(ctx, STAGE_OF(ctx), sock, msg, len, false);
}

SEC("?kretprobe")
int BPF_KRETPROBE(packet_sendmsg_exit, long ret)
{
	return on_packet_sendmsg_exit(ret);
}

SEC("?kprobe")
int BPF_KPROBE(body_hit)
{
	return on_body_hit(STAGE_OF(ctx));
}

SEC("?kprobe")
int BPF_KPROBE(alloc_enter, struct sock *sk)
{
	return on_alloc_enter(sk);
}

SEC("?kretprobe")
int BPF_KRETPROBE(alloc_exit, void *skb)
{
	return on_alloc_exit(NULL, skb);
}

SEC("?kprobe")
int BPF_KPROBE(wait_enter)
{
	return on_wait_enter();
}

SEC("?kprobe")
int BPF_KPROBE(span_enter)
{
	return on_span_enter(STAGE_OF(ctx));
}

SEC("?kretprobe")
int BPF_KRETPROBE(span_exit)
{
	return on_span_exit(STAGE_OF(ctx));
}

SEC("?kprobe")
int BPF_KPROBE(segment_enter, struct sk_buff *skb)
{
	return on_segment_enter(skb);
}

SEC("?kretprobe")
int BPF_KRETPROBE(segment_exit, struct sk_buff *segments)
{
	return on_segment_exit(segments);
}

SEC("?kprobe")
int BPF_KPROBE(receive_enter, struct sk_buff *skb, struct net_device *dev, struct packet_type *type)
{
	return on_receive_enter(STAGE_OF(ctx), skb, type);
}

SEC("?kretprobe")
int BPF_KRETPROBE(receive_exit)
{
	return on_receive_exit();
}

SEC("?kprobe")
int BPF_KPROBE(xmit_enter, struct sk_buff *skb, __u64 queue)
{
	return on_xmit_enter(STAGE_OF(ctx), skb, queue, false);
}

SEC("?kretprobe")
int BPF_KRETPROBE(xmit_exit, int ret)
{
	return on_xmit_exit(STAGE_OF(ctx), ret);
}

SEC("?kprobe")
int BPF_KPROBE(driver_enter, struct sk_buff *first, struct net_device *dev, void *txq, int *ret)
{
	return on_driver_enter(first, ret, false);
}

SEC("?kretprobe")
int BPF_KRETPROBE(driver_exit, struct sk_buff *rest)
{
	return on_driver_exit(rest);
}

#endif
