// A TX ring that is too small for what is under way, and calls on one that find nothing in it.

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
    std::string_view subject() const override { return "a TX ring that is too small or empty"; }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        if (!(record.flags & SR_SEND_TX_RING)) return;
        frames_++;
        calls_ += record.ring_frame == 0;
        devices_.add(record.ifname);
        std::uint64_t ns = 0;
        if (const sr_span& wait = record.span[SR_SLOT_WAIT]; wait.start && wait.end > wait.start) {
            ns += wait.end - wait.start;
            for_room_.add(ns);
        }
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
        add_idle(found, all, ending.ledger.ring_idle);
        return found;
    }

  private:
    void add_full(std::vector<Finding>& found, const Totals& all) const {
        // Half of the ring's own time, or it is just what lies between the hooks.
        const bool waits = share(asleep_ns_, ring_ns_) >= 0.5;
        const double time = waits ? share(asleep_ns_, all.kernel_ns) : 0;
        const double lost = share(refused_, all.sends);
        if (time < least_time_share && lost < least_lost_share) return;
        Finding finding;
        finding.rule = "tx-ring-full";
        finding.kind = lost < least_lost_share ? FindingKind::time : FindingKind::loss;
        finding.cost = lost < least_lost_share ? time : lost;
        finding.title = finding.kind == FindingKind::time
                            ? fmt::format(
                                  "calls on a TX ring waited for room or for the end of its frames: {} of all "
                                  "time in the kernel",
                                  percent(time))
                            : fmt::format("{} were ring frames that found no room in the send buffer",
                                          of_sends(refused_, all.sends));
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
            finding.evidence.push_back(
                fmt::format("{} ended with EAGAIN or by a signal", of_sends(refused_, all.sends)));
        examples_.put_into(finding);
        finding.cause =
            "the ring, or the send buffer that its frames count against, holds less than the device takes "
            "time for; a call without MSG_DONTWAIT stays until every frame of the ring has left";
        finding.advice =
            "send() with MSG_DONTWAIT and poll() for POLLOUT; a ring of more frames (tp_block_nr, "
            "tp_frame_nr of PACKET_TX_RING); setsockopt SO_SNDBUF larger than the ring's frames together";
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
    std::uint64_t asleep_ns_ = 0;
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
