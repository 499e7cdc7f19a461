#include "user/capture/receiver.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "user/base/clock.h"
#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr unsigned max_retire_ms = 10'000;

Status check_options(const CaptureOptions& options) {
    if (options.ifindex < 0) return usage(fmt::format("{} is no interface's index", options.ifindex));
    if (options.snaplen == 0 || options.snaplen > max_snaplen)
        return usage(fmt::format("a snaplen of {} bytes: it must be 1 to {}", options.snaplen, max_snaplen));
    if (options.rings == 0 || options.rings > max_capture_rings)
        return usage(fmt::format("{} rings: it must be 1 to {}", options.rings, max_capture_rings));
    if (options.ring_bytes > max_capture_ring_bytes)
        return usage(
            fmt::format("a ring of {} bytes: at most {} MiB", options.ring_bytes, max_capture_ring_bytes >> 20));
    if (options.retire_ms == 0 || options.retire_ms > max_retire_ms)
        return usage(
            fmt::format("{} ms until a block is handed over: it must be 1 to {}", options.retire_ms, max_retire_ms));
    return {};
}

unsigned kernel_mode(CaptureFanout mode) {
    switch (mode) {
        case CaptureFanout::hash: return PACKET_FANOUT_HASH;
        case CaptureFanout::cpu: return PACKET_FANOUT_CPU;
        case CaptureFanout::queue: break;
    }
    return PACKET_FANOUT_QM;
}

std::string_view mode_name(CaptureFanout mode) {
    switch (mode) {
        case CaptureFanout::hash: return "PACKET_FANOUT_HASH";
        case CaptureFanout::cpu: return "PACKET_FANOUT_CPU";
        case CaptureFanout::queue: break;
    }
    return "PACKET_FANOUT_QM";
}

}  // namespace

Result<LinkType> link_type_of_interface(int ifindex) {
    if (ifindex == 0) return LinkType{};
    const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    request.ifr_ifindex = ifindex;
    // The name in between may change hands, but bind() goes by the index.
    if (::ioctl(fd.get(), SIOCGIFNAME, &request) != 0 || ::ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0)
        return fail(fmt::format("cannot capture on interface {}: {}", ifindex, errno_text(errno)),
                    "ip link shows which there are");
    return link_type_of(request.ifr_hwaddr.sa_family);
}

Result<Receiver> Receiver::open(const CaptureOptions& options) {
    if (Status valid = check_options(options); !valid) return tl::unexpected(valid.error());
    const Result<LinkType> link = link_type_of_interface(options.ifindex);
    if (!link) return tl::unexpected(link.error());
    const auto filter = kernel_filter({options.filter, options.direction, options.snaplen, link->cooked});
    if (!filter) return tl::unexpected(filter.error());

    RingOptions ring_options;
    ring_options.ifindex = options.ifindex;
    ring_options.link = *link;
    ring_options.snaplen = options.snaplen;
    ring_options.bytes = options.ring_bytes;
    ring_options.retire_ms = options.retire_ms;
    ring_options.promiscuous = options.promiscuous;
    ring_options.ignore_outgoing = options.direction == CaptureDirection::in;
    ring_options.rxhash = options.rxhash;

    // A socket can join a fanout group only when it is bound, and until then gets all frames: several let nothing in
    // before all have joined.
    const bool closed = options.rings > 1 || options.waits;
    Receiver receiver(*link, options.retire_ms);
    receiver.filter_ = *filter;
    for (unsigned i = 0; i < options.rings; ++i) {
        auto ring = Ring::open(ring_options, closed ? reject_all() : *filter);
        if (!ring) return tl::unexpected(ring.error());
        if (Status done = (*ring)->bind(); !done) return tl::unexpected(done.error());
        receiver.rings_.push_back(std::move(*ring));
    }
    if (options.rings > 1)
        if (Status done = receiver.join_fanout(options.fanout); !done) return tl::unexpected(done.error());
    if (closed && !options.waits)
        if (Status done = receiver.begin(); !done) return tl::unexpected(done.error());
    return receiver;
}

Status Receiver::begin() {
    for (const auto& ring : rings_)
        if (Status done = ring->set_filter(filter_); !done) return done;
    return {};
}

// The kernel chooses a free number for the first, the others take it.
Status Receiver::join_fanout(CaptureFanout mode) {
    const unsigned kind = kernel_mode(mode);
    unsigned argument = (kind | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        const int fd = rings_[i]->fd();
        socklen_t size = sizeof argument;
        if (::setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &argument, sizeof argument) != 0 ||
            (i == 0 && ::getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &argument, &size) != 0))
            return fail(fmt::format("the kernel does not take ring {} of {} into a fanout group ({}): {}", i + 1,
                                    rings_.size(), mode_name(mode), errno_text(errno)),
                        "capture with one ring");
        argument = (argument & 0xffff) | kind << 16;
    }
    return {};
}

Result<std::size_t> Receiver::read(std::size_t ring, FrameSink& sink) {
    const std::size_t frames = rings_[ring]->read(sink);
    // Only where nothing came: a system call for each block that is full would be a waste.
    if (frames == 0)
        if (Status going = rings_[ring]->check(); !going) return tl::unexpected(going.error());
    return frames;
}

Result<CaptureCounts> Receiver::finish(FrameSink& sink) {
    for (const auto& ring : rings_)
        if (Status done = ring->set_filter(reject_all()); !done) return tl::unexpected(done.error());
    // A block that is not full is handed over when its timer runs out: one period, or two where it has just begun.
    const std::uint64_t end_ns = monotonic_ns() + (2 * std::uint64_t{retire_ms_} + 1000) * 1'000'000;
    const int pause_ms = static_cast<int>(std::min(retire_ms_, 5U));
    while (true) {
        for (const auto& ring : rings_) ring->read(sink);
        Result<CaptureCounts> sum = counts();
        if (!sum || sum->waiting() == 0) return sum;
        if (monotonic_ns() > end_ns)
            return fail(fmt::format("{} stayed in the kernel's ring", count_of(sum->waiting(), "captured frame")));
        ::poll(nullptr, 0, pause_ms);
    }
}

Result<CaptureCounts> Receiver::counts() {
    CaptureCounts sum;
    for (const auto& ring : rings_) {
        const Result<CaptureCounts> one = ring->counts();
        if (!one) return one;
        sum += *one;
    }
    return sum;
}

std::size_t Receiver::ring_bytes() const {
    std::size_t least = rings_.front()->bytes();
    for (const auto& ring : rings_) least = std::min(least, ring->bytes());
    return least;
}

}  // namespace sockray
