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
#define SR_STACK_DEPTH 12

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
#define SR_STAGE_COUNT 18

// A send passes at most one stage of each slot (the outermost, where devices are stacked).
#define SR_SLOT_ENTRY 0   // how user space came in: __sys_sendto, __sys_sendmsg, __sys_sendmmsg, sock_write_iter
#define SR_SLOT_LOOKUP 1  // sockfd_lookup_light
#define SR_SLOT_SOCK 2    // sock_sendmsg
#define SR_SLOT_INNER 3   // __sock_sendmsg
#define SR_SLOT_SENDMSG 4 // packet_sendmsg, packet_sendmsg_spkt
#define SR_SLOT_BODY 5    // packet_snd, tpacket_snd; no end of its own: it ends with packet_sendmsg
#define SR_SLOT_ALLOC 6   // sock_alloc_send_pskb
#define SR_SLOT_XMIT 7    // __dev_queue_xmit, __dev_direct_xmit
#define SR_SLOT_DRIVER 8  // dev_hard_start_xmit
#define SR_SLOT_COUNT 9
#define SR_SLOT_OUTER 4 // slots below this one begin before packet_sendmsg

// sr_head.type
#define SR_RECORD_SEND 1
#define SR_RECORD_SOCKET 2
#define SR_RECORD_STACK 3

// sr_send.flags
#define SR_SEND_TX_RING (1U << 0)   // po->tx_ring.pg_vec was set at the entry of packet_sendmsg
#define SR_SEND_RETURNED (1U << 1)  // packet_sendmsg's return was seen: ret holds
#define SR_SEND_SWEPT (1U << 2)     // still inside the kernel when tracing ended
#define SR_SEND_ADDRESS (1U << 3)   // the caller gave a destination address (msg_name)
#define SR_SEND_COOKIE (1U << 4)    // cookie was read from the frame
#define SR_SEND_DROP (1U << 5)      // kfree_skb freed the frame before a driver had taken it
#define SR_SEND_EXPLAINED (1U << 6) // the fields from `sndbuf` to `dev_type` were read (failed sends only)
#define SR_SEND_DEVICE (1U << 7)    // the device was found: ifname, mtu and the like hold

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

struct sr_send {
	struct sr_head head;
	__u32 pid; // thread group, in the initial pid namespace
	__u32 tid;
	char comm[SR_COMM_LEN];
	__u64 socket_ino; // inode of the socket: what /proc/PID/fd and `ss -e` show
	__u32 netns_ino;
	__s32 syscall; // number by the task's saved registers
	__u32 flags;   // SR_SEND_*
	__u32 msg_flags;
	__u64 len;        // bytes the caller asked to send
	__s64 ret;        // what packet_sendmsg returned
	__u64 cookie;     // the driver's own number, read from the frame
	__u64 sendmsg_fn; // sock->ops->sendmsg
	__u16 sock_type;  // SOCK_RAW, SOCK_DGRAM, SOCK_PACKET
	__u16 protocol;   // po->num, network byte order
	__s32 ifindex;
	char ifname[SR_IFNAME_LEN];
	__s32 xmit_ret;   // return value of the xmit stage
	__s32 driver_ret;  // *ret of dev_hard_start_xmit
	__u32 body_hits;   // of the located instruction, for this send
	__u32 alloc_hits;  // frames allocated: one, or one a frame of a TX ring
	__u32 driver_hits; // frames that a driver took
	__u32 drop_reason; // enum skb_drop_reason of the running kernel
	__u64 drop_location;
	__u64 drop_ns;
	// What explains a refusal; read only when the send failed.
	__u32 sndbuf;     // sk->sk_sndbuf, bytes
	__u32 wmem_alloc; // sk->sk_wmem_alloc, bytes, with the kernel's own bias of 1
	__u32 mtu;
	__u32 dev_flags;   // IFF_*
	__u32 msg_namelen; // bytes of the destination address
	__u32 msg_controllen;
	__s32 bound_ifindex; // po->ifindex; -1: the interface that the socket was bound to is gone
	__u16 hard_header_len;
	__u16 dev_type;       // ARPHRD_*
	__u8 addr_len;        // dev->addr_len
	__u8 sll_halen;       // of the destination address
	__u8 vnet_hdr;        // bytes of the virtio-net header that the socket expects before the frame
	__u8 drop_in_driver;  // the drop was seen while dev_hard_start_xmit had the frame
	__u32 pad;
	__u8 stage[16]; // SR_STAGE_* that filled each slot
	struct sr_span span[SR_SLOT_COUNT];
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

// One for each CPU, in the order of the CPU numbers. What they must add up to: user/correlate/ledger.h.
struct sr_counters {
	__u64 sends_begun;      // entries of packet_sendmsg that passed the filter and have a task frame
	__u64 sends_no_storage; // entries that passed the filter and found no memory for a task frame
	__u64 sends_unopened;   // returns of packet_sendmsg without a task frame: the entry was skipped or found no memory
	__u64 sends_emitted;    // records offered to the ring
	__u64 sends_no_room;    // of these, refused by the ring
	__u64 ring_idle;        // calls on a TX ring that found no frame in it: no sends
	__u64 forks_lost;       // children of a followed task that could not be marked
	__u64 sockets_begun;
	__u64 sockets_no_storage;
	__u64 sockets_emitted;
	__u64 sockets_no_room;
	__u64 pad[5];
};

// Settings, fixed before the programs are loaded: what is off costs nothing.
struct sr_config {
	__u64 net_families; // addresses from kallsyms, 0 where unknown
	__u64 packet_ops;
	__u64 packet_ops_spkt;
	__u64 cookie_magic; // 0: do not look for a cookie in the frames
	__u32 cookie_offset;
	__u32 filter_tgid;   // 0: any
	__u32 filter_netns;  // with filter_ifindex
	__s32 filter_ifindex; // 0: any
	__u32 follow;        // 1: only tasks that descend from one marked by user space
	__u32 wake_bytes;    // wake the reader when this much waits in the ring
	char filter_comm[SR_COMM_LEN]; // empty: any
	char filter_ifname[SR_IFNAME_LEN]; // with filter_ifindex, for SOCK_PACKET
};

// sr_control.mode
#define SR_MODE_OFF 0     // only check_tid is traced
#define SR_MODE_ARMED 1
#define SR_MODE_CLOSING 2 // sends that have begun may end, no new ones

#if defined(__cplusplus)
#define SR_ASSERT static_assert
#else
#define SR_ASSERT _Static_assert
#endif
SR_ASSERT(sizeof(struct sr_head) == 24, "sr_head");
SR_ASSERT(sizeof(struct sr_send) == 224 + sizeof(struct sr_span) * SR_SLOT_COUNT, "sr_send");
SR_ASSERT(sizeof(struct sr_socket) == 176, "sr_socket");
SR_ASSERT(sizeof(struct sr_stack) == 24 + 8 * SR_STACK_DEPTH, "sr_stack");
SR_ASSERT(sizeof(struct sr_counters) == 128, "sr_counters");
SR_ASSERT(sizeof(struct sr_config) == 88, "sr_config");

#endif
