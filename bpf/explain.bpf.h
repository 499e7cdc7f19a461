// What user space explains a failed send by, and a frame that a queue keeps or did not take: the state of the socket, the device,
// the queue and the task at the return. Only sends that are not simply delivered come here.
#ifndef SOCKRAY_BPF_EXPLAIN_H
#define SOCKRAY_BPF_EXPLAIN_H

#include "device.bpf.h"
#include "filter.bpf.h"
#include "packet_sock.bpf.h"
#include "record.bpf.h"
#include "vnet.bpf.h"

#define SR_EINTR 4
#define SR_ERESTARTSYS 512 // include/linux/errno.h
#define SR_SIGKILL 9 // include/uapi/asm-generic/signal.h

// The queue that keeps, or did not take, the frame.
static __always_inline void queue_explain(struct sr_task *t, struct net_device *dev)
{
	struct sr_send *s = &t->send;
	struct netdev_queue *queues, *queue = NULL;
	char kind[SR_QDISC_LEN] = {};

	if (!dev)
		return;
	fills(t, SR_SEND_LONG);
	BPF_CORE_READ_INTO(&s->qdisc, dev, qdisc, ops, id);
	s->qdisc_len = BPF_CORE_READ(dev, qdisc, q.qlen);
	queues = (void *)BPF_CORE_READ(dev, _tx);
	if (s->tx_queue)
		queue = (void *)queues + (s->tx_queue - 1) * bpf_core_type_size(struct netdev_queue);
	else if (BPF_CORE_READ(dev, real_num_tx_queues) == 1)
		queue = queues;
	if (queue) // else which one it was is not known
		s->queue_state = BPF_CORE_READ(queue, state);
	// A device without a carrier keeps its root qdisc's name, and has this one at work, in all its queues
	// (net/sched/sch_generic.c: dev_deactivate).
	queue = queue ?: queues;
	BPF_CORE_READ_INTO(&kind, queue, qdisc, ops, id);
	if (same_name(kind, "noop\0"))
		__builtin_memcpy(s->qdisc, "noop", 5);
}

SR_ALONE frame_queue_explain(struct sr_task *t)
{
	if (t && !is_filtered(t))
		queue_explain(t, (void *)t->dev);
	return 0;
}

// A call that a signal ended, and no program will see its return (include/linux/sched/signal.h: __fatal_signal_pending).
static __always_inline bool is_killed(int ret)
{
	struct task_struct *task;

	if (ret != -SR_ERESTARTSYS && ret != -SR_EINTR)
		return false;
	task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, pending.signal.sig[0]) & (1ULL << (SR_SIGKILL - 1));
}

// What packet_snd tests before it calls anything that can be hooked. Only failed sends come here.
SR_ALONE send_explain(struct sr_task *t)
{
	struct packet_sock *po;
	struct net_device *dev;
	struct msghdr *msg;
	struct sr_send *s;
	struct net *net;
	bool by_name;

	if (!t)
		return 0;
	s = &t->send;
	po = (void *)t->sock;
	msg = (void *)t->msg;
	dev = (void *)t->dev;
	net = BPF_CORE_READ(po, sk.__sk_common.skc_net.net);
	by_name = s->stage[SR_SLOT_SENDMSG] == SR_STAGE_PACKET_SENDMSG_SPKT;
	fills(t, SR_SEND_LONG);
	s->flags |= SR_SEND_EXPLAINED;
	if (is_killed(s->ret))
		s->flags |= SR_SEND_KILLED;
	s->sndbuf = BPF_CORE_READ(po, sk.sk_sndbuf);
	s->wmem_alloc = BPF_CORE_READ(po, sk.sk_wmem_alloc.refs.counter);
	s->bound_ifindex = BPF_CORE_READ(po, ifindex);
	s->vnet_hdr = vnet_header(po);
	s->msg_controllen = BPF_CORE_READ(msg, msg_controllen);
	if (!by_name)
		vnet_explain(s, po, msg);
	if ((s->flags & SR_SEND_ADDRESS) && !by_name) // struct sockaddr_ll: sll_halen at offset 11
		bpf_probe_read_kernel(&s->sll_halen, 1, (void *)BPF_CORE_READ(msg, msg_name) + 11);
	if (s->flags & SR_SEND_PASSED_ON) // the device that the caller named, and not the one that the frame came to
		dev = NULL;
	if (!dev && by_name && s->ifname[0])
		dev = device_by_name(net, s->ifname);
	else if (!dev && s->ifindex > 0)
		dev = device_by_index(net, s->ifindex);
	if (!dev)
		return 0;
	s->flags |= SR_SEND_DEVICE;
	BPF_CORE_READ_INTO(&s->ifname, dev, name);
	s->mtu = BPF_CORE_READ(dev, mtu);
	s->dev_flags = BPF_CORE_READ(dev, flags);
	s->hard_header_len = BPF_CORE_READ(dev, hard_header_len);
	s->dev_type = BPF_CORE_READ(dev, type);
	s->addr_len = BPF_CORE_READ(dev, addr_len);
	queue_explain(t, dev);
	return 0;
}

#endif
