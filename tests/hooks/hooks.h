// The hooks of bpf/, compiled for this machine: what they make of the kernel's steps, and of steps whose hook was skipped,
// which no kernel does when a test wants it. Threads of one process, two CPUs, one packet socket that sends and one that receives, `eth0` and above it `vlan7`.
#pragma once

#include "bpf/records.h"

#ifdef __cplusplus
extern "C" {
#endif

// All as at the start. The ring has room for everything.
void hooks_reset(void);

// Who does what follows: thread 5 at the start. It ends; it has another number than `before` since its exec().
void hooks_thread(unsigned tid);
void hooks_thread_ends(void);
void hooks_thread_was(unsigned before);
// Threads that have another seat than that of their number, of so many seats.
unsigned hooks_displaced(void);
unsigned hooks_seats(void);
// Sends are of another network namespace than the one that is traced.
void hooks_refuse(int refused);
// The end of tracing.
void hooks_sweep(void);

// Steps of the kernel. `frame` is a number of the caller's, below 64.
void hooks_sendmsg(void);          // packet_sendmsg begins
void hooks_sendmsg_done(long ret); // and returns
void hooks_alloc(void);            // sock_alloc_send_pskb begins
void hooks_alloc_done(int frame);  // and returns this frame; -1: none
void hooks_xmit(int frame, int bypass); // __dev_queue_xmit or __dev_direct_xmit begins
void hooks_xmit_done(int bypass, int ret);
void hooks_driver(int frame); // dev_hard_start_xmit begins
void hooks_driver_done(int ret);
void hooks_given(int frame); // the tracepoints net_dev_start_xmit and net_dev_xmit
void hooks_taken(int frame, int ret);
void hooks_received(int frame); // by the other end of eth0, which is a device of its own
void hooks_segmented(int frame, int first, int count); // __skb_gso_segment: these frames in its place
void hooks_freed(int frame, unsigned reason); // kfree_skb with this reason; 0: consume_skb
// Another skb has this one's address now: of nobody's that is traced and on its way out, or of another packet socket.
void hooks_reused(int frame);
void hooks_reused_by_another(int frame);

// `frame` is a clone of `of`, on the other device: what tc's mirred gives to that one, to redirect or to mirror `of`.
void hooks_cloned(int frame, int of, int redirected);

// The socket has a TX ring of so many frames, with PACKET_LOSS; all are to be sent.
void hooks_ring(unsigned frames, int losing);
// How a frame's skb refers to its frame of the ring: directly, or by what the kernel keeps of that.
void hooks_ring_held(int held);
// The status of the frame at the ring's head; the ring is taken away, as by PACKET_TX_RING without frames.
void hooks_ring_status(unsigned status);
void hooks_ring_taken_away(void);
// tpacket_snd has finished with the frame at the ring's head.
void hooks_ring_step(void);
// `frame` is on this device: 0 eth0, 1 vlan7. eth0's queue keeps frames, or the device has none.
void hooks_device(int frame, int vlan);
void hooks_queue(int keeps);
// It is to be cut up. The end of each skb is asked for too (--stages full); not at the start.
void hooks_gso(int frame);
void hooks_freed_too(int asked);

// The CPU that what follows is on: 0 or 1, and 0 at the start.
void hooks_cpu(unsigned cpu);
// A packet socket is offered the frame (packet_rcv); at the return it has counted so many as taken and dropped.
void hooks_receive(int frame);
void hooks_receive_done(unsigned taken, unsigned dropped);

// Of no thread's record anything but zeros would be cut off.
int hooks_cut_is_empty(void);

// The records of sends so far, as they are in the ring; behind the size that its head says each is 0. Valid until the next
// hooks_reset().
unsigned hooks_sends(const struct sr_send **sends);
unsigned hooks_frames(const struct sr_frame **frames);
// Frames that are followed now.
unsigned hooks_flights(void);
const struct sr_counters *hooks_counters(void);

#ifdef __cplusplus
}
#endif
