// The ledger: every send that was seen is in exactly one row, and the sums balance exactly.
//
//   seen      = decoded + rejected + no_room + missed + no_seat
//   attempted = seen = delivered + dropped + failed + queued + unknown
//
// Sends whose frame the filter did not want have no record and are in no row: with them the kernel side saw
// seen + filtered.
// Socket creations and records of frames have sums of their own, and a record that makes no sense is rejected in that
// of its kind.
//
// A send whose record was lost counts as unknown. `seen` is what the kernel side counted, not what arrived.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/records.h"
#include "user/base/tracing_cost.h"
#include "user/correlate/send.h"

namespace sockray {

struct Loss {
    std::uint64_t no_room = 0;   // records that the ring refused
    std::uint64_t missed = 0;    // hits of packet_sendmsg's hooks that the kernel skipped, so that no record was made
    std::uint64_t no_seat = 0;   // for another thread that sends (bpf/task.bpf.h); `map_full` in JSON
    std::uint64_t rejected = 0;  // records that did not decode: never expected
    std::uint64_t total() const { return no_room + missed + no_seat + rejected; }
    bool operator==(const Loss&) const = default;
};

// What the kernel side counted, summed over the CPUs.
struct Tally {
    std::uint64_t seen = 0;
    std::uint64_t emitted = 0;
    Loss lost;  // without `rejected`, which only the reader of the ring knows
};

// `decoded` + `rejected` records were read from the ring, up to the end of tracing, when it was empty.
Tally tally_sends(std::span<const sr_counters> cpus);
Tally tally_sockets(std::span<const sr_counters> cpus);

// Records of what became of frames behind the return of their sends. seen = decoded + no_room + rejected. A send whose
// frame's end was lost is unknown.
struct FrameTally {
    std::uint64_t seen = 0;
    std::uint64_t decoded = 0;
    std::uint64_t no_room = 0;
    std::uint64_t map_full = 0;  // frames for which there was no room to follow them
    std::uint64_t missed = 0;    // frames whose return from the driver, or end, was not seen
    std::uint64_t rejected = 0;  // records that did not decode: never expected
    // Ends of frames that are not known, whatever the cause.
    std::uint64_t lost() const { return no_room + map_full + missed + rejected; }
};

// What found no room on one CPU, and the hits that the kernel skipped, as far as they left a trace there: the return
// without its entry, the passage without its return. (On which CPU a hit itself was skipped the kernel does not say: a
// send may have come to another CPU in between.)
struct CpuLoss {
    std::size_t cpu = 0;
    std::uint64_t sends_no_room = 0;  // records that the ring refused
    std::uint64_t sockets_no_room = 0;
    std::uint64_t frames_no_room = 0;
    std::uint64_t no_memory = 0;     // for a task's frame
    std::uint64_t not_followed = 0;  // frames for which the map of frames was full
    std::uint64_t unopened = 0;      // returns of packet_sendmsg whose entry was skipped, or is in some CPU's no_memory
    std::uint64_t passages_lost = 0;  // frames whose return from the driver, or end, was not seen
    // What found no room. The skipped hits are no part of it: some CPU's no_memory has a part of `unopened`.
    std::uint64_t total() const { return sends_no_room + sockets_no_room + frames_no_room + no_memory + not_followed; }
    bool any() const { return total() || unopened || passages_lost; }
};

// The CPUs that lost anything, in their order.
std::vector<CpuLoss> loss_by_cpu(std::span<const sr_counters> cpus);

struct Ledger {
    std::array<std::uint64_t, outcome_count> decoded_by_outcome{};  // index: Outcome
    std::uint64_t decoded = 0;
    std::uint64_t left_out = 0;  // of the decoded, those that --outcome did not ask for: neither shown nor recorded
    std::uint64_t shown = 0;     // of the decoded, those that were shown one by one (-c may show fewer still)
    std::uint64_t partial =
        0;  // decoded, with the end of a stage missing: the kernel skipped a hook, or it made no sense
    std::vector<StageHits> partial_by_stage;  // the stages that these lack the end of: one send may lack several
    Tally sends;
    Tally sockets;
    std::uint64_t sockets_decoded = 0;
    FrameTally frames;
    std::uint64_t pieces_no_room =
        0;                            // parts of frames' bytes that found no room in the ring: cut off in the recording
    std::uint64_t pieces_unread = 0;  // that could not be read where they lay
    std::uint64_t pieces_rejected = 0;  // whose records did not decode: never expected
    std::uint64_t others_rejected = 0;  // records that do not say what they are: never expected, and in no sum
    std::vector<CpuLoss> lost_by_cpu;
    // Hits that the kernel says it skipped, of any stage, tracepoints too; none in recordings of before they were
    // counted. Not a row of the sums: a hit that was skipped is a missed send, a partial record, or a send that nobody
    // knows of.
    std::optional<std::vector<StageHits>> skipped;
    std::vector<Stage> uncounted;             // stages of which it does not say
    std::optional<std::uint64_t> driven;      // sends that sockray itself made
    std::optional<std::uint64_t> correlated;  // of these, found again in the records by number and thread
    std::uint64_t contradicted = 0;  // records whose number or result contradicts the driver's own word: never expected
    std::uint64_t ring_idle = 0;     // calls on a TX ring that took no frame from it: no sends, and in no sum
    // Of these, calls that waited for the ends of earlier frames until SO_SNDTIMEO ran out, and until a signal came.
    std::uint64_t ring_idle_timed_out = 0;
    std::uint64_t ring_idle_interrupted = 0;
    // Calls on a TX ring with PACKET_LOSS, while another one of the same socket moved its head on: frames that they may
    // have passed over are not seen, and in no sum.
    std::uint64_t ring_overlapped = 0;
    std::uint64_t filtered = 0;  // sends whose frame the filter did not want
    // Decoded sends that the filter let pass without having judged them: their frame could not be read as far as it
    // asked, or it never saw one, since they ended before.
    std::uint64_t filter_unjudged = 0;
    std::uint64_t filter_no_frame = 0;
    std::uint64_t children_lost =
        0;  // children of the traced command that could not be marked: their sends are missing

    std::optional<TracingCost> cost;  // of each send; none: not measured

    std::uint64_t attempted() const { return sends.seen; }
    // Counts a decoded send where it is `partial`.
    void add_partial(const sr_send& record);
    // Decoded, and not left out.
    std::uint64_t selected() const { return decoded - std::min(decoded, left_out); }
    // Of the records that were decoded; for unknown, those that were lost count too.
    std::uint64_t count(Outcome outcome) const;
    // All sums of the head of this file.
    bool balances() const { return imbalance().empty(); }
    // Those that do not hold, with their numbers: a bug in sockray. "" where all do.
    std::string imbalance() const;
};

}  // namespace sockray
