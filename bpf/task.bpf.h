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

#include "read.bpf.h"

// Written by user space while the programs run.
__u32 mode = SR_MODE_OFF;
__u32 check_tid = 0;
__u32 check_stacks = 0; // the check sends tell who called packet_sendmsg

// A function that the verifier walks through once in each program, with nothing known of its arguments, and not once for each way
// that leads to it (kernel/bpf/btf.c: btf_prepare_func_args). It takes memory of the programs' own, whose address it must hold
// against NULL before anything else, and numbers.
#define SR_ALONE __noinline int

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

// Whether a call had a socket to itself (calls.bpf.h), as it saw it when it looked last.
struct sr_alone {
	__u32 place; // in `calls`
	__u32 begun;
	__u32 alone; // no other call was there
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
	__u32 ring_inside; // the open send is a call on a TX ring
	__u32 ring_next; // place in the TX ring of the frame that comes next, if `ring_losing`; else of the call's first one
	__u32 ring_losing; // frames that are passed over without a sign can be told by the ring's head
	__u32 ring_ready;  // with `ring_losing`: the frame at the head was to be sent when the call began
	__u32 queued_below; // the queue of a device below has, or had, the frame of the open send
	__u32 ring_head; // as the last look at it found it (ring_look)
	__u32 ring_overlapped; // with `ring_losing`: some may have been, and another call moved the head as well
	struct sr_alone ring_alone; // with `ring_inside`
	__u32 pad;
	__u64 ring_alloc;  // when the allocation of a TX ring's next frame began, 0: none is under way
	__u64 ring_slept;  // when that fell asleep, 0: it has not
	__u64 sock; // struct sock of the open send
	__u64 socket_at; // its struct socket
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
	struct sr_span outer[SR_SLOT_OUTER]; // the first two only while `entered`, the others only with their bit in `open_slots`
	struct sr_send send;
	__u32 filled; // bytes of `send` from which on all are 0: up to there it is cleared and put into the ring
	// Of the frame that went past the qdisc, freed as dropped by its receiver or by a driver: enum skb_drop_reason, 0: it was
	// not seen to be.
	__u32 freed_reason;
	__u64 freed_at;
	struct sr_socket socket;
	struct sr_pieces pieces;
	struct sr_machine machine; // runs the filter
};

// A seat for each task that sends: the one of its thread's number, or another of a few where that is taken. Where all of
// them are, its sends are lost, and counted (sends_no_storage, sockets_no_storage).
#define SR_SEATS_BITS 13
#define SR_SEATS (1 << SR_SEATS_BITS)
// Memory of the programs' own, which takes a look-up of a map less in each of them.
static struct sr_task seats[SR_SEATS];
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

// The thread's number in the initial pid namespace. A kernel without BTF has no typed task.
static __always_inline __u32 current_tid(void)
{
	return config.no_types ? (__u32)bpf_get_current_pid_tgid() : (__u32)((struct task_struct *)bpf_get_current_task_btf())->pid;
}

static __always_inline struct sr_task *seat_of(__u32 tid)
{
	return &seats[tid % SR_SEATS];
}

// Threads whose numbers have the same last bits hardly meet again in one of these (multiplicative hashing).
#define OTHER_SEATS(TRY)                                           \
	TRY(seat_of(tid * 0x9e3779b1U >> (32 - SR_SEATS_BITS)))    \
	TRY(seat_of(tid * 0x85ebca6bU >> (32 - SR_SEATS_BITS)))    \
	TRY(seat_of(tid * 0xc2b2ae35U >> (32 - SR_SEATS_BITS)))

static __noinline struct sr_task *task_elsewhere(__u32 tid)
{
	struct sr_task *t;

#define IF_ITS_OWN(seat)        \
	t = seat;               \
	if (t->tid == tid)      \
		return t;
	OTHER_SEATS(IF_ITS_OWN)
	return NULL;
}

static __always_inline struct sr_task *task_of(__u32 tid)
{
	struct sr_task *t = seat_of(tid);

	if (!tid) // the idle tasks have this number, all of them
		return NULL;
	if (t->tid == tid)
		return t;
	return *(volatile __u32 *)&displaced ? task_elsewhere(tid) : NULL;
}

// No task has a frame any more when tracing is done: what the hooks that are still there see belongs to nobody.
static __always_inline struct sr_task *task_find(void)
{
	return mode == SR_MODE_DONE ? NULL : task_of(current_tid());
}

static __noinline struct sr_task *task_sit(__u32 tid)
{
	struct sr_task *t = seat_of(tid);

	if (!__sync_val_compare_and_swap(&t->tid, 0, tid))
		return t;
#define IF_IT_IS_FREE(seat)                                               \
	t = seat;                                                         \
	if (!__sync_val_compare_and_swap(&t->tid, 0, tid)) {              \
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

#define SR_SELDOM_ASKED (1 << 20)

// Of the open send.
#define SPAN(s, slot) ((s)->span[SR_PLACE(slot)])

static __always_inline void fills(struct sr_task *t, __u32 bytes)
{
	if (t->filled < bytes)
		t->filled = bytes;
}

// To be written.
static __always_inline struct sr_span *span_of(struct sr_task *t, __u32 slot)
{
	if (SR_PLACE(slot) >= SR_PLACE(SR_SLOT_NDO))
		fills(t, SR_SEND_FRAME);
	else if (SR_PLACE(slot) >= SR_PLACE(SR_SLOT_LOOKUP))
		fills(t, SR_SEND_OUTER);
	return &SPAN(&t->send, slot);
}

// `seq`: of the record on this CPU. Of a large ring it is enough to ask now and then how full it is.
static __always_inline __u64 ring_wakeup(__u64 seq)
{
	if (config.wake_bytes >= SR_SELDOM_ASKED && seq % 8)
		return BPF_RB_NO_WAKEUP;
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= config.wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

// Offers a record to the ring, with a number that was taken before: what found no room is a gap that can be counted. False
// where there was none. Copied here word by word: bpf_ringbuf_output's copy starts a string instruction for it.
#define RING_PUT_BYTES(record, bytes)                                                     \
	({                                                                                \
		__u64 *_room = bpf_ringbuf_reserve(&ring, bytes, 0);                      \
                                                                                          \
		if (_room) {                                                              \
			__builtin_memcpy(_room, (const __u64 *)(record), bytes);          \
			bpf_ringbuf_submit(_room, ring_wakeup((record)->head.seq));       \
		}                                                                         \
		_room != NULL;                                                            \
	})
#define RING_PUT(record) RING_PUT_BYTES(record, sizeof(*(record)))

static __always_inline void head_fill(struct sr_head *head, __u32 type, __u32 size, __u64 seq)
{
	head->type = type;
	head->size = size;
	head->cpu = bpf_get_smp_processor_id();
	head->seq = seq;
}

static __always_inline __u64 socket_inode(struct socket *sock)
{
	struct socket_alloc *alloc = (void *)sock - bpf_core_field_offset(struct socket_alloc, socket);

	return READ(alloc, vfs_inode.i_ino);
}

#endif
