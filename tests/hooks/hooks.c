#include "tests/hooks/hooks.h"

#include <string.h>

#include "bpf/frame.bpf.h"
#include "bpf/driver.bpf.h"
#include "bpf/edges.bpf.h"
#include "bpf/freed.bpf.h"
#include "bpf/receive.bpf.h"
#include "bpf/segments.bpf.h"
#include "bpf/send.bpf.h"

enum { most_frames = 64, most_records = 4096, most_flights = 256, frame_bytes_each = 256 };

static struct {
	__u64 now;
	__u32 thread;
	struct sr_counters counters;
	__u32 cpu;
	struct sr_passages passages[2];
	struct sr_offer offers[2];
	struct {
		__u64 key; // 0: free
		struct sr_flight value;
	} flights[most_flights];
	struct sr_send sends[most_records];
	struct sr_frame frames[most_records];
	unsigned send_count, frame_count;

	struct task_struct task;
	struct socket socket;
	struct proto_ops ops;
	struct file file;
	struct inode inode;
	struct packet_sock po, other_po, receiver;
	struct packet_type receiving;
	struct msghdr msg;
	struct net_device devices[2];
	struct net_device_ops device_ops;
	struct netdev_queue queues[2];
	struct Qdisc qdiscs[2];
	struct Qdisc_ops qdisc_ops;
	struct sk_buff skbs[most_frames];
	char heads[most_frames][1024];
	struct pgv pages[most_frames];
	char ring[most_frames][frame_bytes_each];
	int driver_ret;
	struct tpacket_uarg___held held[most_frames];
	int losing;
	int redirected;
	int holds;
	struct sr_calls calls[1 << SR_CALLS_BITS];
	__u64 room[sizeof(struct sr_send) / 8]; // in the ring, for the record that is being written
} host;

// What is behind `filled` is 0 in each task's record: it is neither cleared nor put into the ring.
static int nothing_behind(const struct sr_task *t)
{
	if (!t->tid && !t->filled)
		return 1;
	for (const char *at = (const char *)&t->send + t->filled; at < (const char *)(&t->send + 1); at++)
		if (*at)
			return 0;
	return 1;
}

// ---- the helpers

__u64 bpf_ktime_get_ns(void) { return ++host.now; }
__u64 bpf_get_current_pid_tgid(void) { return 5ULL << 32 | host.thread; }
__u64 bpf_get_current_uid_gid(void) { return 0; }
__u32 bpf_get_smp_processor_id(void) { return host.cpu; }
struct task_struct *bpf_get_current_task_btf(void)
{
	host.task.pid = host.thread;
	host.task.tgid = 5;
	return &host.task;
}

__u64 bpf_get_current_task(void) { return (__u64)&host; }
void *bpf_task_pt_regs(struct task_struct *task) { return &host; }
long bpf_get_stack(void *ctx, void *to, __u32 size, __u64 flags) { return 0; }
__u64 bpf_ringbuf_query(void *map, __u64 flags) { return 0; }
void *bpf_ringbuf_reserve(void *map, __u64 size, __u64 flags) { return size <= sizeof(host.room) ? host.room : NULL; }

void bpf_ringbuf_submit(void *record, __u64 flags)
{
	const struct sr_head *head = record;

	if (head->type == SR_RECORD_SEND && host.send_count < most_records)
		memcpy(&host.sends[host.send_count++], record, head->size);
	if (head->type == SR_RECORD_FRAME && host.frame_count < most_records)
		memcpy(&host.frames[host.frame_count++], record, sizeof(struct sr_frame));
}

long bpf_get_current_comm(void *to, __u32 size)
{
	memset(to, 0, size);
	return 0;
}

void *bpf_map_lookup_elem(void *map, const void *key)
{
	if (map == &counters)
		return &host.counters;
	if (map == &calls)
		return &host.calls[*(const __u32 *)key];
	if (map == &passages)
		return &host.passages[host.cpu];
	if (map == &offers)
		return &host.offers[host.cpu];
	if (map == &flights)
		for (int i = 0; i < most_flights; i++)
			if (host.flights[i].key == *(const __u64 *)key)
				return &host.flights[i].value;
	return NULL;
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	struct sr_flight *there = bpf_map_lookup_elem(map, key);

	if (map != &flights)
		return -1;
	if (there && flags == BPF_NOEXIST)
		return -17;
	for (int i = 0; !there && i < most_flights; i++)
		if (!host.flights[i].key) {
			host.flights[i].key = *(const __u64 *)key;
			there = &host.flights[i].value;
		}
	if (!there)
		return -7;
	memcpy(there, value, sizeof(*there));
	return 0;
}

long bpf_map_delete_elem(void *map, const void *key)
{
	for (int i = 0; map == &flights && i < most_flights; i++)
		if (host.flights[i].key == *(const __u64 *)key) {
			host.flights[i].key = 0;
			return 0;
		}
	return -2;
}

long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	if ((__u64)from < 4096) {
		memset(to, 0, size);
		return -14;
	}
	memcpy(to, from, size);
	return 0;
}

long bpf_probe_read_user(void *to, __u32 size, const void *from) { return bpf_probe_read_kernel(to, size, from); }

long hooks_loop(__u32 times, long (*step)(__u32, void *), void *context)
{
	for (__u32 i = 0; i < times; i++)
		if (step(i, context))
			return i + 1;
	return times;
}

// A kernel before the flags of packet sockets: bits, and a plain mutex, which is at the socket's first bytes here (they are
// 0: nobody holds it).
int hooks_exists(const char *field)
{
	if (!strcmp(field, "held->ph"))
		return host.holds;
	return !strcmp(field, "bits->tp_loss") || !strcmp(field, "skb->redirected") || !strcmp(field, "plain->pg_vec_lock.owner");
}

int hooks_bit(const char *field)
{
	return (host.losing && !strcmp(field, "tp_loss")) || (host.redirected && !strcmp(field, "redirected"));
}

// ---- the kernel

static int keeps(struct sk_buff *skb, struct Qdisc *qdisc, struct sk_buff **rest) { return 0; }

void hooks_reset(void)
{
	for (unsigned i = 0; i < SR_SEATS; i++)
		if (seats[i].tid || seats[i].filled)
			memset(&seats[i], 0, sizeof(seats[i]));
	memset(&host, 0, sizeof(host));
	host.thread = 5;
	flying = 0;
	displaced = 0;
	mode = SR_MODE_ARMED;
	((struct sr_config *)&config)->stages = ~0ULL & ~(1ULL << SR_STAGE_FREED);
	host.socket.sk = &host.po.sk;
	host.socket.ops = &host.ops;
	host.socket.file = &host.file;
	host.socket.type = 3;
	host.file.f_inode = &host.inode;
	host.po.ifindex = 1;
	host.receiving.af_packet_priv = &host.receiver;
	strcpy(host.qdisc_ops.id, "netem");
	for (int i = 0; i < 2; i++) {
		strcpy(host.devices[i].name, i ? "vlan7" : "eth0");
		host.devices[i].ifindex = i + 1;
		host.devices[i]._tx = &host.queues[i];
		host.devices[i].real_num_tx_queues = 1;
		host.devices[i].netdev_ops = &host.device_ops;
		host.devices[i].qdisc = host.queues[i].qdisc = &host.qdiscs[i];
		host.qdiscs[i].ops = &host.qdisc_ops;
	}
	for (int i = 0; i < most_frames; i++) {
		struct sk_buff *skb = &host.skbs[i];

		skb->sk = &host.po.sk;
		skb->dev = &host.devices[0];
		skb->len = 60;
		skb->head = skb->data = (void *)host.heads[i];
		skb->end = 512;
	}
	hooks_ring_held(0);
}

void hooks_ring_held(int held)
{
	host.holds = held;
	for (int i = 0; i < most_frames; i++) {
		struct skb_shared_info *info = (void *)(host.heads[i] + 512);

		host.held[i].ph = host.ring[i];
		info->destructor_arg = held ? (void *)&host.held[i].ubuf : (void *)((__u64)host.ring[i] | 1);
	}
}

void hooks_thread(unsigned tid) { host.thread = tid; }
void hooks_thread_ends(void) { thread_gone(host.thread, 5); }
void hooks_thread_was(unsigned before) { thread_gone(before, 5); }
unsigned hooks_displaced(void) { return displaced; }
unsigned hooks_seats(void) { return SR_SEATS; }
void hooks_refuse(int refused) { ((struct sr_config *)&config)->filter_netns = refused ? 1 : 0; }

void hooks_sweep(void)
{
	mode = SR_MODE_DONE;
	sweep(NULL);
}

void hooks_ring(unsigned frames, int losing)
{
	host.losing = losing;
	host.po.tx_ring.pg_vec = host.pages;
	host.po.tx_ring.frames_per_block = 1;
	host.po.tx_ring.frame_size = frame_bytes_each;
	host.po.tx_ring.frame_max = frames - 1;
	for (unsigned i = 0; i < frames; i++) {
		host.pages[i].buffer = host.ring[i];
		*(__u32 *)host.ring[i] = SR_TP_STATUS_SEND_REQUEST;
	}
}

void hooks_ring_status(unsigned status) { *(__u32 *)host.ring[host.po.tx_ring.head] = status; }

void hooks_ring_taken_away(void)
{
	host.po.tx_ring.pg_vec = NULL;
	host.po.tx_ring.head = 0;
	host.po.tx_ring.frames_per_block = 0;
	host.po.tx_ring.frame_max = -1;
}

void hooks_ring_step(void)
{
	struct packet_ring_buffer *ring = &host.po.tx_ring;

	*(__u32 *)host.ring[ring->head] = 0;
	ring->head = ring->head == ring->frame_max ? 0 : ring->head + 1;
}

void hooks_device(int frame, int vlan) { host.skbs[frame].dev = &host.devices[vlan]; }
void hooks_queue(int does_keep) { host.qdiscs[0].enqueue = does_keep ? (void *)keeps : NULL; }

void hooks_gso(int frame)
{
	struct skb_shared_info *info = (void *)(host.heads[frame] + 512);

	info->gso_size = 20;
}

void hooks_freed_too(int asked)
{
	struct sr_config *c = (struct sr_config *)&config;

	c->stages = asked ? ~0ULL : ~0ULL & ~(1ULL << SR_STAGE_FREED);
}

void hooks_sendmsg(void)
{
	on_packet_sendmsg_enter(NULL, SR_STAGE_PACKET_SENDMSG, &host.socket, &host.msg, 60, false);
}

void hooks_sendmsg_done(long ret) { on_packet_sendmsg_exit(ret); }
void hooks_alloc(void) { on_alloc_enter(&host.po.sk); }
void hooks_alloc_done(int frame) { on_alloc_exit(NULL, frame < 0 ? NULL : &host.skbs[frame]); }

static __u32 xmit_stage(int bypass) { return bypass ? SR_STAGE_DIRECT_XMIT : SR_STAGE_QUEUE_XMIT; }

void hooks_xmit(int frame, int bypass) { on_xmit_enter(xmit_stage(bypass), &host.skbs[frame], 0, false); }
void hooks_xmit_done(int bypass, int ret) { on_xmit_exit(xmit_stage(bypass), ret); }

void hooks_driver(int frame)
{
	host.driver_ret = -1;
	on_driver_enter(&host.skbs[frame], &host.driver_ret, false);
}

void hooks_driver_done(int ret)
{
	host.driver_ret = ret;
	on_driver_exit(NULL);
}

void hooks_given(int frame) { driver_given(&host.skbs[frame], host.skbs[frame].dev); }
void hooks_taken(int frame, int ret) { driver_took(&host.skbs[frame], ret); }

void hooks_segmented(int frame, int first, int count)
{
	on_segment_enter(&host.skbs[frame]);
	for (int i = 0; i < count; i++)
		host.skbs[first + i].next = i + 1 < count ? &host.skbs[first + i + 1] : NULL;
	on_segment_exit(&host.skbs[first]);
	for (int i = 0; i < count; i++)
		host.skbs[first + i].next = NULL;
	skb_consumed(&host.skbs[frame]);
}

// __dev_forward_skb, __netif_receive_skb_core
void hooks_received(int frame)
{
	host.skbs[frame].dev = &host.devices[1];
	host.skbs[frame].sk = NULL;
	host.skbs[frame].skb_iif = host.devices[1].ifindex;
}

void hooks_cloned(int frame, int of, int redirected)
{
	host.redirected = redirected;
	host.skbs[frame].head = host.skbs[of].head;
	host.skbs[frame].end = host.skbs[of].end;
	host.skbs[frame].dev = &host.devices[1];
	host.skbs[frame].sk = NULL;
}

void hooks_reused(int frame)
{
	host.skbs[frame].dev = &host.devices[0];
	host.skbs[frame].sk = NULL;
	host.skbs[frame].skb_iif = 0;
}

void hooks_reused_by_another(int frame)
{
	hooks_reused(frame);
	host.skbs[frame].sk = &host.other_po.sk;
}

void hooks_freed(int frame, unsigned reason)
{
	if (reason)
		skb_freed(&host.skbs[frame], NULL, reason);
	else
		skb_consumed(&host.skbs[frame]);
}

void hooks_cpu(unsigned cpu) { host.cpu = cpu; }
void hooks_receive(int frame) { on_receive_enter(SR_STAGE_PACKET_RCV, &host.skbs[frame], &host.receiving); }

void hooks_receive_done(unsigned taken, unsigned dropped)
{
	host.receiver.stats.stats1.tp_packets += taken;
	host.receiver.tp_drops.counter += dropped;
	on_receive_exit();
}

int hooks_cut_is_empty(void)
{
	for (unsigned i = 0; i < SR_SEATS; i++)
		if (!nothing_behind(&seats[i]))
			return 0;
	return 1;
}

unsigned hooks_sends(const struct sr_send **sends)
{
	*sends = host.sends;
	return host.send_count;
}

unsigned hooks_frames(const struct sr_frame **frames)
{
	*frames = host.frames;
	return host.frame_count;
}

unsigned hooks_flights(void) { return flying; }

const struct sr_counters *hooks_counters(void) { return &host.counters; }
