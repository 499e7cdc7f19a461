// The kernel side is tpacket_rcv() in net/packet/af_packet.c, and prb_*() around it for the blocks.
#include "user/capture/ring.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr std::size_t vlan_tag_bytes = 4;
constexpr std::size_t default_block_bytes = std::size_t{256} << 10;
// Before a frame in its block: the block's header and private part, the frame's header with its address, alignment.
constexpr std::size_t overhead_bytes = 512;
constexpr std::size_t frame_size = 2048;  // means nothing to TPACKET_V3, but must divide the block
constexpr std::uint64_t second_ns = 1'000'000'000;

// As SLL2 is laid out in files, big endian.
struct Sll2Header {
    std::uint16_t protocol;
    std::uint16_t reserved;
    std::uint32_t ifindex;
    std::uint16_t hatype;
    std::uint8_t pkttype;
    std::uint8_t halen;
    std::uint8_t address[8];
};
static_assert(sizeof(Sll2Header) == sll2_header_bytes);
// For SOCK_DGRAM, tpacket_rcv() leaves 16 bytes between the sender's address and the data, and what PACKET_RESERVE asks
// for: the SLL2 header stands there.
static_assert(sll2_header_bytes <= 16 + vlan_tag_bytes);

std::string interface_words(int fd, int ifindex) {
    if (ifindex == 0) return "any interface";
    ifreq request{};
    request.ifr_ifindex = ifindex;
    if (::ioctl(fd, SIOCGIFNAME, &request) != 0) return fmt::format("interface {}", ifindex);
    return printable(std::string_view(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ)));
}

template <typename T>
Status set_option(const Fd& fd, int level, int option, const T& value, const char* name) {
    if (::setsockopt(fd.get(), level, option, &value, sizeof value) != 0)
        return fail(fmt::format("cannot set {} on a packet socket: {}", name, errno_text(errno)));
    return {};
}

tpacket_req3 request_for(const RingOptions& options, std::size_t block_bytes, std::size_t blocks) {
    tpacket_req3 request{};
    request.tp_block_size = static_cast<unsigned>(block_bytes);
    request.tp_block_nr = static_cast<unsigned>(blocks);
    request.tp_frame_size = frame_size;
    request.tp_frame_nr = static_cast<unsigned>(block_bytes / frame_size * blocks);
    request.tp_retire_blk_tov = options.retire_ms;
    request.tp_feature_req_word = options.rxhash ? TP_FT_REQ_FILL_RXHASH : 0;
    return request;
}

// The tag goes between the addresses and the type: these move 4 bytes down into what PACKET_RESERVE keeps free.
std::byte* insert_vlan_tag(std::byte* data, std::uint16_t tpid, std::uint16_t tci) {
    std::byte* const begin = data - vlan_tag_bytes;
    std::memmove(begin, data, 2 * ETH_ALEN);
    const std::uint16_t tag[2] = {htons(tpid), htons(tci)};
    std::memcpy(begin + 2 * ETH_ALEN, tag, sizeof tag);
    return begin;
}

std::byte* prepend_sll2(std::byte* data, const sockaddr_ll& from) {
    Sll2Header header{};
    header.protocol = from.sll_protocol;
    header.ifindex = htonl(static_cast<std::uint32_t>(from.sll_ifindex));
    header.hatype = htons(from.sll_hatype);
    header.pkttype = from.sll_pkttype;
    header.halen = from.sll_halen;
    std::copy_n(from.sll_addr, std::min<std::size_t>(from.sll_halen, sizeof header.address), header.address);
    std::byte* const begin = data - sizeof header;
    std::memcpy(begin, &header, sizeof header);
    return begin;
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::open(const RingOptions& options, const std::vector<sock_filter>& filter) {
    // Protocol 0: no receive hook before bind().
    const int type = options.link.cooked ? SOCK_DGRAM : SOCK_RAW;
    Fd fd(::socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        const int err = errno;
        const std::string what = fmt::format("cannot open a packet socket to capture: {}", errno_text(err));
        if (err == EPERM || err == EACCES) return not_allowed(what, "run as root, or with the capability CAP_NET_RAW");
        if (err == EAFNOSUPPORT)
            return not_allowed(what, "this kernel has no packet sockets: load them with modprobe af_packet");
        return fail(what);
    }
    std::unique_ptr<Ring> ring(new Ring(std::move(fd), options));
    if (Status done = ring->prepare(); !done) return tl::unexpected(done.error());
    if (Status done = ring->map(); !done) return tl::unexpected(done.error());
    if (Status done = ring->set_filter(filter); !done) return tl::unexpected(done.error());
    return ring;
}

Ring::~Ring() {
    if (memory_) ::munmap(memory_, bytes());
}

Status Ring::prepare() {
    const int version = TPACKET_V3;
    if (Status done = set_option(fd_, SOL_PACKET, PACKET_VERSION, version, "PACKET_VERSION"); !done) return done;
    const unsigned reserve = vlan_tag_bytes;
    if (Status done = set_option(fd_, SOL_PACKET, PACKET_RESERVE, reserve, "PACKET_RESERVE"); !done) return done;
    const int stamp = SOF_TIMESTAMPING_SOFTWARE;
    if (Status done = set_option(fd_, SOL_PACKET, PACKET_TIMESTAMP, stamp, "PACKET_TIMESTAMP"); !done) return done;
    // PACKET_TIMESTAMP chooses among the timestamps that a frame has; this makes the kernel take one at the tap
    // (net_timestamp_set in net/core/dev.c), where it would else be taken when the frame is copied.
    const int on = 1;
    if (Status done = set_option(fd_, SOL_SOCKET, SO_TIMESTAMPNS, on, "SO_TIMESTAMPNS"); !done) return done;
    if (options_.ignore_outgoing) {
        // Saves a clone of each frame. Kernels before 4.20 do not have it, and the filter says the same.
        (void)::setsockopt(fd_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    }
    return {};
}

// Takes a smaller ring where the kernel has no memory for the one that was asked for.
Status Ring::map() {
    block_bytes_ = std::max(default_block_bytes, std::bit_ceil(options_.snaplen + overhead_bytes));
    std::size_t blocks = std::max<std::size_t>(options_.bytes / block_bytes_, 2);
    while (true) {
        const tpacket_req3 request = request_for(options_, block_bytes_, blocks);
        if (::setsockopt(fd_.get(), SOL_PACKET, PACKET_RX_RING, &request, sizeof request) == 0) break;
        const int err = errno;
        if (err == ENOMEM && blocks > 2) {
            blocks = std::max<std::size_t>(blocks * 3 / 4, 2);
            continue;
        }
        return fail(fmt::format("cannot set up a receive ring of {} blocks of {} bytes: {}", blocks, block_bytes_,
                                errno_text(err)),
                    err == ENOMEM ? "ask for a smaller snaplen or fewer rings (--fanout)" : "");
    }
    const std::size_t size = blocks * block_bytes_;
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (memory == MAP_FAILED)
        return fail(fmt::format("cannot map a receive ring of {} bytes: {}", size, errno_text(errno)));
    memory_ = static_cast<std::byte*>(memory);
    blocks_ = blocks;
    return {};
}

Status Ring::set_filter(const std::vector<sock_filter>& filter) {
    const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    if (::setsockopt(fd_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0) return {};
    const int err = errno;
    return fail(
        fmt::format("the kernel does not take the filter ({} instructions): {}", filter.size(), errno_text(err)),
        err == ENOMEM ? "raise net.core.optmem_max, or make the filter shorter" : "");
}

Status Ring::bind() {
    const std::string name = interface_words(fd_.get(), options_.ifindex);
    sockaddr_ll own{};
    own.sll_family = AF_PACKET;
    own.sll_protocol = htons(ETH_P_ALL);
    own.sll_ifindex = options_.ifindex;
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
        return fail(fmt::format("cannot capture on {}: {}", name, errno_text(errno)));
    // packet_do_bind() takes a device that is down, and leaves ENETDOWN.
    int err = 0;
    socklen_t size = sizeof err;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &err, &size);
    if (err == ENETDOWN)
        return fail(fmt::format("cannot capture on {}: it is down", name),
                    fmt::format("bring it up with: ip link set {} up", name));
    if (err) return fail(fmt::format("cannot capture on {}: {}", name, errno_text(err)));
    if (!options_.promiscuous || options_.ifindex == 0) return {};
    packet_mreq membership{};
    membership.mr_ifindex = options_.ifindex;
    membership.mr_type = PACKET_MR_PROMISC;
    return set_option(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership, "PACKET_MR_PROMISC");
}

std::size_t Ring::read(FrameSink& sink) {
    std::size_t frames = 0;
    for (std::size_t i = 0; i < blocks_; ++i) {
        std::byte* const block = memory_ + next_ * block_bytes_;
        tpacket_hdr_v1& header = reinterpret_cast<tpacket_block_desc*>(block)->hdr.bh1;
        if (!(__atomic_load_n(&header.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) break;
        frames += take_block(block, sink);
        __atomic_store_n(&header.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        next_ = next_ + 1 == blocks_ ? 0 : next_ + 1;
    }
    return frames;
}

std::size_t Ring::take_block(std::byte* block, FrameSink& sink) {
    const tpacket_hdr_v1& header = reinterpret_cast<const tpacket_block_desc*>(block)->hdr.bh1;
    const std::uint32_t count = header.num_pkts;
    if (header.block_status & TP_STATUS_LOSING) losing_blocks_.fetch_add(1, std::memory_order_relaxed);
    cut_now_ = 0;
    std::byte* at = block + header.offset_to_first_pkt;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::byte* const next = at + reinterpret_cast<const tpacket3_hdr*>(at)->tp_next_offset;
        __builtin_prefetch(next);
        take_frame(at, sink);
        at = next;
    }
    cut_.fetch_add(cut_now_, std::memory_order_relaxed);
    delivered_.fetch_add(count, std::memory_order_relaxed);
    return count;
}

void Ring::take_frame(std::byte* at, FrameSink& sink) {
    const tpacket3_hdr& header = *reinterpret_cast<const tpacket3_hdr*>(at);
    const sockaddr_ll& from = *reinterpret_cast<const sockaddr_ll*>(at + TPACKET_ALIGN(sizeof(tpacket3_hdr)));
    CapturedFrame frame;
    frame.realtime_ns = header.tp_sec * second_ns + header.tp_nsec;
    frame.ifindex = from.sll_ifindex;
    frame.protocol = ntohs(from.sll_protocol);
    frame.hatype = from.sll_hatype;
    frame.pkttype = from.sll_pkttype;
    if (options_.rxhash) frame.rxhash = header.hv1.tp_rxhash;
    frame.has_vlan = header.tp_status & TP_STATUS_VLAN_VALID;
    if (frame.has_vlan) {
        frame.vlan_tci = static_cast<std::uint16_t>(header.hv1.tp_vlan_tci);
        frame.vlan_tpid = header.tp_status & TP_STATUS_VLAN_TPID_VALID ? header.hv1.tp_vlan_tpid
                                                                       : static_cast<std::uint16_t>(ETH_P_8021Q);
    }

    std::byte* data = at + header.tp_mac;
    std::size_t kept = header.tp_snaplen;
    frame.length = header.tp_len;
    std::size_t added = 0;
    if (options_.link.cooked) {
        data = prepend_sll2(data, from);
        added = sll2_header_bytes;
    } else if (frame.has_vlan && options_.link.linktype == linktype_ethernet && kept >= 2 * ETH_ALEN) {
        data = insert_vlan_tag(data, frame.vlan_tpid, frame.vlan_tci);
        added = vlan_tag_bytes;
    }
    frame.length += static_cast<std::uint32_t>(added);
    kept = std::min<std::size_t>(kept + added, options_.snaplen);
    frame.bytes = {data, kept};
    cut_now_ += kept < frame.length;
    sink.frame(frame);
}

Status Ring::check() {
    if (!ended_) return ended_;
    int err = 0;
    socklen_t size = sizeof err;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &err, &size) != 0) err = errno;
    if (err) ended_ = end_reason(err);
    return ended_;
}

// A device that is deleted goes down first, and packet_notifier() says ENETDOWN for both; behind the deletion the
// socket's own ifindex is -1. That may take a moment.
Status Ring::end_reason(int err) const {
    constexpr int tries = 20;
    constexpr int pause_ms = 5;
    for (int i = 0; err == ENETDOWN && i < tries; ++i) {
        sockaddr_ll own{};
        socklen_t size = sizeof own;
        if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sll_ifindex == -1)
            err = ENODEV;
        else
            ::poll(nullptr, 0, pause_ms);
    }
    const std::string name = interface_words(fd_.get(), options_.ifindex);
    if (err == ENODEV) return fail(fmt::format("{} has been deleted while it was captured (ENODEV)", name));
    if (err == ENETDOWN) return fail(fmt::format("{} went down while it was captured (ENETDOWN)", name));
    return fail(fmt::format("the capture on {} has ended: {}", name, errno_text(err)));
}

Result<CaptureCounts> Ring::counts() {
    tpacket_stats_v3 stats{};
    socklen_t size = sizeof stats;
    // Before what the kernel says: a block that is read in between makes waiting() larger than it is, never negative.
    const std::uint64_t delivered = delivered_.load(std::memory_order_relaxed);
    if (::getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0)
        return fail(fmt::format("cannot read PACKET_STATISTICS: {}", errno_text(errno)));
    kernel_.seen += stats.tp_packets;
    kernel_.dropped += stats.tp_drops;
    kernel_.freezes += stats.tp_freeze_q_cnt;
    CaptureCounts counts = kernel_;
    counts.delivered = delivered;
    counts.cut = cut_.load(std::memory_order_relaxed);
    counts.losing_blocks = losing_blocks_.load(std::memory_order_relaxed);
    return counts;
}

}  // namespace sockray
