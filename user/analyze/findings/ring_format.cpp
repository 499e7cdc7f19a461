// Frames of a TX ring that are not well-formed.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/reasons.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class RingFormat : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "frames of a TX ring that are not well-formed", .lost_sends = true}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        ring_frames_ += (record.flags & SR_SEND_TX_RING) != 0;
        if (seen.lost_to != LostTo::ring_format) return;
        (record.flags & SR_SEND_SKIPPED ? skipped_ : refused_)++;
        examples_.add(seen.send);
        reasons_.add(seen.send);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        const std::uint64_t lost = skipped_ + refused_;
        Finding finding;
        finding.rule = "ring-format";
        finding.cost = share(lost, all.whole());
        if (finding.cost < least_lost_share) return {};
        finding.title = fmt::format("{} of {} of a TX ring{} ({}) {} not well-formed", lost,
                                    count_of(ring_frames_, "frame"), all.left_out ? " that were recorded" : "",
                                    percent(share(lost, ring_frames_)), verb_of(lost, "was", "were"));
        if (skipped_)
            finding.evidence.push_back(
                fmt::format("{} passed over in tpacket_snd, for PACKET_LOSS is set: the sender is not told", skipped_));
        if (refused_)
            finding.evidence.push_back(fmt::format(
                "{} ended their call in tpacket_snd with an error; their slots say TP_STATUS_WRONG_FORMAT", refused_));
        for (const Reason* reason : reasons_.most(3))
            finding.evidence.push_back(fmt::format("{}: {}", reason->sends, reason->text));
        examples_.put_into(finding);
        finding.cause =
            "tp_len is larger than the MTU and header or than the slot, or smaller than the header; or the "
            "frame does not stand where the kernel looks for it";
        finding.advice =
            "look for TP_STATUS_WRONG_FORMAT in the slots, and set them to TP_STATUS_AVAILABLE; the frame "
            "begins at TPACKET_ALIGN(sizeof the tpacket header), elsewhere only with PACKET_TX_HAS_OFF; "
            "without PACKET_LOSS the call itself fails";
        return {finding};
    }

  private:
    std::uint64_t ring_frames_ = 0;
    std::uint64_t skipped_ = 0;
    std::uint64_t refused_ = 0;
    Examples examples_;
    Reasons reasons_;
};

}  // namespace

std::unique_ptr<Rule> ring_format_rule() {
    return std::make_unique<RingFormat>();
}

}  // namespace sockray
