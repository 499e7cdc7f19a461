// What the driver did not take: its queue was stopped, it was busy, or it dropped the frame.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class Driver : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "stopped queues and drops by a driver", .lost_sends = true}};
    }

    void begin(const Plan&, const KernelNames& names) override { names_ = &names; }

    void send(const SeenSend& seen) override {
        if (seen.lost_to == LostTo::stopped_queue) stopped_.add(seen.send);
        if (seen.lost_to != LostTo::driver) return;
        dropped_.add(seen.send);
        const sr_send& record = seen.send.record;
        reasons_.add(record.flags & SR_SEND_DROP ? names_->drop_reason(record.drop_reason) : "its return value");
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        std::vector<Finding> found;
        if (share(stopped_.sends, all.whole()) >= least_lost_share) {
            Finding finding = made("stopped-queue", stopped_, all);
            finding.title =
                fmt::format("{} met a queue that was stopped, or a busy driver", of_lost(stopped_.sends, all));
            finding.evidence.push_back(
                fmt::format("{} of them past the qdisc (__dev_direct_xmit), where nothing keeps the frame until the "
                            "queue goes on; queue state read at the return of packet_sendmsg",
                            stopped_.direct));
            finding.cause = "the device's transmit ring is full, and nothing stands before it that could wait";
            finding.advice = fmt::format(
                "send without PACKET_QDISC_BYPASS, so that a qdisc keeps the frame; or try again after ENOBUFS. A "
                "longer transmit ring: ethtool -g {0}, ethtool -G {0} tx N",
                shell_word(stopped_.devices.first()));
            found.push_back(std::move(finding));
        }
        if (share(dropped_.sends, all.whole()) >= least_lost_share) {
            Finding finding = made("driver-drops", dropped_, all);
            finding.title = fmt::format("{} {} dropped by the driver", of_lost(dropped_.sends, all),
                                        verb_of(dropped_.sends, "was", "were"));
            finding.evidence.push_back("by reason: " + reasons_.listed());
            finding.cause =
                "the driver had the frame and gave it up: a peer that is down, has a smaller MTU or no room (veth, "
                "tun), or hardware that is not ready";
            finding.advice = fmt::format("ip -s -d link show dev {0}, and of its peer; ethtool -S {0} counts by cause",
                                         shell_word(dropped_.devices.first()));
            found.push_back(std::move(finding));
        }
        return found;
    }

  private:
    struct Lost {
        std::uint64_t sends = 0;
        std::uint64_t direct = 0;
        Examples examples;
        NameCounts devices;

        void add(const Send& send) {
            sends++;
            direct += send.record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT;
            examples.add(send);
            devices.add(send.record.ifname);
        }
    };

    static Finding made(const char* rule, const Lost& lost, const Totals& all) {
        Finding finding;
        finding.rule = rule;
        finding.cost = share(lost.sends, all.whole());
        finding.evidence.push_back("by device: " + lost.devices.listed());
        lost.examples.put_into(finding);
        return finding;
    }

    const KernelNames* names_ = nullptr;
    Lost stopped_;
    Lost dropped_;
    NameCounts reasons_;
};

}  // namespace

std::unique_ptr<Rule> driver_rule() {
    return std::make_unique<Driver>();
}

}  // namespace sockray
