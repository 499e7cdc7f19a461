// A device by its name or number, as the kernel looks it up (net/core/dev.c). The steps are taken by bpf_loop: the verifier
// walks through a loop of its own as often as it goes round, seconds long for these.
#ifndef SOCKRAY_BPF_DEVICE_H
#define SOCKRAY_BPF_DEVICE_H

#include "task.bpf.h"

#define SR_DEVICE_HASH 256 // NETDEV_HASHENTRIES, include/linux/netdevice.h
#define SR_DEVICES_OF_NAME 4096 // that are looked through for a name
#define SR_DEVICES_OF_INDEX 1024 // of one hash chain

static __always_inline bool same_name(const char *a, const volatile char *b)
{
	for (int i = 0; i < SR_IFNAME_LEN; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			break;
	}
	return true;
}

// Passed by bpf_loop; no kernel type, so nothing in it is relocated.
struct sr_device_walk {
	void *node; // struct list_head or struct hlist_node
	void *end;
	struct net_device *found;
	char name[SR_IFNAME_LEN];
	__s64 ifindex;
};

static long device_name_next(__u32 step, struct sr_device_walk *walk)
{
	struct list_head *node = walk->node;
	struct net_device *dev = (void *)node - bpf_core_field_offset(struct net_device, dev_list);
	char name[SR_IFNAME_LEN] = {};

	if (!node || node == walk->end)
		return 1;
	BPF_CORE_READ_INTO(&name, dev, name);
	if (same_name(name, walk->name)) {
		walk->found = dev;
		return 1;
	}
	walk->node = BPF_CORE_READ(node, next);
	return 0;
}

static long device_index_next(__u32 step, struct sr_device_walk *walk)
{
	struct hlist_node *node = walk->node;
	struct net_device *dev = (void *)node - bpf_core_field_offset(struct net_device, index_hlist);

	if (!node)
		return 1;
	if (BPF_CORE_READ(dev, ifindex) == walk->ifindex) {
		walk->found = dev;
		return 1;
	}
	walk->node = BPF_CORE_READ(node, next);
	return 0;
}

// SOCK_PACKET names its interface.
static __always_inline struct net_device *device_by_name(struct net *net, const char *name)
{
	struct list_head *head = (void *)net + bpf_core_field_offset(struct net, dev_base_head);
	struct sr_device_walk walk = {.node = BPF_CORE_READ(head, next), .end = head};

	__builtin_memcpy(walk.name, name, sizeof(walk.name));
	bpf_loop(SR_DEVICES_OF_NAME, device_name_next, &walk, 0);
	return walk.found;
}

static __always_inline struct net_device *device_by_index(struct net *net, int ifindex)
{
	struct hlist_head *heads = BPF_CORE_READ(net, dev_index_head);
	struct sr_device_walk walk = {.ifindex = ifindex};

	bpf_probe_read_kernel(&walk.node, sizeof(walk.node), heads + (ifindex & (SR_DEVICE_HASH - 1)));
	bpf_loop(SR_DEVICES_OF_INDEX, device_index_next, &walk, 0);
	return walk.found;
}

#endif
