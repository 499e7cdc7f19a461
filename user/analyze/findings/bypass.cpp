// Frames that went past the taps: no packet socket on the sender's side has seen them.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"

namespace sockray {
namespace {

class Bypass : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "frames hidden from taps", .needs = {stage_bit(Stage::direct_xmit)}}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        if (record.stage[SR_SLOT_XMIT] != SR_STAGE_DIRECT_XMIT || seen.send.outcome != Outcome::delivered) return;
        sends_++;
        examples_.add(seen.send);
        senders_.add(fmt::format("{}[{}]", record.comm, record.pid));
        devices_.add(record.ifname);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        Finding finding;
        finding.rule = "bypass";
        finding.kind = FindingKind::information;
        finding.cost = share(sends_, all.sends);
        if (finding.cost < least_lost_share) return {};
        finding.title = fmt::format("{} left past the qdisc and the taps", of_recorded(sends_, all));
        finding.evidence = {"sent by __dev_direct_xmit and taken by the driver; by device: " + devices_.listed(),
                            "by sender: " + senders_.listed()};
        examples_.put_into(finding);
        finding.cause =
            "PACKET_QDISC_BYPASS is set on the socket: tcpdump on the sending interface does not show these "
            "frames, and no qdisc shapes or counts them";
        finding.advice =
            "capture on the receiving side, or record the sends themselves (sockray trace -w FILE); where "
            "they must be seen or shaped, setsockopt SOL_PACKET PACKET_QDISC_BYPASS to 0";
        return {finding};
    }

  private:
    std::uint64_t sends_ = 0;
    Examples examples_;
    NameCounts senders_;
    NameCounts devices_;
};

}  // namespace

std::unique_ptr<Rule> bypass_rule() {
    return std::make_unique<Bypass>();
}

}  // namespace sockray
