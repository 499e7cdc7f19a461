// Frames of an interface as packet sockets receive them, and what of them was lost.
//
// What a packet socket sees: frames that come in, and those that go out through a qdisc (dev_queue_xmit_nit in
// net/core/dev.c). What is sent past the taps (PACKET_QDISC_BYPASS) is not in it. Checksums and lengths of frames that
// go out are those before the device's offloads.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "user/base/link_type.h"
#include "user/base/result.h"
#include "user/capture/counts.h"
#include "user/capture/filter.h"
#include "user/capture/frame.h"
#include "user/capture/ring.h"

namespace sockray {

inline constexpr std::uint32_t max_snaplen = 262144;  // tcpdump's
inline constexpr std::size_t default_capture_ring_bytes = std::size_t{8} << 20;
inline constexpr std::size_t max_capture_ring_bytes = std::size_t{1} << 30;
inline constexpr unsigned max_capture_rings = 64;

// How frames are spread over several rings (packet(7), PACKET_FANOUT).
enum class CaptureFanout {
    hash,  // by flow: frames of one connection stay in one ring, in order
    cpu,   // by the CPU that the frame came in on
    queue  // by the queue that the device received it in (PACKET_FANOUT_QM)
};

struct CaptureOptions {
    int ifindex = 0;                                      // 0: any, cooked
    std::uint32_t snaplen = max_snaplen;                  // bytes kept of a frame: 1 to max_snaplen
    std::size_t ring_bytes = default_capture_ring_bytes;  // of each ring; at least two blocks are taken
    unsigned rings = 1;                                   // 1 to max_capture_rings
    CaptureFanout fanout = CaptureFanout::hash;           // with more than one ring
    unsigned retire_ms = 100;  // how long a frame may wait for its block to fill, 1 to 10,000
    bool promiscuous = true;   // not on any
    CaptureDirection direction = CaptureDirection::both;
    bool rxhash = false;              // CapturedFrame::rxhash, which costs a hash a frame where the device has none
    std::vector<sock_filter> filter;  // compiled for link_type(); empty: all frames
    bool waits = false;               // lets nothing in before begin()
};

// The link type of an interface in the network namespace of the calling thread, for the filter's compiler and the file;
// 0 is any. `failed` where there is no such interface.
Result<LinkType> link_type_of_interface(int ifindex);

// Movable. Each ring may be read by a thread of its own; all else is called by one thread at a time, finish() when no
// thread reads. Everything is closed by the destructor.
class Receiver {
  public:
    // In the network namespace of the calling thread. Receives when it returns (unless the options say that it
    // `waits`), and no frame is in any ring that the filter does not match. `usage` for options out of range,
    // `not_allowed` without CAP_NET_RAW, `failed` where the interface is not there or down, the memory does not suffice
    // for two blocks, or the kernel refuses the fanout.
    static Result<Receiver> open(const CaptureOptions& options);

    // With `waits`: from here on frames are received. `failed` where the kernel does not take the filter.
    Status begin();

    std::size_t rings() const { return rings_.size(); }

    // To poll for POLLIN: a block is ready; or POLLERR: read() will say why it is over.
    int fd(std::size_t ring) const { return rings_[ring]->fd(); }

    // Hands the frames of the blocks that are ready to `sink`, in the order of the ring, and returns how many; does not
    // wait. Allocates nothing. `failed`, behind the last block, where the capture has ended: the interface went down
    // (ENETDOWN) or was deleted (ENODEV). Then finish() has the rest.
    Result<std::size_t> read(std::size_t ring, FrameSink& sink);

    // Lets nothing more in and hands over all that waits in the rings, which takes at most about `retire_ms`.
    // seen = delivered + dropped holds for the counts that it returns. `failed` where the kernel kept frames back.
    Result<CaptureCounts> finish(FrameSink& sink);

    // Of all rings together, so far.
    Result<CaptureCounts> counts();
    Result<CaptureCounts> counts(std::size_t ring) { return rings_[ring]->counts(); }

    LinkType link_type() const { return link_; }

    // Of each ring as the kernel gave it: less than asked for where memory was short, and never less than two blocks.
    std::size_t ring_bytes() const;

  private:
    Receiver(LinkType link, unsigned retire_ms) : link_(link), retire_ms_(retire_ms) {}

    Status join_fanout(CaptureFanout mode);

    LinkType link_;
    unsigned retire_ms_;
    std::vector<sock_filter> filter_;
    std::vector<std::unique_ptr<Ring>> rings_;
};

}  // namespace sockray
