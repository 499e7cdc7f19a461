// One packet socket in the hands of one process: what bpf/sockets.bpf.c writes for every descriptor that leads to one.
// Shared by the kernel programs and user space.
#ifndef SOCKRAY_BPF_SOCKET_ENTRY_H
#define SOCKRAY_BPF_SOCKET_ENTRY_H

#include <linux/types.h>

// sr_socket_entry.flags
#define SR_PACKET_RUNNING (1U << 0)         // its hook is in place: it receives
#define SR_PACKET_ORIGDEV (1U << 1)         // PACKET_ORIGDEV
#define SR_PACKET_AUXDATA (1U << 2)         // PACKET_AUXDATA
#define SR_PACKET_TX_HAS_OFF (1U << 3)      // PACKET_TX_HAS_OFF
#define SR_PACKET_LOSS (1U << 4)            // PACKET_LOSS
#define SR_PACKET_QDISC_BYPASS (1U << 5)    // PACKET_QDISC_BYPASS, on kernels that keep it as a flag
#define SR_PACKET_IGNORE_OUTGOING (1U << 6) // PACKET_IGNORE_OUTGOING
#define SR_PACKET_FILTER (1U << 7)          // a BPF filter is attached
#define SR_PACKET_FANOUT (1U << 8)          // the fanout fields hold
#define SR_PACKET_MORE_MEMBERS (1U << 9)    // there are more memberships than were counted

// sr_socket_entry.memberships, by PACKET_MR_*
#define SR_PACKET_MR_COUNT 4

struct sr_socket_ring {
	__u32 block_nr; // 0: there is no ring
	__u32 block_size; // bytes
	__u32 frame_nr;
	__u32 frame_size; // bytes
};

struct sr_socket_entry {
	__u64 ino; // inode of the socket: what /proc/PID/fd and `ss -e` show
	__u64 sk;  // struct sock, only to tell sockets apart
	__u64 xmit; // po->xmit; 0 on kernels that have no such pointer
	__u32 size; // of this record, bytes
	__u32 pid;  // thread group, in the initial pid namespace
	__u32 fd;
	__u32 uid; // who owns the socket, in the initial user namespace
	char comm[16]; // of the thread group's first thread
	char ifname[16]; // empty: not bound to an interface
	__s32 ifindex;   // 0: not bound, -1: bound to an interface that is gone
	__u32 netns_ino;
	__u16 sock_type; // SOCK_RAW, SOCK_DGRAM, SOCK_PACKET
	__u16 protocol;  // po->num, network byte order
	__u32 flags;     // SR_PACKET_*
	__u32 tp_version; // enum tpacket_versions: 0 is TPACKET_V1
	__u32 retire_blk_tov; // of a TPACKET_V3 RX ring, ms
	struct sr_socket_ring rx_ring;
	struct sr_socket_ring tx_ring;
	__u16 fanout_id;
	__u8 fanout_type;     // PACKET_FANOUT_*
	__u8 fanout_flags;    // PACKET_FANOUT_FLAG_* >> 8
	__u32 fanout_members; // sockets in the group
	__u32 fanout_running; // of these, bound to an interface that is up
	__u32 vnet_hdr_sz;    // bytes of the virtio-net header before each frame, 0: none
	__u32 tp_tstamp;      // SOF_TIMESTAMPING_*
	__u32 tp_reserve;     // bytes
	__s32 copy_thresh;    // bytes
	__u32 sndbuf;         // bytes, as are the three below
	__u32 wmem_alloc;     // without the kernel's own bias of 1
	__u32 rcvbuf;
	__u32 rmem_alloc;
	__u32 tp_packets; // what getsockopt(PACKET_STATISTICS) would answer now; it sets them to 0, this does not
	__u32 tp_drops;
	__u32 tp_freeze_q_cnt; // TPACKET_V3 only
	__u32 sk_drops;
	__u32 memberships[SR_PACKET_MR_COUNT];
	__u32 pad;
};

#if defined(__cplusplus)
static_assert(sizeof(struct sr_socket_entry) == 208, "sr_socket_entry");
#else
_Static_assert(sizeof(struct sr_socket_entry) == 208, "sr_socket_entry");
#endif

#endif
