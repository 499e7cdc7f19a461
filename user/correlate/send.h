// A send with its end: what correlate makes of a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/records.h"
#include "user/base/stage.h"

namespace sockray {

// How a send ended (docs/design.md, Outcomes). `failed`: the sender was told, by an errno (or a TX
// ring's frame was passed over, PACKET_LOSS). `dropped`: the sender was told
// that all is well, and the kernel freed the frame all the same.
enum class Outcome { delivered, dropped, failed, queued, unknown };

inline constexpr int outcome_count = 5;

constexpr std::string_view outcome_name(Outcome outcome) {
    switch (outcome) {
        case Outcome::delivered: return "delivered";
        case Outcome::dropped: return "dropped";
        case Outcome::failed: return "failed";
        case Outcome::queued: return "queued";
        case Outcome::unknown: return "unknown";
    }
    return "unknown";
}

// What is known of a frame that was still under way when its send returned.
enum class FrameEnd {
    known,   // all of it: also for a frame that never was under way
    queued,  // nothing yet: a qdisc still had it when tracing ended
    lost     // nothing: the record of its end was lost, or the kernel skipped a hook
};

// The frame's bytes as it was handed to its device.
struct SentFrame {
    std::vector<std::byte> bytes;  // the first ones: no more than were asked for, or could be read
    std::uint32_t length = 0;      // of the whole frame; 0: no bytes were taken
    std::uint64_t ns = 0;          // when it was handed over, CLOCK_MONOTONIC
    std::uint16_t dev_type = 0;    // ARPHRD_*
    bool bypass = false;           // past the qdisc and the taps
};

// A packet socket that was offered a frame.
struct FrameReceiver {
    std::uint64_t socket_ino = 0;
    std::uint64_t ns = 0;        // CLOCK_MONOTONIC
    std::uint32_t received = 0;  // SR_RECEIVED_*
    std::uint32_t stage = 0;     // SR_STAGE_PACKET_RCV, SR_STAGE_TPACKET_RCV
    bool operator==(const FrameReceiver&) const = default;
};

struct Send {
    std::uint64_t id = 0;  // 1, 2, 3 ... in the order in which records were read
    sr_send record{};      // with what became of the frame behind the return
    FrameEnd frame_end = FrameEnd::known;
    std::uint32_t frames_consumed = 0;  // freed, not as dropped, before a driver had them
    std::vector<FrameReceiver>
        also_received;  // behind the first one, which is in the record; at most SR_RECEIVERS_MOST
    Outcome outcome = Outcome::unknown;
    Stage end_stage = Stage::none;        // where a failed or dropped send ended, as far as it was seen
    std::string reason;                   // why, in a sentence; empty for delivered sends
    std::optional<std::uint64_t> number;  // the driver's own number of this send, where sockray drove it
    SentFrame frame;                      // where frames are recorded
    std::uint64_t tapped = 0;             // in a capture: frames of it that came by the taps, more than one for GSO
};

// "sendto", "send", "sendmsg", "sendmmsg", "write", "writev", ..., by the function that was entered and the system
// call.
std::string_view entry_name(const sr_send& record);

// The earliest time in the record: when the send entered the kernel, as far as it was seen.
std::uint64_t begin_ns(const sr_send& record);

// The symbolic name of a positive errno value: "ENOBUFS"; "ERESTARTSYS" and the like too. "E512" where it has none.
std::string errno_name(int err);

}  // namespace sockray
