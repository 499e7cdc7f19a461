// The kernel types that sockray's BPF programs read: only the structs and fields that are used.
//
// Every access is relocated at load (CO-RE), so the order and the offsets here mean nothing; names and types are what
// counts. tests/vm checks each field of this file against the BTF of each kernel in the matrix. A struct whose name
// ends in ___something is a variant: the field exists on some kernels or architectures only, and the programs ask
// with bpf_core_field_exists() first.
#ifndef SOCKRAY_VMLINUX_KERNEL_H
#define SOCKRAY_VMLINUX_KERNEL_H

#include <linux/types.h>

typedef _Bool bool;
enum { false, true };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

// include/linux/ns_common.h, include/net/net_namespace.h
struct ns_common {
	unsigned int inum;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct list_head {
	struct list_head *next;
};

struct net {
	struct ns_common ns;
	struct hlist_head *dev_index_head;
	struct list_head dev_base_head;
};

typedef struct {
	struct net *net;
} possible_net_t;

// include/net/sch_generic.h
struct sk_buff;
struct Qdisc;
struct Qdisc_ops {
	char id[16];
};

struct qdisc_skb_head {
	unsigned int qlen;
};

struct Qdisc {
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free);
	const struct Qdisc_ops *ops;
	struct qdisc_skb_head q;
};

// include/linux/netdevice.h
struct net_device;
struct netdev_queue {
	struct Qdisc *qdisc;
	unsigned long state;
};

struct net_device_ops {
	int (*ndo_start_xmit)(struct sk_buff *skb, struct net_device *dev);
};

struct net_device {
	const struct net_device_ops *netdev_ops;
	struct netdev_queue *_tx;
	unsigned int real_num_tx_queues;
	struct Qdisc *qdisc;
	char name[16];
	unsigned int mtu;
	unsigned int flags;
	unsigned short type;
	unsigned short hard_header_len;
	unsigned char addr_len;
	int ifindex;
	struct hlist_node index_hlist;
	struct list_head dev_list;
};

struct packet_type {
	bool ignore_outgoing;
	struct net_device *dev;
	void *af_packet_priv;
};

// include/linux/skbuff.h
struct sock;
struct sk_buff {
	struct sk_buff *next;
	struct sock *sk;
	struct net_device *dev;
	int skb_iif;
	unsigned int len;
	unsigned int data_len;
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
	unsigned short queue_mapping;
	unsigned char pkt_type : 3;
	unsigned char redirected : 1;
	long long tstamp;
};

// Stands at skb->head + skb->end.
struct skb_shared_info {
	unsigned char nr_frags;
	unsigned short gso_size;
	void *destructor_arg;
};

// include/net/sock.h
struct sock_common {
	unsigned short skc_family;
	possible_net_t skc_net;
};

// include/linux/uidgid.h
typedef struct {
	unsigned int val;
} kuid_t;

struct socket;
struct sk_filter;
struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	atomic_t sk_drops;
	int sk_rcvbuf;
	struct sk_filter *sk_filter;
	kuid_t sk_uid;
	refcount_t sk_wmem_alloc;
	int sk_sndbuf;
	void (*sk_destruct)(struct sock *sk);
};

// include/linux/net.h
struct msghdr;
struct proto_ops {
	int family;
	int (*sendmsg)(struct socket *sock, struct msghdr *m, unsigned long total_len);
};

struct net_proto_family {
	int family;
	int (*create)(struct net *net, struct socket *sock, int protocol, int kern);
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
	const struct proto_ops *ops;
};

// include/uapi/linux/uio.h, include/linux/uio.h
struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

struct iov_iter {
	unsigned char iter_type;
	unsigned long iov_offset;
	unsigned long count;
	void *ubuf;
};

// Since 6.4 (de4f5fed3f23) the name of the member says that it is private.
struct iov_iter___iov {
	struct iovec *iov;
};

struct iov_iter___private_iov {
	struct iovec *__iov;
};

// The numbers differ between kernels: ask with bpf_core_enum_value().
enum iter_type {
	ITER_UBUF,
	ITER_IOVEC,
};

// include/linux/socket.h
struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
	unsigned long msg_controllen;
	struct iov_iter msg_iter;
};

// include/linux/fs.h, include/net/sock.h: the inode of a socket stands right behind it
struct inode {
	unsigned long i_ino;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct kiocb {
	struct file *ki_filp;
};

// include/linux/fdtable.h
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

// include/linux/sched.h
struct signal_struct {
	atomic_t live;
};

// include/uapi/asm-generic/signal.h
typedef struct {
	unsigned long sig[1];
} sigset_t;

// include/linux/signal_types.h
struct sigpending {
	sigset_t signal;
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	char comm[16];
	struct signal_struct *signal;
	struct task_struct *group_leader;
	struct files_struct *files;
	struct sigpending pending;
};

// net/packet/internal.h
struct tpacket_kbdq_core {
	unsigned short retire_blk_tov;
};

struct pgv {
	char *buffer;
};

struct packet_ring_buffer {
	struct pgv *pg_vec;
	unsigned int head;
	unsigned int frames_per_block;
	unsigned int frame_size;
	unsigned int frame_max;
	unsigned int pg_vec_pages;
	unsigned int pg_vec_len;
	struct tpacket_kbdq_core prb_bdqc;
};

// Of a frame of a TX ring whose skb is under way, where the kernel has it (6.12.y); else the skb refers to the frame itself.
struct ubuf_info {
	refcount_t refcnt;
};

struct tpacket_uarg___held {
	struct ubuf_info ubuf;
	void *ph;
};

struct tpacket_uarg___none {
};

struct packet_fanout {
	unsigned int num_members;
	unsigned short id;
	unsigned char type;
	unsigned char flags;
	refcount_t sk_ref;
};

struct packet_mclist {
	struct packet_mclist *next;
	int count;
	unsigned short type;
};

// include/uapi/linux/if_packet.h
struct sockaddr_ll {
	int sll_ifindex;
};

enum tpacket_versions {
	TPACKET_V1,
	TPACKET_V2,
	TPACKET_V3,
};

struct tpacket_stats {
	unsigned int tp_packets;
	unsigned int tp_drops;
};

struct tpacket_stats_v3 {
	unsigned int tp_freeze_q_cnt;
};

union tpacket_stats_u {
	struct tpacket_stats stats1;
	struct tpacket_stats_v3 stats3;
};

struct packet_sock {
	struct sock sk;
	struct packet_fanout *fanout;
	union tpacket_stats_u stats;
	struct packet_ring_buffer rx_ring;
	struct packet_ring_buffer tx_ring;
	int copy_thresh;
	int ifindex;
	unsigned short num;
	struct packet_mclist *mclist;
	enum tpacket_versions tp_version;
	unsigned int tp_hdrlen;
	unsigned int tp_reserve;
	unsigned int tp_tstamp;
	struct packet_type prot_hook;
	atomic_t tp_drops;
};

// Since 6.4 (dfc39d4026fb) the size of the header; before it a flag (in 6.1.y of `flags`).
struct packet_sock___vnet_size {
	unsigned char vnet_hdr_sz;
};

struct packet_sock___flags {
	unsigned long flags;
};

// Before `flags` (6.4 and 6.1.y).
struct packet_sock___bits {
	unsigned int running : 1;
	unsigned int auxdata : 1;
	unsigned int origdev : 1;
	unsigned int has_vnet_hdr : 1;
	unsigned int tp_loss : 1;
	unsigned int tp_tx_has_off : 1;
};

// Held by the call that sends from the TX ring. Its owner, with CONFIG_PREEMPT_RT that of the rtmutex in it.
typedef struct {
	__s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

struct mutex___plain {
	atomic_long_t owner;
};

struct rt_mutex_base___owner {
	void *owner;
};

struct mutex___rt {
	struct rt_mutex_base___owner rtmutex;
};

struct packet_sock___plain_lock {
	struct mutex___plain pg_vec_lock;
};

struct packet_sock___rt_lock {
	struct mutex___rt pg_vec_lock;
};

// Before 6.4 the way out was a pointer, since then PACKET_SOCK_QDISC_BYPASS.
struct packet_sock___xmit {
	int (*xmit)(struct sk_buff *skb);
};

// The numbers differ between kernels: ask with bpf_core_enum_value().
enum packet_sock_flags {
	PACKET_SOCK_ORIGDEV,
	PACKET_SOCK_AUXDATA,
	PACKET_SOCK_TX_HAS_OFF,
	PACKET_SOCK_TP_LOSS,
	PACKET_SOCK_HAS_VNET_HDR,
	PACKET_SOCK_RUNNING,
	PACKET_SOCK_QDISC_BYPASS,
};

// The number of the system call that the task is in, as its saved user registers have it.
struct pt_regs___orig_ax {
	unsigned long orig_ax;
};

struct pt_regs___syscallno {
	int syscallno;
};

// kernel/bpf: the context of an iterator over tasks
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	unsigned int fd;
	struct file *file;
};

#pragma clang attribute pop

#endif
