// The programs for fentry and fexit: arguments come typed from the kernel's BTF. A program belongs to one function,
// which must be known when it is loaded, so there is one for each stage: fentry_ and fexit_ with the stage's name
// (user/probe/hooks.h finds them by it; a stage without one is hooked in another way). What is recorded is the same as
// with kprobes.
#ifndef SOCKRAY_BPF_FENTRIES_H
#define SOCKRAY_BPF_FENTRIES_H

#include "entry.bpf.h"
#include "frame.bpf.h"
#include "receive.bpf.h"
#include "send.bpf.h"
#include "socket.bpf.h"

// The value that the function returns. By the helper, and not by its place behind the arguments: the number of these
// changes from kernel to kernel.
#define RETURNED(ctx)                           \
	({                                      \
		__u64 _ret = 0;                 \
		bpf_get_func_ret(ctx, &_ret);   \
		_ret;                           \
	})

// The target is set by user space: it may have another name on this kernel.
#define FENTRY(stage, args...)    \
	SEC("?fentry")            \
	int BPF_PROG(fentry_##stage, ##args)
#define FEXIT(stage)              \
	SEC("?fexit")             \
	int fexit_##stage(void *ctx)

// The verifier takes no argument that points to a pointer from the context (kernel/bpf/btf.c: btf_ctx_access).
FENTRY(__sock_create, struct net *net, int family, int type, int protocol, void *res, int kern)
{
	__u64 socket_at = 0;

	bpf_get_func_arg(ctx, 4, &socket_at);
	return on_sock_create_enter(net, family, type, protocol, (void *)socket_at, kern);
}

FEXIT(__sock_create)
{
	return on_sock_create_exit(RETURNED(ctx));
}

FENTRY(packet_create)
{
	return on_packet_create_enter();
}

FEXIT(packet_create)
{
	return on_packet_create_exit(RETURNED(ctx));
}

FENTRY(__sys_sendto, int fd)
{
	return on_syscall_enter(SR_STAGE_SYS_SENDTO, fd);
}

FEXIT(__sys_sendto)
{
	return on_entry_exit();
}

FENTRY(__sys_sendmsg, int fd)
{
	return on_syscall_enter(SR_STAGE_SYS_SENDMSG, fd);
}

FEXIT(__sys_sendmsg)
{
	return on_entry_exit();
}

FENTRY(__sys_sendmmsg, int fd)
{
	return on_syscall_enter(SR_STAGE_SYS_SENDMMSG, fd);
}

FEXIT(__sys_sendmmsg)
{
	return on_entry_exit();
}

FENTRY(sock_write_iter, struct kiocb *iocb)
{
	return on_write_enter(iocb);
}

FEXIT(sock_write_iter)
{
	return on_entry_exit();
}

FENTRY(sockfd_lookup_light)
{
	return on_lookup_enter();
}

FEXIT(sockfd_lookup_light)
{
	return on_lookup_exit();
}

FENTRY(sock_sendmsg, struct socket *sock)
{
	return on_sock_enter(SR_STAGE_SOCK_SENDMSG, sock);
}

FEXIT(sock_sendmsg)
{
	return on_sock_exit(SR_STAGE_SOCK_SENDMSG);
}

FENTRY(__sock_sendmsg, struct socket *sock)
{
	return on_sock_enter(SR_STAGE_SOCK_SENDMSG_INNER, sock);
}

FEXIT(__sock_sendmsg)
{
	return on_sock_exit(SR_STAGE_SOCK_SENDMSG_INNER);
}

FENTRY(packet_sendmsg, struct socket *sock, struct msghdr *msg, __u64 len)
{
	return on_packet_sendmsg_enter(ctx, SR_STAGE_PACKET_SENDMSG, sock, msg, len, true);
}

FEXIT(packet_sendmsg)
{
	return on_packet_sendmsg_exit(RETURNED(ctx));
}

FENTRY(packet_sendmsg_spkt, struct socket *sock, struct msghdr *msg, __u64 len)
{
	return on_packet_sendmsg_enter(ctx, SR_STAGE_PACKET_SENDMSG_SPKT, sock, msg, len, true);
}

FEXIT(packet_sendmsg_spkt)
{
	return on_packet_sendmsg_exit(RETURNED(ctx));
}

FENTRY(packet_snd)
{
	return on_body_hit(SR_STAGE_PACKET_SND);
}

FENTRY(tpacket_snd)
{
	return on_body_hit(SR_STAGE_TPACKET_SND);
}

FENTRY(sock_alloc_send_pskb, struct sock *sk)
{
	return on_alloc_enter(sk);
}

FEXIT(sock_alloc_send_pskb)
{
	return on_alloc_exit(*(void **)ctx, (void *)RETURNED(ctx));
}

FENTRY(schedule_timeout)
{
	return on_wait_enter();
}

FENTRY(__dev_queue_xmit, struct sk_buff *skb)
{
	return on_xmit_enter(SR_STAGE_QUEUE_XMIT, skb, 0, true);
}

FEXIT(__dev_queue_xmit)
{
	return on_xmit_exit(SR_STAGE_QUEUE_XMIT, RETURNED(ctx));
}

FENTRY(__dev_direct_xmit, struct sk_buff *skb, __u16 queue)
{
	return on_xmit_enter(SR_STAGE_DIRECT_XMIT, skb, queue, true);
}

FEXIT(__dev_direct_xmit)
{
	return on_xmit_exit(SR_STAGE_DIRECT_XMIT, RETURNED(ctx));
}

FENTRY(dev_hard_start_xmit, struct sk_buff *first, struct net_device *dev, void *txq, int *ret)
{
	return on_driver_enter(first, ret, true);
}

FEXIT(dev_hard_start_xmit)
{
	return on_driver_exit((struct sk_buff *)RETURNED(ctx));
}

FENTRY(skb_copy_datagram_from_iter)
{
	return on_span_enter(SR_STAGE_COPY);
}

FEXIT(skb_copy_datagram_from_iter)
{
	return on_span_exit(SR_STAGE_COPY);
}

FENTRY(packet_parse_headers)
{
	return on_span_enter(SR_STAGE_PARSE);
}

FEXIT(packet_parse_headers)
{
	return on_span_exit(SR_STAGE_PARSE);
}

FENTRY(packet_xmit)
{
	return on_span_enter(SR_STAGE_PACKET_XMIT);
}

FEXIT(packet_xmit)
{
	return on_span_exit(SR_STAGE_PACKET_XMIT);
}

FENTRY(packet_rcv, struct sk_buff *skb, struct net_device *dev, struct packet_type *type)
{
	return on_receive_enter(SR_STAGE_PACKET_RCV, skb, type);
}

FEXIT(packet_rcv)
{
	return on_receive_exit();
}

FENTRY(tpacket_rcv, struct sk_buff *skb, struct net_device *dev, struct packet_type *type)
{
	return on_receive_enter(SR_STAGE_TPACKET_RCV, skb, type);
}

FEXIT(tpacket_rcv)
{
	return on_receive_exit();
}

#endif
