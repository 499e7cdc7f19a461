// Never loaded: holds each type of vmlinux/kernel.h, so that kernel_fields finds them in this object's BTF.
// A type that is missing here makes kernel_fields fail.
#include "../../vmlinux/kernel.h"

#define KEEP(type) type KEEP_NAME(__LINE__)
#define KEEP_NAME(line) KEEP_PASTE(line)
#define KEEP_PASTE(line) keep_##line

KEEP(atomic_t);
KEEP(refcount_t);
KEEP(struct ns_common);
KEEP(struct hlist_node);
KEEP(struct hlist_head);
KEEP(struct list_head);
KEEP(struct net);
KEEP(possible_net_t);
KEEP(struct Qdisc_ops);
KEEP(struct qdisc_skb_head);
KEEP(struct Qdisc);
KEEP(struct netdev_queue);
KEEP(struct net_device_ops);
KEEP(struct net_device);
KEEP(struct packet_type);
KEEP(struct sk_buff);
KEEP(struct skb_shared_info);
KEEP(struct sock_common);
KEEP(kuid_t);
KEEP(struct sock);
KEEP(struct proto_ops);
KEEP(struct net_proto_family);
KEEP(struct socket);
KEEP(struct iovec);
KEEP(struct iov_iter);
KEEP(struct iov_iter___iov);
KEEP(struct iov_iter___private_iov);
KEEP(struct msghdr);
KEEP(struct inode);
KEEP(struct socket_alloc);
KEEP(struct file);
KEEP(struct kiocb);
KEEP(struct sockaddr_ll);
KEEP(struct fdtable);
KEEP(struct files_struct);
KEEP(struct signal_struct);
KEEP(sigset_t);
KEEP(struct sigpending);
KEEP(struct task_struct);
KEEP(struct pgv);
KEEP(struct packet_ring_buffer);
KEEP(struct tpacket_kbdq_core);
KEEP(struct ubuf_info);
KEEP(struct tpacket_uarg___held);
KEEP(struct tpacket_uarg___none);
KEEP(struct packet_fanout);
KEEP(struct packet_mclist);
KEEP(struct tpacket_stats);
KEEP(struct tpacket_stats_v3);
KEEP(union tpacket_stats_u);
KEEP(struct packet_sock);
KEEP(struct packet_sock___flags);
KEEP(struct packet_sock___vnet_size);
KEEP(struct packet_sock___bits);
KEEP(atomic64_t);
KEEP(struct mutex___plain);
KEEP(struct mutex___rt);
KEEP(struct rt_mutex_base___owner);
KEEP(struct packet_sock___plain_lock);
KEEP(struct packet_sock___rt_lock);
KEEP(struct packet_sock___xmit);
KEEP(struct pt_regs___orig_ax);
KEEP(struct pt_regs___syscallno);
KEEP(struct bpf_iter_meta);
KEEP(struct bpf_iter__task);
KEEP(struct bpf_iter__task_file);
