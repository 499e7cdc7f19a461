// Loads the programs that the plan asks for, attaches them, and hands over what they write.
//
//   auto tracer = Tracer::start(kernel, options);   load and attach; nothing is traced yet
//   tracer->arm();                                  from here on every send and socket creation counts
//   tracer->read(sink);                             again and again
//   tracer->close(sink);                            the rest of the records; detaching begins
//
// Everything that is attached belongs to file descriptors of this process: when it dies, whatever kills it, the kernel
// detaches all. One thread at a time may call into a Tracer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/records.h"
#include "user/base/frame_filter.h"
#include "user/base/plan.h"
#include "user/base/result.h"
#include "user/base/stage_set.h"
#include "user/base/tracing_cost.h"
#include "user/probe/backend.h"

namespace sockray {

class LiveKernel;

// What is traced; everything that is set must match.
struct TraceFilter {
    std::uint32_t tgid = 0;    // process, in the initial pid namespace; 0: any
    std::string comm;          // name of the task, at most 15 bytes; empty: any
    std::uint32_t netns = 0;   // inode of the network namespace of the socket; 0: any
    std::int32_t ifindex = 0;  // in netns, with ifname; 0: any. Socket creations have no interface: they all match
    std::string ifname;
    std::uint32_t ancestor = 0;  // only what this process forks while attached, and its descendants; 0: any
    FrameFilter frames;          // a send that ends before there is a frame matches
};

struct TraceOptions {
    TraceFilter filter;
    std::uint32_t ring_bytes = 8U << 20;  // rounded up to a power of two of at least one page
    std::uint64_t cookie_magic = 0;       // not 0: look for a send's number in the frame, at cookie_offset
    std::uint32_t cookie_offset = 0;
    StageSet stages = chain_stages;
    std::uint32_t snaplen = 0;        // take so many bytes of each frame; 0: none
    std::uint32_t in_flight = 65536;  // frames that can be under way at once, behind their send's return too
    std::optional<Backend> backend;   // none: for each stage the cheapest that works
    bool taps = false;                // tell what sockray's own capture is offered (SR_FRAME_TAPPED): set_taps()
    bool calibrate = false;           // measure what tracing costs a send: a tenth of a second
    int stop_fd = -1;                 // readable: do not start after all
    bool try_alternatives = false;    // the plan says of each backend that was not taken whether it would work
};

class Tracer {
  public:
    // The bytes are valid during the call only.
    using Sink = std::function<void(std::span<const std::byte>)>;

    // Makes the plan, loads, attaches, and checks the located stages by a send on a private loopback interface.
    // Errors: not_allowed where kernel or privileges forbid it; failed where stop_fd said so.
    static Result<Tracer> start(LiveKernel& kernel, const TraceOptions& options);

    Tracer(Tracer&&) noexcept;
    Tracer& operator=(Tracer&&) noexcept;
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;
    ~Tracer();

    const Plan& plan() const;

    // With TraceOptions::taps, before arm(): the inodes of the sockets that capture, at most 64.
    void set_taps(std::span<const std::uint64_t> inodes);

    // Right before arm(), as far as it takes system calls: counters of others may be read in between.
    void prepare_to_arm();

    void arm();

    // Readable when a good part of the ring is full. Fewer records do not wake anybody: read() on a timer as well.
    int readable_fd() const;

    // Hands over the records that are in the ring now, at most so many. Returns how many.
    static constexpr std::size_t most_read = 16384;
    std::size_t read(const Sink& sink);

    // Positions in the ring, bytes since the start. A record that is being written on another CPU stops read(): all
    // that were there at some moment have been handed over when read_to() has come to the written() of that moment.
    std::uint64_t written() const;
    std::uint64_t read_to() const;

    // From here on no new sends are traced; those that have begun may end.
    void disarm();

    // Disarms, and gives sends that are inside the kernel a moment to end; from then on nothing is recorded. Where
    // counters of others are to be held against the ledger, read them right behind this.
    void stop(const Sink& sink);

    // Stops, and hands over the rest of the ring and the records of sends that are still inside the kernel. After this
    // counters() is final; everything is being detached meanwhile, and is gone with the object. Calling it again does
    // nothing. Errors: of sends that are still inside the kernel there are no records, they are counted as missed;
    // in_flight() or skipped() could not be read.
    Status close(const Sink& sink);

    // After close(): waits until everything is detached, no longer than that. Whether it is.
    bool gone_by(std::chrono::steady_clock::time_point when) const;

    // TraceOptions::calibrate; none where it could not be measured.
    const std::optional<TracingCost>& cost() const;

    // After close(): frames that are under way still, as a qdisc has them; the ids of their sends (sr_send.id).
    const std::vector<std::uint64_t>& in_flight() const;

    // Whether there is a TraceFilter::frames.
    bool filters_frames() const;

    // TraceOptions::in_flight.
    std::size_t most_in_flight() const;

    // One for each possible CPU.
    std::vector<sr_counters> counters() const;

    // Hits that the kernel says it skipped (a hook was running already, no kretprobe instance was free), for stages
    // that have any; under Stage::none those of no single stage. Counted from prepare_to_arm() to stop();
    // none before that, or where the kernel did not tell.
    const std::optional<std::vector<StageHits>>& skipped() const;

    // Stages with a hook whose skipped hits this kernel does not count (kprobes before 6.7).
    const std::vector<Stage>& uncounted() const;

  private:
    struct State;
    explicit Tracer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sockray
