// What the kernel side says to user space: the layout of every record, counter and setting that both share.
//
// Included by bpf/*.bpf.c (C, target bpf) and by user/decode and user/probe (C++). Only fixed-width kernel types,
// explicit padding and no pointers, so that both sides and both architectures agree; the asserts at the end hold
// them to it. All times are nanoseconds of CLOCK_MONOTONIC, all addresses are kernel addresses, 0 means "not seen".
#ifndef SOCKRAY_BPF_RECORDS_H
#define SOCKRAY_BPF_RECORDS_H

#include <linux/types.h>

#define SR_COMM_LEN 16   // TASK_COMM_LEN
#define SR_IFNAME_LEN 16 // IFNAMSIZ
#define SR_QDISC_LEN 16  // IFNAMSIZ: Qdisc_ops.id
#define SR_STACK_DEPTH 12
#define SR_VNET_LEN 10 // sizeof(struct virtio_net_hdr)
#define SR_RECEIVERS_MOST 16 // of a frame that are named while its send is open

// Stages. The numbers travel in records: append, never renumber. Names and nesting: user/base/stage.cpp.
#define SR_STAGE_NONE 0
#define SR_STAGE_SOCK_CREATE 1        // __sock_create
#define SR_STAGE_PACKET_CREATE 2      // packet_create
#define SR_STAGE_SYS_SENDTO 3         // __sys_sendto
#define SR_STAGE_SYS_SENDMSG 4        // __sys_sendmsg
#define SR_STAGE_SYS_SENDMMSG 5       // __sys_sendmmsg
#define SR_STAGE_SOCK_WRITE_ITER 6    // sock_write_iter
#define SR_STAGE_SOCKFD_LOOKUP 7      // sockfd_lookup_light
#define SR_STAGE_SOCK_SENDMSG 8       // sock_sendmsg
#define SR_STAGE_SOCK_SENDMSG_INNER 9 // __sock_sendmsg
#define SR_STAGE_PACKET_SENDMSG 10    // packet_sendmsg
#define SR_STAGE_PACKET_SENDMSG_SPKT 11
#define SR_STAGE_PACKET_SND 12
#define SR_STAGE_TPACKET_SND 13
#define SR_STAGE_ALLOC 14         // sock_alloc_send_pskb
#define SR_STAGE_QUEUE_XMIT 15    // __dev_queue_xmit
#define SR_STAGE_DIRECT_XMIT 16   // __dev_direct_xmit
#define SR_STAGE_START_XMIT 17    // dev_hard_start_xmit
#define SR_STAGE_COPY 18          // skb_copy_datagram_from_iter
#define SR_STAGE_PARSE 19         // packet_parse_headers
#define SR_STAGE_PACKET_XMIT 20   // packet_xmit
#define SR_STAGE_ENQUEUE 21       // tracepoint qdisc_enqueue
#define SR_STAGE_DEQUEUE 22       // tracepoint qdisc_dequeue
#define SR_STAGE_NDO 23           // ndo_start_xmit: between the tracepoints net_dev_start_xmit and net_dev_xmit
#define SR_STAGE_PACKET_RCV 24    // packet_rcv
#define SR_STAGE_TPACKET_RCV 25   // tpacket_rcv
#define SR_STAGE_FREED 26         // the skb's end: tracepoints consume_skb and kfree_skb
#define SR_STAGE_WAIT 27          // schedule_timeout, from sock_wait_for_wmem
#define SR_STAGE_COUNT 28

// A send passes at most one stage of each slot (the outermost, where devices are stacked).
#define SR_SLOT_ENTRY 0   // how user space came in: __sys_sendto, __sys_sendmsg, __sys_sendmmsg, sock_write_iter
#define SR_SLOT_LOOKUP 1  // sockfd_lookup_light
#define SR_SLOT_SOCK 2    // sock_sendmsg
#define SR_SLOT_INNER 3   // __sock_sendmsg
#define SR_SLOT_SENDMSG 4 // packet_sendmsg, packet_sendmsg_spkt
#define SR_SLOT_BODY 5    // packet_snd, tpacket_snd; no end of its own: it ends with packet_sendmsg
#define SR_SLOT_ALLOC 6   // sock_alloc_send_pskb
#define SR_SLOT_WAIT 7    // asleep in the allocation: ends with it
#define SR_SLOT_COPY 8    // skb_copy_datagram_from_iter
#define SR_SLOT_PARSE 9   // packet_parse_headers
#define SR_SLOT_PACKET_XMIT 10
#define SR_SLOT_XMIT 11    // __dev_queue_xmit, __dev_direct_xmit
#define SR_SLOT_ENQUEUE 12 // a moment, start == end
#define SR_SLOT_DEQUEUE 13 // a moment
#define SR_SLOT_DRIVER 14  // dev_hard_start_xmit
#define SR_SLOT_NDO 15     // the driver's own function
#define SR_SLOT_RECEIVE 16 // packet_rcv, tpacket_rcv: a moment, of the first packet socket that was offered the frame
#define SR_SLOT_FREED 17   // a moment
#define SR_SLOT_COUNT 18
#define SR_SLOT_OUTER 4 // slots below this one begin before packet_sendmsg

// In which order the spans of the slots stand in the ring.
static const __u8 sr_place[SR_SLOT_COUNT] = {
	0 /* ENTRY */, 6 /* LOOKUP */,  7 /* SOCK */,   8 /* INNER */,        1 /* SENDMSG */, 2 /* BODY */,
	3 /* ALLOC */, 12 /* WAIT */,   13 /* COPY */,  14 /* PARSE */,       15 /* PACKET_XMIT */, 4 /* XMIT */,
	10 /* ENQUEUE */, 11 /* DEQUEUE */, 5 /* DRIVER */, 9 /* NDO */,      16 /* RECEIVE */, 17 /* FREED */,
};
#define SR_PLACE(slot) sr_place[slot]

// sr_head.type
#define SR_RECORD_SEND 1
#define SR_RECORD_SOCKET 2
#define SR_RECORD_STACK 3
#define SR_RECORD_FRAME 4
#define SR_RECORD_PIECE 5

// sr_send.flags
#define SR_SEND_TX_RING (1U << 0)   // po->tx_ring.pg_vec was set at the entry of packet_sendmsg
#define SR_SEND_RETURNED (1U << 1)  // packet_sendmsg's return was seen: ret holds
#define SR_SEND_SWEPT (1U << 2)     // still inside the kernel when tracing ended
#define SR_SEND_ADDRESS (1U << 3)   // the caller gave a destination address (msg_name)
#define SR_SEND_COOKIE (1U << 4)    // cookie was read from the frame
#define SR_SEND_DROP (1U << 5)      // kfree_skb freed the frame before a driver had taken it
#define SR_SEND_EXPLAINED (1U << 6) // the fields from `sndbuf` to `dev_type` were read (failed sends only)
#define SR_SEND_DEVICE (1U << 7)    // the device was found: ifname, mtu and the like hold
#define SR_SEND_TRACKED (1U << 8)   // the frame was followed by its skb: what is missing comes in sr_frame records
#define SR_SEND_UNTRACKED (1U << 9) // it should have been, and the map of frames was full
#define SR_SEND_SKIPPED (1U << 10)  // a frame of a TX ring that the kernel passed over (PACKET_LOSS)
#define SR_SEND_UNJUDGED (1U << 11) // the filter could not read enough of the frame to judge it
// The last frame of a call on a TX ring that waited for its frames' ends (net/packet/af_packet.c: tpacket_snd) ...
#define SR_SEND_WAIT_TIMED_OUT (1U << 12) // ... until SO_SNDTIMEO ran out: the call returned ETIMEDOUT
#define SR_SEND_WAIT_SIGNAL (1U << 13)    // ... until a signal came: it returned ERESTARTSYS
#define SR_SEND_VNET (1U << 14)           // vnet was read (failed sends only)
#define SR_SEND_PASSED_ON (1U << 15)      // a filter at the egress of the send's device (netfilter, tc) gave the frame to passed_on_to
#define SR_SEND_KILLED (1U << 16)         // ended by a signal: SIGKILL, which every fatal signal, exit_group() and exec() send to each thread

// sr_frame.kind
#define SR_FRAME_TAKEN 1     // a driver took the frame, or dropped it with its return value
#define SR_FRAME_DROPPED 2   // freed as dropped before a driver had taken it, or by the driver
#define SR_FRAME_CONSUMED 3  // freed, not as dropped, before a driver had taken it
#define SR_FRAME_SEGMENTED 4 // became `segments` frames, each of which ends for itself, and says that number again
#define SR_FRAME_FREED 5     // freed after a driver had taken it
#define SR_FRAME_RECEIVED 6  // offered to a packet socket
#define SR_FRAME_TAPPED 7    // offered to sockray's own capture; `ns` is its timestamp there, CLOCK_REALTIME
#define SR_FRAME_ALSO_RECEIVED 8 // offered to a packet socket, and counted in the record of its send, that was open

// sr_frame.received, sr_send.received
#define SR_RECEIVED_TAKEN 1    // the socket has it
#define SR_RECEIVED_FULL 2     // no room in its buffer or ring
#define SR_RECEIVED_FILTERED 3 // its filter did not want it, or it has none of this kind
#define SR_RECEIVED_UNKNOWN 4  // not known: it was offered another frame at the same time, on another CPU

struct sr_head {
	__u32 type; // SR_RECORD_*
	__u32 size; // of the whole record, bytes
	__u32 cpu;
	__u32 pad;
	__u64 seq; // of its type on this cpu, counted before room in the ring was asked for
};

struct sr_span {
	__u64 start;
	__u64 end;
};

// In the ring a send's record is cut where nothing but zeros follow: it has one of the lengths SR_SEND_SHORT to SR_SEND_LONG, and
// what most sends have stands first. For that, there and in the task's own state, span[i] is that of the slot whose SR_PLACE is i; a
// decoded one (user/decode) has its whole length, and span[slot].
struct sr_send {
	struct sr_head head;
	// Of the call. Up to `flags` all of this is written anew, what follows is cleared.
	__u32 pid; // thread group, in the initial pid namespace
	__u32 tid;
	char comm[SR_COMM_LEN];
	__u64 socket_ino; // inode of the socket: what /proc/PID/fd and `ss -e` show
	__u64 sendmsg_fn; // sock->ops->sendmsg
	__u32 netns_ino;
	__u16 sock_type; // SOCK_RAW, SOCK_DGRAM, SOCK_PACKET
	__u16 protocol;  // po->num, network byte order
	__s32 syscall; // number by the task's saved registers; of a thread of io_uring io_uring_enter's
	__u32 msg_flags;
	__u64 len; // bytes the caller asked to send
	__u64 id;  // of this send, in sr_frame.send
	__u32 msg_namelen; // bytes of the destination address
	__s32 ifindex;
	__u32 flags; // SR_SEND_*
	__u32 body_hits; // of the located instruction, for this send
	char ifname[SR_IFNAME_LEN];
	__s64 ret;    // what packet_sendmsg returned
	__u64 cookie; // the driver's own number, read from the frame
	// What became of the frame.
	__s32 xmit_ret;    // return value of the xmit stage
	__s32 driver_ret;  // *ret of dev_hard_start_xmit
	__u32 alloc_hits;  // frames allocated: at most one
	__u32 driver_hits; // frames that a driver took before the call returned: one, or `segments`
	__u32 tx_queue;    // 1 + the frame's queue_mapping, when a driver was given it; 0: not seen
	__u32 ring_frame;  // of a TX ring: 0 for the call's first frame, 1 for its second ...
	__u8 stage[24];    // SR_STAGE_* that filled each slot
	struct sr_span span[SR_SLOT_COUNT];
	// Of frames that are followed, that were dropped, or that packet sockets of this machine were offered.
	__u64 ndo_fn; // dev->netdev_ops->ndo_start_xmit
	__u64 drop_location;
	__u64 drop_ns;
	__u64 received_ino; // inode of the socket that was offered the frame first
	__u32 received;     // SR_RECEIVED_*
	__u32 receivers;    // packet sockets that were offered the frame before the call returned; all but the first have
			    // records of their own (SR_FRAME_ALSO_RECEIVED), up to SR_RECEIVERS_MOST
	__u32 freed_reason; // enum skb_drop_reason; 0: consumed
	__u32 frees;        // frames of this send that were freed, after a driver had them, before the call returned
	__u32 drops;        // frames of this send that were dropped before the call returned
	__u32 drop_reason;  // enum skb_drop_reason of the running kernel
	__u32 drop_in_driver; // the drop was seen while dev_hard_start_xmit had the frame
	__u32 driver_drops; // frames that the driver dropped by its return value alone
	__u32 segments;     // frames that the frame was cut into (GSO), 0: it was not
	__u32 frame_pad;
	// What explains a refusal; read only when the send failed, and of the queue where no driver had the frame.
	__u32 sndbuf;     // sk->sk_sndbuf, bytes
	__u32 wmem_alloc; // sk->sk_wmem_alloc, bytes, with the kernel's own bias of 1
	__u32 mtu;
	__u32 dev_flags;   // IFF_*
	__u32 msg_controllen;
	__s32 bound_ifindex; // po->ifindex; -1: the interface that the socket was bound to is gone
	__u16 hard_header_len;
	__u16 dev_type;       // ARPHRD_*
	__u8 addr_len;        // dev->addr_len
	__u8 sll_halen;       // of the destination address
	__u8 vnet_hdr;        // bytes of the virtio-net header that the socket expects before the frame
	__u8 pad;
	char qdisc[SR_QDISC_LEN]; // kind of the device's root qdisc: "pfifo_fast"
	__u32 qdisc_len;   // frames in it
	__u32 queue_state; // of the frame's transmit queue, where that is known: bits of enum netdev_queue_state_t
	__u8 vnet[SR_VNET_LEN]; // struct virtio_net_hdr as the caller gave it, little endian: of a send that failed with EINVAL
	__u8 more_pad[2];
	__u32 ring_len; // of a TX ring: tp_len of the frame that was refused with EINVAL or EMSGSIZE, 0: not known
	char passed_on_to[SR_IFNAME_LEN]; // with SR_SEND_PASSED_ON
};

struct sr_socket {
	struct sr_head head;
	__u32 pid;
	__u32 tid;
	char comm[SR_COMM_LEN];
	__u32 uid;
	__u32 netns_ino;
	__u64 socket_ino;
	__s32 family;
	__s32 sock_type;
	__s32 protocol; // as the caller gave it: network byte order
	__s32 kern;     // 1: the kernel itself asked
	__s32 ret;      // of __sock_create
	__s32 create_ret;
	__u64 net_family;        // net_families[family], read at the entry of __sock_create
	__u64 net_family_create; // its .create
	__s32 net_family_number; // its .family
	__u16 sk_family;
	__u16 po_num; // network byte order
	__u64 ops;    // sock->ops after the return
	__u64 ops_sendmsg;
	__u64 sk_destruct;
	__u32 create_seen; // packet_create was entered
	__u32 pad;
	struct sr_span create;        // __sock_create
	struct sr_span packet_create; // packet_create
};

// The callers of packet_sendmsg in sockray's own check send.
struct sr_stack {
	struct sr_head head;
	__u64 address[SR_STACK_DEPTH]; // innermost first; 0 ends it
};

// What became of a frame where it was not the sender's task any more, or no longer inside its send. Joined by `send`;
// may come before the send's own record.
struct sr_frame {
	struct sr_head head;
	__u64 send; // sr_send.id
	__u64 ns;   // when it happened
	__u32 kind; // SR_FRAME_*
	__s32 ret;  // of the driver's ndo_start_xmit
	__u64 dequeued; // when the qdisc gave it out, 0: not seen
	struct sr_span ndo;
	__u64 ndo_fn;
	__u64 drop_location;
	__u32 drop_reason; // enum skb_drop_reason; 0: consumed
	__u32 in_driver;
	__u64 socket_ino; // SR_FRAME_RECEIVED
	__u32 received;   // SR_RECEIVED_*
	__u32 stage;      // SR_STAGE_PACKET_RCV, SR_STAGE_TPACKET_RCV
	__u32 segments; // what the frame was cut into, of this one too; 0: it was not
	__u32 tx_queue; // as in sr_send
};

// Bytes of a frame as it was handed to its device: a part of `bytes` that lies together in memory, at most
// SR_PIECE_BYTES of it. The pieces of a frame stand in the ring before its send's record. head.size is that of the struct
// and of the room for the bytes behind it, of which `size` are used.
#define SR_PIECE_BYTES 4096
struct sr_piece {
	struct sr_head head;
	__u64 send;   // sr_send.id
	__u64 ns;     // when the frame was handed to its device
	__u32 length; // of the whole frame, bytes
	__u32 offset; // of these bytes in it
	__u32 size;   // so many are here
	__u16 dev_type; // ARPHRD_*
	__u16 bypass;   // 1: past the qdisc and the taps
};

// A frame that is under way: the value in the map of frames, by the address of the skb.
struct sr_flight {
	__u64 id;   // sr_send.id
	__u64 dev;  // struct net_device and struct sock of the skb: a frame that has others was passed on
	__u64 sock;
	__u64 dequeued;
	__u32 given;  // a driver was given it
	__u32 taken;  // and has taken it
	__u32 direct; // it went by __dev_direct_xmit, past the tracepoints that tell of the driver
	__u32 segments; // it is one of so many; 0: the frame is whole
	__u64 tap_dev; // struct net_device whose taps it came by first, 0: none yet
};

// One for each CPU, in the order of the CPU numbers. What they must add up to: user/correlate/ledger.h.
struct sr_counters {
	__u64 sends_begun;      // sends of wanted tasks to wanted interfaces; of a TX ring each frame that was seen, or must have been there
	__u64 sends_no_storage; // entries of packet_sendmsg of wanted tasks, to whatever interface, that found no seat for the task
	__u64 sends_unopened;   // returns of packet_sendmsg without a task frame: the entry was skipped or found no seat
	__u64 sends_emitted;    // records offered to the ring
	__u64 sends_no_room;    // of these, refused by the ring
	__u64 ring_idle;        // calls on a TX ring that took no frame from it: no sends
	__u64 forks_lost;       // children of a followed task that could not be marked
	__u64 sockets_begun;
	__u64 sockets_no_storage;
	__u64 sockets_emitted;
	__u64 sockets_no_room;
	__u64 frames_emitted; // sr_frame records offered to the ring
	__u64 frames_no_room;
	__u64 flights_full;   // frames that could not be followed: the map was full
	__u64 passages_lost;  // frames whose return from the driver, or whose end, was not seen
	__u64 pieces_emitted; // sr_piece records offered to the ring
	__u64 pieces_no_room;
	__u64 pieces_unread; // pieces of frames that could not be read where they lay
	__u64 filtered;	      // sends whose frame the filter did not want: no record was made
	__u64 ring_idle_timed_out;   // of `ring_idle`, those that waited for the ends of earlier frames until SO_SNDTIMEO ran out
	__u64 ring_idle_interrupted; // ... until a signal came
	__u64 ring_overlapped; // calls on a TX ring that may have passed over frames unseen: another call moved its head as well
	__u64 pad[2];
};

// An instruction of classic BPF: struct sock_filter of linux/filter.h.
struct sr_instruction {
	__u16 code;
	__u8 jt;
	__u8 jf;
	__u32 k;
};

#define SR_FILTER_MOST 4096 // instructions: BPF_MAXINSNS of linux/bpf_common.h

// The filter is compiled for each kind of link, since it counts bytes from the frame's begin.
#define SR_LINK_ETHERNET 0 // an Ethernet header first
#define SR_LINK_IP 1	   // no link layer: the IP header first
#define SR_LINK_COUNT 2

// A program among the filter's instructions.
struct sr_program {
	__u32 start;
	__u32 length; // 0: no frame matches
};

// A helper's number that is none: calls of it stand for those of bpf_rdonly_cast (bpf/read.bpf.h).
#define SR_CAST_CALL 0x5352
// What they cast to: a number of this range in their code stands for that of the struct in the kernel's own BTF.
#define SR_CAST_TYPE 0x53520000
#define SR_CAST_STRUCTS(X)                                                                                        \
	X(Qdisc) X(file) X(kiocb) X(msghdr) X(net) X(net_device) X(net_device_ops) X(netdev_queue) X(packet_sock) \
	X(proto_ops) X(refcount_struct) X(sk_buff) X(skb_shared_info) X(sock) X(sockaddr_ll) X(socket) X(socket_alloc)
#define SR_CAST_NUMBER(name) SR_CAST_##name,
enum { SR_CAST_STRUCTS(SR_CAST_NUMBER) SR_CAST_COUNT };

// Settings, fixed before the programs are loaded: what is off costs nothing.
struct sr_config {
	__u64 net_families; // addresses from kallsyms, 0 where unknown
	__u64 packet_ops;
	__u64 packet_ops_spkt;
	__u64 cookie_magic; // 0: do not look for a cookie in the frames
	__u32 cookie_offset;
	__u32 filter_tgid;   // 0: any
	__u32 filter_netns;   // inode of a network namespace, 0: any
	__s32 filter_ifindex; // in filter_netns, 0: any
	__u32 follow;        // not 0: only tasks that this process (thread group) forks, and their descendants
	__u32 wake_bytes;    // wake the reader when this much waits in the ring
	__u32 no_types;      // 1: the kernel has no BTF of its own
	__u32 snaplen;       // take so many bytes of each frame; 0: none
	__u64 page_offset;   // where the kernel maps all memory, and where the struct pages stand (arch/x86: page_offset_base,
	__u64 vmemmap;       // vmemmap_base); 0: not known, then bytes in page fragments are not read
	__u32 page_bytes;    // sizeof(struct page)
	__u32 frags_at;      // offsetof(struct skb_shared_info, frags)
	__u32 filtering;     // 1: only frames that the programs in `filter` want
	__u32 casts;         // 1: SR_CAST_CALL was replaced
	__u64 stages;        // bit a stage: those that are on
	struct sr_program filter[SR_LINK_COUNT];
	char filter_comm[SR_COMM_LEN]; // empty: any
	char filter_ifname[SR_IFNAME_LEN]; // with filter_ifindex, for SOCK_PACKET
};

// `mode`
#define SR_MODE_OFF 0     // only check_tid is traced
#define SR_MODE_ARMED 1
#define SR_MODE_CLOSING 2 // sends that have begun may end, no new ones
#define SR_MODE_DONE 3    // nothing is recorded any more; what is under way stays so

#if defined(__cplusplus)
#define SR_ASSERT static_assert
#else
#define SR_ASSERT _Static_assert
#endif
// The lengths of a send's record.
#define SR_SEND_UP_TO(places) (__builtin_offsetof(struct sr_send, span) + (places) * sizeof(struct sr_span))
#define SR_SEND_SHORT SR_SEND_UP_TO(6)  // spans of the slots that most sends pass
#define SR_SEND_OUTER SR_SEND_UP_TO(9)  // and of all around packet_sendmsg
#define SR_SEND_FRAME __builtin_offsetof(struct sr_send, sndbuf) // and what became of the frame
#define SR_SEND_LONG sizeof(struct sr_send)
SR_ASSERT(sizeof(struct sr_head) == 24, "sr_head");
SR_ASSERT(sizeof(struct sr_send) == 352 + sizeof(struct sr_span) * SR_SLOT_COUNT, "sr_send");
SR_ASSERT(SR_SEND_SHORT % 8 == 0 && SR_SEND_FRAME % 8 == 0 && SR_SEND_LONG % 8 == 0, "sr_send");
SR_ASSERT(sizeof(struct sr_frame) == 120, "sr_frame");
SR_ASSERT(sizeof(struct sr_socket) == 176, "sr_socket");
SR_ASSERT(sizeof(struct sr_stack) == 24 + 8 * SR_STACK_DEPTH, "sr_stack");
SR_ASSERT(sizeof(struct sr_piece) == 56, "sr_piece");
SR_ASSERT(sizeof(struct sr_counters) == 192, "sr_counters");
SR_ASSERT(sizeof(struct sr_config) == 152, "sr_config");
SR_ASSERT(sizeof(struct sr_instruction) == 8, "sr_instruction");

#endif
