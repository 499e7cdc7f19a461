// Creation of packet sockets: __sock_create and, nested in it, packet_create. One record a creation.
#ifndef SOCKRAY_BPF_SOCKET_H
#define SOCKRAY_BPF_SOCKET_H

#include "task.bpf.h"

#define SR_PF_INET 2
#define SR_PF_PACKET 17
#define SR_SOCK_PACKET 10

static __always_inline int on_sock_create_enter(struct net *net, int family, int type, int protocol,
						struct socket **res, int kern)
{
	struct net_proto_family *pf = NULL;
	struct sr_socket *s;
	struct sr_task *t;

	t = task_find();
	if (t)
		t->in_create = 0; // stale, where a return was skipped
	// net/socket.c: __sock_create takes the old socket(AF_INET, SOCK_PACKET, ...) for a packet socket too.
	if (family != SR_PF_PACKET && !(family == SR_PF_INET && type == SR_SOCK_PACKET))
		return 0;
	if (mode != SR_MODE_ARMED || !task_wanted())
		return 0;
	// With an interface, creations are those of all: a socket that is made here may be carried there.
	if (config.filter_netns && !config.filter_ifindex && BPF_CORE_READ(net, ns.inum) != config.filter_netns)
		return 0;
	t = task_make();
	if (!t) {
		COUNT(sockets_no_storage);
		return 0;
	}
	COUNT(sockets_begun);
	s = &t->socket;
	__builtin_memset(s, 0, sizeof(*s));
	t->in_create = 1;
	t->res_at = (__u64)res;
	s->create.start = bpf_ktime_get_ns();
	s->family = family;
	s->sock_type = type;
	s->protocol = protocol;
	s->kern = kern;
	s->netns_ino = BPF_CORE_READ(net, ns.inum);
	if (config.net_families) {
		bpf_probe_read_kernel(&pf, sizeof(pf), (void *)(config.net_families + SR_PF_PACKET * sizeof(void *)));
		s->net_family = (__u64)pf;
		s->net_family_number = BPF_CORE_READ(pf, family);
		s->net_family_create = (__u64)BPF_CORE_READ(pf, create);
	}
	return 0;
}

static __always_inline int on_packet_create_enter(void)
{
	struct sr_task *t = task_find();

	if (!t || !t->in_create)
		return 0;
	t->socket.create_seen = 1;
	t->socket.packet_create.start = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int on_packet_create_exit(int ret)
{
	struct sr_task *t = task_find();

	if (!t || !t->in_create)
		return 0;
	t->socket.packet_create.end = bpf_ktime_get_ns();
	t->socket.create_ret = ret;
	return 0;
}

static __always_inline int on_sock_create_exit(int ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = task_find();
	struct socket *sock = NULL;
	struct sr_socket *s;
	__u64 id;

	if (!t || !t->in_create)
		return 0;
	t->in_create = 0;
	s = &t->socket;
	s->create.end = now;
	s->ret = ret;
	id = bpf_get_current_pid_tgid();
	s->pid = id >> 32;
	s->tid = id;
	s->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	if (ret == 0)
		bpf_probe_read_kernel(&sock, sizeof(sock), (void *)t->res_at);
	if (sock) {
		struct packet_sock *po = (struct packet_sock *)BPF_CORE_READ(sock, sk);

		s->socket_ino = socket_inode(sock);
		s->ops = (__u64)BPF_CORE_READ(sock, ops);
		s->ops_sendmsg = (__u64)BPF_CORE_READ(sock, ops, sendmsg);
		s->sk_family = BPF_CORE_READ(po, sk.__sk_common.skc_family);
		s->sk_destruct = (__u64)BPF_CORE_READ(po, sk.sk_destruct);
		s->po_num = BPF_CORE_READ(po, num);
	}
	head_fill(&s->head, SR_RECORD_SOCKET, sizeof(*s), COUNT(sockets_emitted));
	if (!RING_PUT(s))
		COUNT(sockets_no_room);
	return 0;
}

#endif
