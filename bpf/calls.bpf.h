// Calls of one function for one socket, by several threads or CPUs: did one of them have the socket to itself? Hooks do not know:
// a call that another one's lock keeps waiting looks as if it worked, and what a socket counts meanwhile may be of both.
//
// Kept in places by the socket's address, which nobody needs to make or to give up. Where two sockets meet in one, their calls
// look as if they overlapped: what is told of them is less, and not wrong. So too where the hook on a return was skipped, until
// the thread's next call.
#ifndef SOCKRAY_BPF_CALLS_H
#define SOCKRAY_BPF_CALLS_H

#include "task.bpf.h"

#define SR_CALLS_BITS 12

struct sr_calls {
	__u32 begun;
	__u32 ended;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << SR_CALLS_BITS);
	__type(key, __u32);
	__type(value, struct sr_calls);
} calls SEC(".maps");

static __always_inline struct sr_calls *calls_at(__u32 place)
{
	return bpf_map_lookup_elem(&calls, &place);
}

// Looks anew.
static __always_inline void alone_look(struct sr_alone *a)
{
	volatile struct sr_calls *c = calls_at(a->place);

	if (!c)
		return;
	a->begun = c->begun; // before `ended`: one that begins in between shows in still_alone()
	a->alone = c->ended + 1 == a->begun;
}

static __always_inline void call_begin(struct sr_alone *a, __u64 sock)
{
	struct sr_calls *c;

	a->place = sock * 0x9e3779b97f4a7c15ULL >> (64 - SR_CALLS_BITS);
	c = calls_at(a->place);
	if (!c)
		return;
	a->begun = __sync_fetch_and_add(&c->begun, 1) + 1;
	a->alone = *(volatile __u32 *)&c->ended + 1 == a->begun;
}

static __always_inline void call_end(const struct sr_alone *a)
{
	struct sr_calls *c = calls_at(a->place);

	if (c)
		__sync_fetch_and_add(&c->ended, 1);
}

// Nobody else was there since the call looked. What is to be of this call alone is read before it is asked, or another call may
// begin in between and be taken for it.
static __always_inline bool still_alone(const struct sr_alone *a)
{
	struct sr_calls *c = calls_at(a->place);

	// With a barrier: not before what was read.
	return c && a->alone && __sync_fetch_and_add(&c->begun, 0) == a->begun;
}

#endif
