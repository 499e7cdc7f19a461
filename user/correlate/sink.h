// What a session tells, be it live or from a recording, and whoever listens: the screen, a recording, statistics, a
// report. The order is begin, then sockets, sends as they end and captured frames, then complete and
// end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/records.h"
#include "user/base/kernel_names.h"
#include "user/base/origin.h"
#include "user/base/plan.h"
#include "user/correlate/capture_ledger.h"
#include "user/correlate/ledger.h"
#include "user/correlate/receiver_counters.h"
#include "user/correlate/send.h"
#include "user/correlate/tap_frame.h"

namespace sockray {

// By how much the counters of the qdisc at a device's root grew while tracing ran.
struct QdiscDelta {
    std::string kind;  // empty: not known, or it was replaced meanwhile
    std::uint64_t packets = 0;
    std::uint64_t drops = 0;
    std::uint64_t requeues = 0;
    std::uint64_t overlimits = 0;
    std::uint64_t waited = 0;   // frames in it when tracing began
    std::uint64_t waiting = 0;  // and when it ended
};

// By how much a device's counters grew while tracing ran.
struct DeviceDelta {
    std::string ifname;
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_dropped = 0;
    std::uint64_t tx_errors = 0;
    std::uint32_t netns_ino = 0;  // of the namespace that `ifname` is in; 0: not known
    QdiscDelta qdisc = {};
    std::int32_t ifindex = 0;     // 0: not known; a device may be renamed meanwhile
    std::uint32_t tx_queues = 0;  // that it was made with; 0: not known
    bool gone = false;            // it is not there any more, so nothing above holds but its name and number
    bool no_ipv6 = false;         // it had none when tracing began and ended; false where that is not known
};

// Which files of a session that was divided (-C, -G) are not among those that were read.
struct MissingFiles {
    std::uint64_t before = 0;   // before the first that was read
    std::uint64_t between = 0;  // between two that were
    bool rest = false;          // the last one says that another follows it
    bool any() const { return before || between || rest; }
};

// Of a recording that ended before its session: of the sends, and of the frames of no send, that it was to hold, those
// that are in its files, those that are not, and those that -W had taken away before.
struct CutShort {
    struct Count {
        std::uint64_t written = 0;
        std::uint64_t not_written = 0;
        std::uint64_t removed = 0;
        std::uint64_t total() const { return written + not_written + removed; }
    };
    Count sends;
    Count frames;
    std::string cause;  // may hold names from the outside: hostile
};

// How a session ended.
struct Ending {
    Ledger ledger;
    std::vector<DeviceDelta> devices;
    std::uint64_t end_ns = 0;  // CLOCK_MONOTONIC, when tracing was disarmed
    // A recording of which the end is not there: the ledger is what could be counted of what is. Its zeros of losses,
    // and of whatever else only the end tells, are unknown, and so are the devices.
    bool cut_off = false;
    std::optional<CaptureLedger> capture = std::nullopt;  // where frames of an interface were captured
    MissingFiles missing = {};                            // of a recording: what came in them is not told
    std::optional<CutShort> cut_short = std::nullopt;     // of a session that is recorded; never from a recording
    // Where it was asked which packet sockets get the frames, and any was offered one.
    std::optional<ReceiverCounters> receivers = std::nullopt;
};

// A sink does nothing with what it does not override. One thread at a time.
class Sink {
  public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;

    // All three stay as they are, and where they are, until end() has returned.
    virtual void begin(const Origin&, const Plan&, const KernelNames&) {}
    // `id`: 1, 2, 3 ... in the order in which the records were read.
    virtual void socket(const sr_socket&, std::uint64_t /*id*/) {}
    // SR_FRAME_TAPPED, where a capture is traced: before the send that it is of. Never from a recording.
    virtual void tapped(const sr_frame&) {}
    // Judged: its outcome is final. In the order in which sends ended, which is not that of their begin or their id.
    virtual void send(const Send&) {}
    // Captured: no send that is told has made it. In the order of its ring.
    virtual void frame(const TapFrame&) {}
    // A moment at which nothing else waits: at least ten times a second while tracing runs, and never from a recording.
    virtual void idle() {}
    // Right before end() of any: who knows what belongs into the ending puts it there.
    virtual void complete(Ending&) {}
    virtual void end(const Ending&) {}
};

}  // namespace sockray
