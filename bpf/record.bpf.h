// The life of a send's record: when it leaves for user space. One record a send: it leaves when the outermost hooked
// function returns, or when the next send of the same task begins (sendmmsg).
#ifndef SOCKRAY_BPF_RECORD_H
#define SOCKRAY_BPF_RECORD_H

#include "task.bpf.h"

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

#endif
