// What all programs share: settings, counters, the ring, and the frame that each task has while it is inside socket() or a
// send. A send can sleep and migrate, so its state belongs to the task and never to the CPU. It is found by the thread's
// number, and not by task storage, which takes each hook 90 instructions more; edges.bpf.h takes it away when the thread
// ends, so a task that dies inside a send leaves nothing behind.
#ifndef SOCKRAY_BPF_TASK_H
#define SOCKRAY_BPF_TASK_H

#include <linux/bpf.h>
#include <linux/ptrace.h>

#include "../vmlinux/kernel.h"
#include "records.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SR_READ(to, size, from) bpf_probe_read_kernel(to, size, (void *)(from))
#include "classic.h"

const volatile struct sr_config config = {};

// Written by user space while the programs run.
__u32 mode = SR_MODE_OFF;
__u32 check_tid = 0;
__u32 check_stacks = 0; // the check sends tell who called packet_sendmsg

// sr_task.state
#define SR_IDLE 0
#define SR_IGNORED 1  // inside a send that the filter refused: its return is not an unopened one
#define SR_OPEN 2     // inside packet_sendmsg
#define SR_RETURNED 3 // packet_sendmsg has returned; the record waits for the functions around it to return

// How far the bytes of a frame have been taken (pieces.bpf.h).
struct sr_pieces {
	struct sr_piece head; // of each
	__u64 info;  // struct skb_shared_info
	__u64 from;  // what is read next, 0: the next fragment says it
	__u32 rest;  // bytes that lie there
	__u32 frag;  // the next fragment
	__u32 frags;
	__u32 want;  // of the whole frame
};

struct sr_task {
	__u32 tid;   // whose this is, in the initial pid namespace; 0: nobody's
	__u32 tgid;
	__u32 state;
	__u32 entered;  // SR_STAGE_* of the entry function that the task is in, 0: none
	__u32 in_create;
	__u32 open_slots; // bit a slot: functions around packet_sendmsg that have not returned yet
	__u32 driver_list; // dev_hard_start_xmit was given several frames
	__u32 tracked;	   // the frame of the open send is, or was, in the map of flights
	__u32 filtered;	   // the filter does not want the frame of the open send: it leaves no record
	__u32 ring_next; // place in the TX ring of the frame that comes next, if `ring_losing`
	__u32 ring_losing; // frames that are passed over without a sign can be told by the ring's head
	__u32 ring_ready;  // with `ring_losing`: the frame at the head was to be sent when the call began
	__u32 queued_below; // the queue of a device below has, or had, the frame of the open send
	__u32 pad;
	__u64 ring_alloc;  // when the allocation of a TX ring's next frame began, 0: none is under way
	__u64 ring_slept;  // when that fell asleep, 0: it has not
	__u64 sock; // struct sock of the open send
	__u64 msg;  // struct msghdr of the open send
	__u64 skb;  // the frame of the open send, once it is known
	__u64 dev;  // struct net_device of the open send, once it is known
	__u64 tap_dev; // the device whose taps the frame of the open send came by first, 0: none yet
	__u64 driver_ret_at; // where dev_hard_start_xmit will store its result
	__u64 res_at;        // where __sock_create will store the socket
	__u16 xmit_depth;    // devices can be stacked: only the outermost pass is timed
	__u16 xmit_mine;
	__u16 driver_depth;
	__u16 driver_mine;
	struct sr_span outer[SR_SLOT_OUTER];
	struct sr_send send;
	struct sr_socket socket;
	struct sr_pieces pieces;
	struct sr_machine machine; // runs the filter
};

// A seat for each task that sends: the one of its thread's number, or another of a few where that is taken. Where all of
// them are, its sends are lost, and counted (sends_no_storage, sockets_no_storage).
#define SR_SEATS_BITS 13
#define SR_SEATS (1 << SR_SEATS_BITS)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SR_SEATS);
	__type(key, __u32);
	__type(value, struct sr_task);
} seats SEC(".maps");
__u32 displaced = 0; // tasks on another seat: nobody looks there while there are none

// With config.follow: the processes (thread groups) that descend from that one.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u8);
} followed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); // set by user space
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); // one for each possible CPU: set by user space
	__type(key, __u32);
	__type(value, struct sr_counters);
} counters SEC(".maps");

static __always_inline struct sr_counters *cpu_counters(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

// An interrupt may count on the same CPU in between, so the increment is atomic; the line is never shared.
#define COUNT_MORE(field, more)                                      \
	({                                                           \
		struct sr_counters *_c = cpu_counters();             \
		_c ? __sync_fetch_and_add(&_c->field, more) : 0ULL;  \
	})
#define COUNT(field) COUNT_MORE(field, 1)

static __always_inline struct sr_task *seat_at(__u32 seat)
{
	return bpf_map_lookup_elem(&seats, &seat);
}

static __always_inline struct sr_task *seat_of(__u32 tid)
{
	return seat_at(tid % SR_SEATS);
}

// Threads whose numbers have the same last bits hardly meet again in one of these (multiplicative hashing).
#define OTHER_SEATS(TRY)                                           \
	TRY(seat_at(tid * 0x9e3779b1U >> (32 - SR_SEATS_BITS)))    \
	TRY(seat_at(tid * 0x85ebca6bU >> (32 - SR_SEATS_BITS)))    \
	TRY(seat_at(tid * 0xc2b2ae35U >> (32 - SR_SEATS_BITS)))

static __noinline struct sr_task *task_elsewhere(__u32 tid)
{
	struct sr_task *t;

#define IF_ITS_OWN(seat)        \
	t = seat;               \
	if (t && t->tid == tid) \
		return t;
	OTHER_SEATS(IF_ITS_OWN)
	return NULL;
}

static __always_inline struct sr_task *task_of(__u32 tid)
{
	struct sr_task *t = seat_of(tid);

	if (!tid) // the idle tasks have this number, all of them
		return NULL;
	if (t && t->tid == tid)
		return t;
	return *(volatile __u32 *)&displaced ? task_elsewhere(tid) : NULL;
}

// No task has a frame any more when tracing is done: what the hooks that are still there see belongs to nobody.
static __always_inline struct sr_task *task_find(void)
{
	return mode == SR_MODE_DONE ? NULL : task_of(bpf_get_current_pid_tgid());
}

static __noinline struct sr_task *task_sit(__u32 tid)
{
	struct sr_task *t = seat_of(tid);

	if (t && !__sync_val_compare_and_swap(&t->tid, 0, tid))
		return t;
#define IF_IT_IS_FREE(seat)                                               \
	t = seat;                                                         \
	if (t && !__sync_val_compare_and_swap(&t->tid, 0, tid)) {         \
		__sync_fetch_and_add(&displaced, 1);                      \
		return t;                                                 \
	}
	OTHER_SEATS(IF_IT_IS_FREE)
	return NULL;
}

static __always_inline struct sr_task *task_make(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct sr_task *t = task_of(id);

	if (t || !(__u32)id)
		return t;
	t = task_sit(id);
	if (t)
		t->tgid = id >> 32;
	return t;
}

// Gives up the seat of a thread that has ended, has another number from now on, or sends what nobody asked for.
static __always_inline void task_leave(struct sr_task *t)
{
	if (t != seat_of(t->tid))
		__sync_fetch_and_sub(&displaced, 1);
	__builtin_memset(&t->tgid, 0,
			 __builtin_offsetof(struct sr_task, send) - __builtin_offsetof(struct sr_task, tgid));
	__sync_lock_test_and_set(&t->tid, 0); // the next one finds it empty
}

static __always_inline bool is_check(void)
{
	return check_tid && (__u32)bpf_get_current_pid_tgid() == check_tid;
}

// A process descends from config.follow, with all its threads (the workers of io_uring come without sched_process_fork,
// kernel/fork.c: create_io_thread).
static __always_inline bool is_followed(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&followed, &tgid);
}

// The filters that only need the current task.
static __always_inline bool task_wanted(void)
{
	if (config.filter_tgid && bpf_get_current_pid_tgid() >> 32 != config.filter_tgid)
		return false;
	if (config.filter_comm[0]) {
		char comm[SR_COMM_LEN];

		bpf_get_current_comm(comm, sizeof(comm));
		for (int i = 0; i < SR_COMM_LEN; i++) {
			if (comm[i] != config.filter_comm[i])
				return false;
			if (!comm[i])
				break;
		}
	}
	return !config.follow || is_followed();
}

static __always_inline __u64 ring_wakeup(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= config.wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

// Offers a record to the ring, with a number that was taken before: what found no room is a gap that can be counted. False
// where there was none. Copied here word by word: bpf_ringbuf_output's copy starts a string instruction for it.
#define RING_PUT(record)                                                                  \
	({                                                                                \
		typeof(record) _room = bpf_ringbuf_reserve(&ring, sizeof(*(record)), 0);  \
                                                                                          \
		if (_room) {                                                              \
			__builtin_memcpy(_room, record, sizeof(*(record)));               \
			bpf_ringbuf_submit(_room, ring_wakeup());                         \
		}                                                                         \
		_room != NULL;                                                            \
	})

static __always_inline void head_fill(struct sr_head *head, __u32 type, __u32 size, __u64 seq)
{
	head->type = type;
	head->size = size;
	head->cpu = bpf_get_smp_processor_id();
	head->seq = seq;
}

// What `p` points to. `typed`, a constant: the verifier knows p's type from the kernel's BTF, as of the arguments of fentry, and
// lets it be followed by a plain load; else each step is a call that copies.
#define FETCH(typed, p, field) ((typed) ? (p)->field : BPF_CORE_READ(p, field))

static __always_inline __u64 socket_inode(struct socket *sock)
{
	struct socket_alloc *alloc = (void *)sock - bpf_core_field_offset(struct socket_alloc, socket);

	return BPF_CORE_READ(alloc, vfs_inode.i_ino);
}

#endif
