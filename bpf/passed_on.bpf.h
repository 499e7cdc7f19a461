// Frames that a filter at the egress of their device gave to another one, by __dev_queue_xmit, before a driver had them.
#ifndef SOCKRAY_BPF_PASSED_ON_H
#define SOCKRAY_BPF_PASSED_ON_H

#include "device.bpf.h"
#include "flight.bpf.h"

static __always_inline void passed_on_note(struct sr_task *t, struct net_device *dev)
{
	struct sr_send *s = &t->send;

	fills(t, SR_SEND_LONG);
	s->flags |= SR_SEND_PASSED_ON;
	BPF_CORE_READ_INTO(&s->passed_on_to, dev, name);
}

// Past the qdisc that is netfilter, before any xmit stage (packet_direct_xmit: nf_hook_direct_egress; nft_fwd_netdev_eval): the
// first device that the frame is seen at is not the one it was sent to.
SR_ALONE passed_on_from(struct sr_task *t)
{
	struct packet_sock *po;
	struct net_device *named;

	if (!t)
		return 0;
	po = (void *)t->sock;
	named = device_by_index(BPF_CORE_READ(po, sk.__sk_common.skc_net.net), t->send.ifindex);
	passed_on_note(t, (void *)t->dev);
	if (named)
		BPF_CORE_READ_INTO(&t->send.ifname, named, name);
	return 0;
}

// Inside of __dev_queue_xmit, no driver has it, and it comes to another device's: netfilter (nft_fwd_netdev_eval) or tc
// (net/core/filter.c: skb_do_redirect). A stacked device (VLAN, bond) has it as its driver, and is none of this; past the qdisc
// no hook tells of that, and what netfilter does there comes before.
static __always_inline bool is_passed_on(const struct sr_task *t, struct net_device *dev)
{
	return t->send.stage[SR_SLOT_XMIT] == SR_STAGE_QUEUE_XMIT && STAGE_ON(SR_STAGE_START_XMIT) && !t->driver_mine &&
	       (__u64)dev != t->dev;
}

// mirred gives the other device a clone, which it marks where it was redirected, and frees the frame (net/sched/act_mirred.c:
// tcf_mirred_to_dev, skb_set_redirected). The clone of a mirror is a frame of its own. A clone has the same memory.
static __always_inline bool is_redirected(const struct sr_task *t, __u32 stage, struct sk_buff *skb)
{
	struct sk_buff *original = (void *)t->skb;

	if (stage != SR_STAGE_QUEUE_XMIT || t->send.stage[SR_SLOT_XMIT] != SR_STAGE_QUEUE_XMIT ||
	    !STAGE_ON(SR_STAGE_START_XMIT) || t->driver_mine || !original)
		return false;
	return bpf_core_field_exists(skb->redirected) && BPF_CORE_READ_BITFIELD_PROBED(skb, redirected) &&
	       BPF_CORE_READ(original, head) == BPF_CORE_READ(skb, head);
}

// From here on the clone is the frame of the open send; what becomes of the original is of no interest.
static __always_inline void clone_takes_over(struct sr_task *t, struct sk_buff *clone)
{
	bool tracked = t->tracked && flight_take(t->skb);

	t->skb = (__u64)clone;
	t->tracked = 0;
	if (tracked)
		flight_begin(t, clone, false);
}

#endif
