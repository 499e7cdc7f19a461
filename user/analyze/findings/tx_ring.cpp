// Calls on a TX ring that wait, ring frames without room in the send buffer, and calls that find nothing in the ring.
// How many frames the ring has is not recorded: whether it is too small cannot be told.

#include <algorithm>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/histogram.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"

namespace sockray {
namespace {

// An idle call enters and leaves as a send does, and allocates and sends nothing. Its time is not recorded; a tenth of
// a send's is what the chain shows for these parts.
constexpr double idle_call_cost = 0.1;
constexpr double least_idle_share = 0.1;  // of the calls; a program that polls its ring makes some

class TxRing : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {
            {.subject = "calls on a TX ring that stay for its frames",
             .needs = {stage_bit(Stage::queue_xmit) | stage_bit(Stage::direct_xmit)}},
            {.subject = "frames of a TX ring that sleep for the send buffer", .needs = {stage_bit(Stage::wait)}},
            {.subject = "frames of a TX ring without room in the send buffer", .lost_sends = true},
            {.subject = "calls on a TX ring that find it empty", .ledger = true, .all_files = true, .all_sends = true}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        if (!(record.flags & SR_SEND_TX_RING)) return;
        frames_++;
        calls_ += record.ring_frame == 0;
        devices_.add(record.ifname);
        std::uint64_t ns = length_of(record.span[SR_SLOT_WAIT]);
        if (ns) for_room_.add(ns);
        room_ns_ += ns;
        // Without MSG_DONTWAIT the call stays until no frame of the ring is under way (tpacket_snd:
        // packet_read_pending): that is the time behind its last frame. The frames before end where the next one
        // begins.
        const std::uint64_t handed_on = record.span[SR_SLOT_XMIT].end;
        const std::uint64_t end = record.span[SR_SLOT_SENDMSG].end;
        if (handed_on && end > handed_on) {
            for_ends_.add(end - handed_on);
            ns += end - handed_on;
        }
        asleep_ns_ += ns;
        ring_ns_ += seen.kernel_ns;
        const bool refused = seen.lost_to == LostTo::send_buffer;
        refused_ += refused;
        if (refused || ns) examples_.add(seen.send, ns);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending& ending) const override {
        std::vector<Finding> found;
        add_full(found, all);
        // Idle calls are of the whole session, and so must be those that they are held against.
        if (all.all_files && !all.left_out && !is_cut_by_count(ending)) add_idle(found, all, ending.ledger.ring_idle);
        return found;
    }

  private:
    void add_full(std::vector<Finding>& found, const Totals& all) const {
        // Half of the ring's own time, or it is just what lies between the hooks.
        const bool waits = share(asleep_ns_, ring_ns_) >= 0.5;
        const double time = waits ? share(asleep_ns_, all.kernel_ns) : 0;
        const double lost = share(refused_, all.whole());
        if (time < least_time_share && lost < least_lost_share) return;
        Finding finding;
        finding.rule = "tx-ring-full";
        finding.kind = lost < least_lost_share ? FindingKind::time : FindingKind::loss;
        finding.cost = lost < least_lost_share ? time : lost;
        finding.title =
            finding.kind == FindingKind::time
                ? fmt::format("calls on a TX ring waited for {}the end of its frames: {} of {}",
                              for_room_.count() ? "room in the send buffer or for " : "", percent(time), all_time(all))
                : fmt::format("{} were ring frames that found no room in the send buffer", of_lost(refused_, all));
        finding.evidence.push_back(fmt::format("{} in {}; by device: {}", count_of(frames_, "frame"),
                                               count_of(calls_, "call"), devices_.listed()));
        if (for_room_.count())
            finding.evidence.push_back(
                fmt::format("{} slept for the send buffer, {} in the median, up to the end of sock_alloc_send_pskb",
                            count_of(for_room_.count(), "frame"), duration(for_room_.quantile(0.5))));
        if (for_ends_.count())
            finding.evidence.push_back(fmt::format(
                "behind the hand-over of a frame: {} in the median, {} at most, up to the end of its part of "
                "packet_sendmsg",
                duration(for_ends_.quantile(0.5)), duration(for_ends_.max())));
        if (refused_)
            finding.evidence.push_back(fmt::format("{} ended with EAGAIN or by a signal", of_lost(refused_, all)));
        examples_.put_into(finding);
        const bool no_room = refused_ || room_ns_ >= asleep_ns_ / 2;
        finding.cause = no_room ? "the ring's frames count against the send buffer until the driver frees them, and it "
                                  "holds fewer than were under way"
                                : "a call without MSG_DONTWAIT stays until every frame of the ring has left, whatever "
                                  "the size of the ring";
        finding.advice = no_room ? "setsockopt SO_SNDBUF larger than the ring's frames together; " : "";
        finding.advice +=
            "send() with MSG_DONTWAIT, and poll() for POLLOUT where the next slot is not free: then a ring of more "
            "frames (tp_block_nr, tp_frame_nr of PACKET_TX_RING) carries over a longer burst";
        found.push_back(std::move(finding));
    }

    void add_idle(std::vector<Finding>& found, const Totals& all, std::uint64_t idle) const {
        const double of_calls = share(idle, idle + calls_);
        if (of_calls < least_idle_share) return;
        Finding finding;
        finding.rule = "tx-ring-idle";
        finding.kind = FindingKind::time;
        finding.cost = idle_call_cost * share(idle, idle + all.sends);
        finding.title = fmt::format("{} of {} on a TX ring ({}) found no frame in it", idle,
                                    count_of(idle + calls_, "call"), percent(of_calls));
        finding.evidence = {
            fmt::format("counted at the return of packet_sendmsg; {} that did took {}", count_of(calls_, "call"),
                        count_of(frames_, "frame")),
            "the time of an idle call is not recorded: the cost is an estimate, a tenth of a send each"};
        finding.cause =
            "the program calls before a frame is ready, or does not wait for a free slot and writes none; or "
            "the slot after the last one sent is not the one that it fills";
        finding.advice =
            "call only after a slot was set to TP_STATUS_SEND_REQUEST, and fill the slots in their order: "
            "the kernel stops at the first that is not ready";
        found.push_back(std::move(finding));
    }

    std::uint64_t frames_ = 0;
    std::uint64_t calls_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t asleep_ns_ = 0;  // for room and for the ends
    std::uint64_t room_ns_ = 0;
    std::uint64_t ring_ns_ = 0;
    Histogram for_room_;
    Histogram for_ends_;
    Examples examples_;
    NameCounts devices_;
};

}  // namespace

std::unique_ptr<Rule> tx_ring_rule() {
    return std::make_unique<TxRing>();
}

}  // namespace sockray
