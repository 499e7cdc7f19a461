// One packet socket with a TPACKET_V3 receive ring: memory that the kernel fills block by block.
#pragma once

#include <linux/filter.h>
#include <linux/if_packet.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "user/base/fd.h"
#include "user/base/link_type.h"
#include "user/base/result.h"
#include "user/capture/counts.h"
#include "user/capture/frame.h"

namespace sockray {

struct RingOptions {
    int ifindex = 0;  // 0: any
    LinkType link;
    std::uint32_t snaplen = 0;
    std::size_t bytes = 0;
    unsigned retire_ms = 0;  // a block that is not full is handed over after so many milliseconds
    bool promiscuous = false;
    bool ignore_outgoing = false;
    bool rxhash = false;
};

// Not movable: it stays where it was made. read() by one thread, counts() by one thread, which may be another.
class Ring {
  public:
    // With the ring and a filter, but not bound: nothing is received yet.
    static Result<std::unique_ptr<Ring>> open(const RingOptions& options, const std::vector<sock_filter>& filter);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // Receives from here on. `failed` where the interface has gone or is down.
    Status bind();
    Status set_filter(const std::vector<sock_filter>& filter);

    // Hands over the frames of all blocks that are ready, and gives each block back. At most once round the ring.
    // Returns how many frames that were.
    std::size_t read(FrameSink& sink);

    // Why the kernel has ended the capture (sk_err), once there is a reason; remembered.
    Status check();

    Result<CaptureCounts> counts();

    int fd() const { return fd_.get(); }
    std::size_t bytes() const { return block_bytes_ * blocks_; }

  private:
    Ring(Fd fd, const RingOptions& options) : fd_(std::move(fd)), options_(options) {}

    Status prepare();
    Status map();
    Status end_reason(int err) const;
    std::size_t take_block(std::byte* block, FrameSink& sink);
    void take_frame(std::byte* header, FrameSink& sink);

    Fd fd_;
    RingOptions options_;
    std::byte* memory_ = nullptr;
    std::size_t block_bytes_ = 0;
    std::size_t blocks_ = 0;
    std::size_t next_ = 0;       // the block that the kernel hands over next
    std::uint64_t cut_now_ = 0;  // of the block that is being read
    std::atomic<std::uint64_t> delivered_{0};
    std::atomic<std::uint64_t> cut_{0};
    std::atomic<std::uint64_t> losing_blocks_{0};
    CaptureCounts kernel_;  // what PACKET_STATISTICS said so far
    Status ended_;
};

}  // namespace sockray
