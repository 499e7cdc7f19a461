// Frames that the device's qdisc dropped or refused.

#include <algorithm>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"
#include "user/correlate/explain_queue.h"

namespace sockray {
namespace {

class Qdisc : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "drops by a qdisc", .needs = {stage_bit(Stage::queue_xmit)}, .lost_sends = true}};
    }

    void send(const SeenSend& seen) override {
        if (seen.lost_to != LostTo::qdisc) return;
        const sr_send& record = seen.send.record;
        (seen.send.outcome == Outcome::failed ? refused_ : dropped_)++;
        longest_ = std::max(longest_, record.qdisc_len);
        examples_.add(seen.send);
        queues_.add(queue_of(record));
        devices_.add(record.ifname);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        const std::uint64_t lost = refused_ + dropped_;
        Finding finding;
        finding.rule = "qdisc-drops";
        finding.cost = share(lost, all.whole());
        if (finding.cost < least_lost_share) return {};
        finding.title = fmt::format("{} did not get past {}", of_lost(lost, all), queues_.first());
        if (refused_)
            finding.evidence.push_back(
                fmt::format("refused: {}; the sender was told ENOBUFS, at __dev_queue_xmit", refused_));
        if (dropped_)
            finding.evidence.push_back(
                fmt::format("dropped: {} by kfree_skb, of which the sender was told nothing", dropped_));
        finding.evidence.push_back("by queue: " + queues_.listed());
        if (longest_)
            finding.evidence.push_back(
                fmt::format("at most {} stood in the queue when such a send returned", count_of(longest_, "frame")));
        examples_.put_into(finding);
        finding.cause =
            "more was sent than the queue hands on to the device, until its limit, or that of a queue below it, was "
            "reached; or the queue drops on purpose (netem, red)";
        finding.advice = fmt::format(
            "see tc -s qdisc show dev {0} for its limit and rate. A burst needs a longer queue: tc qdisc change with a "
            "larger limit, or ip link set dev {0} txqueuelen N for pfifo_fast. A steady rate needs a slower sender: "
            "wait and send again after ENOBUFS, or let SO_SNDBUF be smaller than the queue, so that sends wait",
            shell_word(devices_.first()));
        return {finding};
    }

  private:
    std::uint64_t refused_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint32_t longest_ = 0;
    Examples examples_;
    NameCounts queues_;
    NameCounts devices_;
};

}  // namespace

std::unique_ptr<Rule> qdisc_rule() {
    return std::make_unique<Qdisc>();
}

}  // namespace sockray
