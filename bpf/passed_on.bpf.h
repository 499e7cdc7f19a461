// Frames that a filter at the egress of their device gave to another one, by __dev_queue_xmit, before a driver had them.
#ifndef SOCKRAY_BPF_PASSED_ON_H
#define SOCKRAY_BPF_PASSED_ON_H

#include "device.bpf.h"
#include "flight.bpf.h"

static __always_inline void passed_on_note(struct sr_send *s, struct net_device *dev)
{
	s->flags |= SR_SEND_PASSED_ON;
	BPF_CORE_READ_INTO(&s->passed_on_to, dev, name);
}

// Past the qdisc that is netfilter, before any xmit stage (packet_direct_xmit: nf_hook_direct_egress; nft_fwd_netdev_eval): the
// first device that the frame is seen at is not the one it was sent to.
static __noinline void passed_on_from(struct sr_task *t, struct net_device *dev)
{
	struct sr_send *s = &t->send;
	struct packet_sock *po = (void *)t->sock;
	struct net_device *named = device_by_index(BPF_CORE_READ(po, sk.__sk_common.skc_net.net), s->ifindex);

	passed_on_note(s, dev);
	if (named)
		BPF_CORE_READ_INTO(&s->ifname, named, name);
}

// Inside of __dev_queue_xmit, no driver has it, and it comes to another device's: netfilter (nft_fwd_netdev_eval) or tc
// (net/core/filter.c: skb_do_redirect). A stacked device (VLAN, bond) has it as its driver, and is none of this; past the qdisc
// no hook tells of that, and what netfilter does there comes before.
static __always_inline bool is_passed_on(const struct sr_task *t, struct net_device *dev)
{
	return t->send.stage[SR_SLOT_XMIT] == SR_STAGE_QUEUE_XMIT && STAGE_ON(SR_STAGE_START_XMIT) && !t->driver_mine &&
	       (__u64)dev != t->dev;
}

#endif
