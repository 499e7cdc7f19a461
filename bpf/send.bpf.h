// Sends through packet sockets, from the system call to the driver. One record a send: it leaves for user space when
// the outermost hooked function returns, or when the next send of the same task begins (sendmmsg).
//
// Which function a program is attached to comes with its attach cookie: the stage (SR_STAGE_*).
#ifndef SOCKRAY_BPF_SEND_H
#define SOCKRAY_BPF_SEND_H

#include "task.bpf.h"

#define SR_SOCK_DGRAM 2
#define SR_DEVICE_HASH 256 // NETDEV_HASHENTRIES, include/linux/netdevice.h
#define SR_LIST_WALK 16    // frames of one dequeue that are looked through for ours

static __always_inline void send_emit(struct sr_task *t)
{
	struct sr_send *s = &t->send;

	t->state = SR_IDLE;
	head_fill(&s->head, SR_RECORD_SEND, sizeof(*s), COUNT(sends_emitted));
	if (ring_put(s, sizeof(*s)))
		COUNT(sends_no_room);
}

// A send that is still open when the next one begins: its return was skipped, or it is one of a sendmmsg.
static __always_inline void send_flush(struct sr_task *t)
{
	if (t->state == SR_OPEN || t->state == SR_RETURNED)
		send_emit(t);
}

static __always_inline bool tracing(void)
{
	return mode == SR_MODE_ARMED || (mode == SR_MODE_OFF && is_check());
}

// ---- around packet_sendmsg: the entry function, sockfd_lookup_light, sock_sendmsg, __sock_sendmsg

static __always_inline bool is_packet_socket(struct socket *sock)
{
	__u64 ops = (__u64)BPF_CORE_READ(sock, ops);

	return ops && (ops == config.packet_ops || ops == config.packet_ops_spkt);
}

static __always_inline bool is_packet_fd(int fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds))
		return false;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file && is_packet_socket(BPF_CORE_READ(file, private_data));
}

static __always_inline void entry_begin(struct sr_task *t, __u32 stage)
{
	send_flush(t);
	__builtin_memset(t->outer, 0, sizeof(t->outer));
	t->open_slots = 1 << SR_SLOT_ENTRY;
	t->entered = stage;
	t->outer[SR_SLOT_ENTRY].start = bpf_ktime_get_ns();
}

// __sys_sendto, __sys_sendmsg, __sys_sendmmsg: every socket of the system passes here. A task that never sent through
// a packet socket has no frame and leaves after one look-up and a look at its descriptor.
SEC("?kprobe")
int BPF_KPROBE(syscall_enter, int fd)
{
	struct sr_task *t;

	if (!tracing())
		return 0;
	t = task_find();
	if (!task_wanted(t))
		return 0;
	if (!t) {
		if (!is_packet_fd(fd))
			return 0;
		t = task_make();
		if (!t)
			return 0;
	}
	entry_begin(t, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(write_enter, struct kiocb *iocb)
{
	struct sr_task *t;

	if (!tracing())
		return 0;
	t = task_find();
	if (!task_wanted(t) || !is_packet_socket(BPF_CORE_READ(iocb, ki_filp, private_data)))
		return 0;
	if (!t)
		t = task_make();
	if (t)
		entry_begin(t, SR_STAGE_SOCK_WRITE_ITER);
	return 0;
}

static __always_inline void outer_enter(__u32 slot)
{
	struct sr_task *t = task_find();

	if (!t || t->state == SR_OPEN)
		return;
	send_flush(t);
	t->open_slots |= 1 << slot;
	t->outer[slot].start = bpf_ktime_get_ns();
	t->outer[slot].end = 0;
}

static __always_inline void outer_exit(__u32 slot)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = task_find();

	if (!t || !(t->open_slots & (1 << slot)))
		return;
	t->open_slots &= ~(1 << slot);
	t->outer[slot].end = now;
	if (t->state != SR_RETURNED)
		return;
	t->send.span[slot].end = now;
	if (!t->open_slots) {
		t->send.flags |= SR_SEND_CLOSED;
		send_emit(t);
	}
}

SEC("?kretprobe")
int BPF_KRETPROBE(entry_exit)
{
	struct sr_task *t = task_find();

	if (!t || !t->entered)
		return 0;
	t->open_slots = 1 << SR_SLOT_ENTRY; // what is inside has returned, seen or not
	if (t->state == SR_OPEN)
		send_emit(t); // the return of packet_sendmsg was skipped
	outer_exit(SR_SLOT_ENTRY);
	t->entered = 0;
	t->outer[SR_SLOT_ENTRY].start = 0;
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(lookup_enter)
{
	struct sr_task *t = task_find();

	if (t && t->entered && t->state != SR_OPEN)
		t->outer[SR_SLOT_LOOKUP].start = bpf_ktime_get_ns();
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(lookup_exit)
{
	struct sr_task *t = task_find();

	if (t && t->entered && t->state != SR_OPEN)
		t->outer[SR_SLOT_LOOKUP].end = bpf_ktime_get_ns();
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(sock_sendmsg_enter)
{
	outer_enter(SR_SLOT_SOCK);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(sock_sendmsg_exit)
{
	outer_exit(SR_SLOT_SOCK);
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(inner_sendmsg_enter)
{
	outer_enter(SR_SLOT_INNER);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(inner_sendmsg_exit)
{
	outer_exit(SR_SLOT_INNER);
	return 0;
}

// ---- packet_sendmsg, packet_sendmsg_spkt

static __always_inline __s32 current_syscall(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct pt_regs___arm64 *arm64 = (void *)regs;
	struct pt_regs___x86 *x86 = (void *)regs;

	if (bpf_core_field_exists(x86->orig_ax))
		return BPF_CORE_READ(x86, orig_ax);
	if (bpf_core_field_exists(arm64->syscallno))
		return BPF_CORE_READ(arm64, syscallno);
	return -1;
}

// The interface that the caller named, by the rules of packet_snd: the address if there is one, else the binding.
static __always_inline void destination(struct sr_send *s, struct packet_sock *po, struct msghdr *msg, __u32 stage)
{
	void *name = BPF_CORE_READ(msg, msg_name);

	s->msg_namelen = BPF_CORE_READ(msg, msg_namelen);
	if (!name) {
		s->ifindex = BPF_CORE_READ(po, ifindex);
		return;
	}
	s->flags |= SR_SEND_ADDRESS;
	if (stage == SR_STAGE_PACKET_SENDMSG_SPKT) // struct sockaddr_pkt: the name, 14 bytes, at offset 2
		bpf_probe_read_kernel(s->ifname, 14, name + 2);
	else // struct sockaddr_ll: sll_ifindex at offset 4
		bpf_probe_read_kernel(&s->ifindex, sizeof(s->ifindex), name + 4);
}

static __always_inline bool interface_wanted(const struct sr_send *s)
{
	if (!config.filter_ifindex)
		return true;
	if (s->netns_ino != config.filter_netns)
		return false;
	if (s->ifindex)
		return s->ifindex == config.filter_ifindex;
	for (int i = 0; i < SR_IFNAME_LEN; i++) {
		if (s->ifname[i] != config.filter_ifname[i])
			return false;
		if (!s->ifname[i])
			break;
	}
	return true;
}

static __always_inline void check_stack(void *ctx)
{
	struct sr_stack stack = {};

	head_fill(&stack.head, SR_RECORD_STACK, sizeof(stack), 0);
	bpf_get_stack(ctx, stack.address, sizeof(stack.address), 0);
	ring_put(&stack, sizeof(stack));
}

SEC("?kprobe")
int BPF_KPROBE(packet_sendmsg_enter, struct socket *sock, struct msghdr *msg, __u64 len)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 stage = bpf_get_attach_cookie(ctx);
	struct packet_sock *po;
	struct sr_task *t;
	struct sr_send *s;
	bool check = false;
	__u64 id;

	if (mode != SR_MODE_ARMED) {
		check = mode == SR_MODE_OFF && is_check();
		if (!check) {
			// Its return may come when tracing is armed: it must not look like one without an entry.
			t = mode == SR_MODE_OFF ? task_make() : task_find();
			if (t) {
				send_flush(t);
				t->state = SR_IGNORED;
			}
			return 0;
		}
		check_stack(ctx);
	}
	t = task_find();
	if (!check && !task_wanted(t))
		return 0;
	if (!t)
		t = task_make();
	if (!t) {
		COUNT(sends_no_storage);
		return 0;
	}
	send_flush(t);

	s = &t->send;
	__builtin_memset(s, 0, sizeof(*s));
	po = (struct packet_sock *)BPF_CORE_READ(sock, sk);
	s->netns_ino = netns_of(&po->sk);
	destination(s, po, msg, stage);
	if (!check && !interface_wanted(s)) {
		t->state = SR_IGNORED;
		return 0;
	}
	COUNT(sends_begun);

	t->state = SR_OPEN;
	t->sock = (__u64)po;
	t->msg = (__u64)msg;
	t->skb = 0;
	t->dev = 0;
	t->xmit_depth = t->xmit_mine = 0;
	t->driver_depth = t->driver_mine = 0;
	for (int slot = 0; slot < SR_SLOT_OUTER; slot++)
		s->span[slot] = t->outer[slot];
	s->stage[SR_SLOT_ENTRY] = t->entered;
	s->stage[SR_SLOT_LOOKUP] = s->span[SR_SLOT_LOOKUP].start ? SR_STAGE_SOCKFD_LOOKUP : 0;
	s->stage[SR_SLOT_SOCK] = s->span[SR_SLOT_SOCK].start ? SR_STAGE_SOCK_SENDMSG : 0;
	s->stage[SR_SLOT_INNER] = s->span[SR_SLOT_INNER].start ? SR_STAGE_SOCK_SENDMSG_INNER : 0;
	s->stage[SR_SLOT_SENDMSG] = stage;
	s->span[SR_SLOT_SENDMSG].start = now;

	id = bpf_get_current_pid_tgid();
	s->pid = id >> 32;
	s->tid = id;
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	s->syscall = current_syscall();
	s->socket_ino = socket_inode(sock);
	s->sendmsg_fn = (__u64)BPF_CORE_READ(sock, ops, sendmsg);
	s->sock_type = BPF_CORE_READ(sock, type);
	s->protocol = BPF_CORE_READ(po, num);
	s->msg_flags = BPF_CORE_READ(msg, msg_flags);
	s->len = len;
	if (check)
		s->flags |= SR_SEND_CHECK;
	// The kernel's own test between packet_snd and tpacket_snd, net/packet/af_packet.c: packet_sendmsg
	if (stage == SR_STAGE_PACKET_SENDMSG && BPF_CORE_READ(po, tx_ring.pg_vec))
		s->flags |= SR_SEND_TX_RING;
	return 0;
}

static __always_inline struct net_device *device_by_index(struct net *net, int ifindex)
{
	struct hlist_head *heads = BPF_CORE_READ(net, dev_index_head);
	struct hlist_node *node = NULL;

	bpf_probe_read_kernel(&node, sizeof(node), heads + (ifindex & (SR_DEVICE_HASH - 1)));
	for (int i = 0; i < 64 && node; i++) {
		struct net_device *dev = (void *)node - bpf_core_field_offset(struct net_device, index_hlist);

		if (BPF_CORE_READ(dev, ifindex) == ifindex)
			return dev;
		node = BPF_CORE_READ(node, next);
	}
	return NULL;
}

// Bytes of the virtio-net header that the socket expects before each frame.
static __always_inline __u8 expects_vnet_hdr(void *po)
{
	struct packet_sock___vnet_size *size = po;
	struct packet_sock___flags *flags = po;

	if (bpf_core_field_exists(size->vnet_hdr_sz))
		return BPF_CORE_READ(size, vnet_hdr_sz);
	if (bpf_core_field_exists(flags->flags) &&
	    bpf_core_enum_value_exists(enum packet_sock_flags, PACKET_SOCK_HAS_VNET_HDR) &&
	    BPF_CORE_READ(flags, flags) >> bpf_core_enum_value(enum packet_sock_flags, PACKET_SOCK_HAS_VNET_HDR) & 1)
		return 10; // sizeof(struct virtio_net_hdr)
	return 0;
}

// What packet_snd tests before it calls anything that can be hooked. Only failed sends come here.
static __noinline void send_explain(struct sr_task *t)
{
	struct sr_send *s = &t->send;
	struct packet_sock *po = (void *)t->sock;
	struct msghdr *msg = (void *)t->msg;
	struct net_device *dev = (void *)t->dev;

	s->flags |= SR_SEND_EXPLAINED;
	s->sndbuf = BPF_CORE_READ(po, sk.sk_sndbuf);
	s->wmem_alloc = BPF_CORE_READ(po, sk.sk_wmem_alloc.refs.counter);
	s->sk_err = BPF_CORE_READ(po, sk.sk_err);
	s->bound_ifindex = BPF_CORE_READ(po, ifindex);
	s->vnet_hdr = expects_vnet_hdr(po);
	s->msg_controllen = BPF_CORE_READ(msg, msg_controllen);
	if (s->flags & SR_SEND_ADDRESS) // struct sockaddr_ll: sll_halen at offset 11
		bpf_probe_read_kernel(&s->sll_halen, 1, (void *)BPF_CORE_READ(msg, msg_name) + 11);
	if (!dev && s->ifindex > 0)
		dev = device_by_index(BPF_CORE_READ(po, sk.__sk_common.skc_net.net), s->ifindex);
	if (!dev)
		return;
	s->flags |= SR_SEND_DEVICE;
	BPF_CORE_READ_INTO(&s->ifname, dev, name);
	s->mtu = BPF_CORE_READ(dev, mtu);
	s->dev_flags = BPF_CORE_READ(dev, flags);
	s->hard_header_len = BPF_CORE_READ(dev, hard_header_len);
	s->dev_type = BPF_CORE_READ(dev, type);
	s->min_header_len = BPF_CORE_READ(dev, min_header_len);
	s->addr_len = BPF_CORE_READ(dev, addr_len);
}

SEC("?kretprobe")
int BPF_KRETPROBE(packet_sendmsg_exit, long ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = task_find();
	struct sr_send *s;

	if (!t || t->state != SR_OPEN) {
		if (t && t->state == SR_IGNORED)
			t->state = SR_IDLE;
		else if (mode == SR_MODE_ARMED && task_wanted(t))
			COUNT(sends_unopened);
		return 0;
	}
	s = &t->send;
	s->ret = (int)ret;
	s->span[SR_SLOT_SENDMSG].end = now;
	s->flags |= SR_SEND_RETURNED;
	if ((int)ret < 0)
		send_explain(t);
	t->state = SR_RETURNED;
	if (!t->open_slots) {
		s->flags |= SR_SEND_CLOSED;
		send_emit(t);
	}
	return 0;
}

// ---- inside packet_sendmsg

static __always_inline struct sr_task *open_task(void)
{
	struct sr_task *t = task_find();

	return t && t->state == SR_OPEN ? t : NULL;
}

// On the first instruction of an inlined packet_snd or tpacket_snd: no arguments, only the moment.
SEC("?kprobe")
int BPF_KPROBE(body_hit)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->send.body_hits++;
	t->send.stage[SR_SLOT_BODY] = bpf_get_attach_cookie(ctx);
	t->send.span[SR_SLOT_BODY].start = now;
	return 0;
}

// Opens a span, unless one of this slot was recorded already (a TX ring passes once a frame).
static __always_inline void span_open(struct sr_send *s, __u32 slot, __u32 stage)
{
	if (s->span[slot].start)
		return;
	s->stage[slot] = stage;
	s->span[slot].start = bpf_ktime_get_ns();
}

static __always_inline void span_close(struct sr_send *s, __u32 slot, __u64 now)
{
	if (s->span[slot].start && !s->span[slot].end)
		s->span[slot].end = now;
}

SEC("?kprobe")
int BPF_KPROBE(alloc_enter, struct sock *sk)
{
	struct sr_task *t = open_task();

	if (!t || (__u64)sk != t->sock)
		return 0;
	t->send.alloc_hits++;
	t->skb = 0;
	span_open(&t->send, SR_SLOT_ALLOC, SR_STAGE_ALLOC);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(alloc_exit, void *skb)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t || t->xmit_depth)
		return 0;
	t->skb = (__u64)skb;
	span_close(&t->send, SR_SLOT_ALLOC, now);
	return 0;
}

static __always_inline void frame_seen(struct sr_task *t, struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct sr_send *s = &t->send;

	t->skb = (__u64)skb;
	t->dev = (__u64)dev;
	BPF_CORE_READ_INTO(&s->ifname, dev, name);
	s->ifindex = BPF_CORE_READ(dev, ifindex);
	if (config.cookie_magic) {
		__u64 word[2] = {};

		bpf_probe_read_kernel(word, sizeof(word), BPF_CORE_READ(skb, data) + config.cookie_offset);
		if (word[0] == config.cookie_magic) {
			s->cookie = word[1];
			s->flags |= SR_SEND_COOKIE;
		}
	}
}

// __dev_queue_xmit, __dev_direct_xmit. Where devices are stacked the frame passes again: only the first pass counts.
SEC("?kprobe")
int BPF_KPROBE(xmit_enter, struct sk_buff *skb)
{
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->xmit_depth++;
	if (t->xmit_mine)
		return 0;
	// Where the allocation has no hook of its own (SOCK_PACKET) the frame is known by its socket.
	if (t->skb ? (__u64)skb != t->skb : (__u64)BPF_CORE_READ(skb, sk) != t->sock)
		return 0;
	t->xmit_mine = t->xmit_depth;
	t->send.xmit_hits++;
	frame_seen(t, skb);
	span_open(&t->send, SR_SLOT_XMIT, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(xmit_exit, int ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t || !t->xmit_depth)
		return 0;
	if (t->xmit_mine == t->xmit_depth) {
		t->xmit_mine = 0;
		// __dev_direct_xmit is between the socket and the driver alone: 0 means that the driver took the frame.
		if (ret == 0 && t->skb && bpf_get_attach_cookie(ctx) == SR_STAGE_DIRECT_XMIT)
			t->send.driver_hits++;
		t->skb = 0; // from here on somebody else's
		t->send.xmit_ret = ret;
		span_close(&t->send, SR_SLOT_XMIT, now);
	}
	t->xmit_depth--;
	return 0;
}

// A dequeue may carry several frames, of other sends too: is ours among them?
static __always_inline bool in_list(struct sk_buff *first, __u64 skb)
{
	for (int i = 0; i < SR_LIST_WALK && first; i++) {
		if ((__u64)first == skb)
			return true;
		first = BPF_CORE_READ(first, next);
	}
	return false;
}

SEC("?kprobe")
int BPF_KPROBE(driver_enter, struct sk_buff *first, struct net_device *dev, void *txq, int *ret)
{
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->driver_depth++;
	if (t->driver_mine || !t->skb || !in_list(first, t->skb))
		return 0;
	t->driver_mine = t->driver_depth;
	t->driver_ret_at = (__u64)ret;
	span_open(&t->send, SR_SLOT_DRIVER, SR_STAGE_START_XMIT);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(driver_exit)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();
	int driver_ret = -1;

	if (!t || !t->driver_depth)
		return 0;
	if (t->driver_mine == t->driver_depth) {
		t->driver_mine = 0;
		bpf_probe_read_kernel(&driver_ret, sizeof(driver_ret), (void *)t->driver_ret_at);
		t->send.driver_ret = driver_ret;
		span_close(&t->send, SR_SLOT_DRIVER, now);
		if (driver_ret == 0 && t->skb) {
			t->send.driver_hits++;
			t->skb = 0; // the driver's now: when it is freed is no drop of this send
		}
	}
	t->driver_depth--;
	return 0;
}

// A frame that is freed as dropped while it is still the send's own.
SEC("?raw_tracepoint")
int BPF_PROG(skb_freed, struct sk_buff *skb, void *location, __u32 reason)
{
	struct sr_task *t = open_task();
	struct sr_send *s;

	if (!t || !t->skb || (__u64)skb != t->skb)
		return 0;
	// __dev_direct_xmit runs the receiver's softirq before it returns. A frame that a driver has taken and passed on
	// has another device (drivers/net/veth.c) or no socket any more (drivers/net/loopback.c): that its receiver drops
	// it is no drop of the send.
	if (!t->driver_mine && t->dev &&
	    ((__u64)BPF_CORE_READ(skb, dev) != t->dev || (__u64)BPF_CORE_READ(skb, sk) != t->sock))
		return 0;
	s = &t->send;
	t->skb = 0;
	s->flags |= SR_SEND_DROP;
	s->drop_reason = reason;
	s->drop_location = (__u64)location;
	s->drop_ns = bpf_ktime_get_ns();
	return 0;
}

// ---- the edges of tracing

// Children of a followed task are followed too, wherever they go.
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(task_forked, struct task_struct *parent, struct task_struct *child)
{
	struct sr_task *t = bpf_task_storage_get(&tasks, parent, NULL, 0);

	if (!(t && t->followed) && (__u32)parent->tgid != config.follow)
		return 0;
	t = bpf_task_storage_get(&tasks, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t)
		t->followed = 1;
	return 0;
}

// Run once, after all hooks are gone: sends that are still inside the kernel.
SEC("?iter/task")
int sweep(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sr_task *t;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (t && (t->state == SR_OPEN || t->state == SR_RETURNED)) {
		t->send.flags |= SR_SEND_SWEPT;
		send_emit(t);
	}
	return 0;
}

#endif
