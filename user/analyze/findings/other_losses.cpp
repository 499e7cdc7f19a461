// Sends that were lost to what has no rule of its own.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"

namespace sockray {
namespace {

class OtherLosses : public Rule {
  public:
    std::string_view subject() const override { return "frames lost to anything else"; }

    void send(const SeenSend& seen) override {
        if (seen.lost_to != LostTo::other && seen.lost_to != LostTo::filter) return;
        sends_++;
        examples_.add(seen.send.id);
        reasons_.add(seen.send.reason);
        senders_.add(seen.send.record.comm);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        Finding finding;
        finding.rule = "other-losses";
        finding.cost = share(sends_, all.sends);
        if (finding.cost < least_lost_share) return {};
        finding.title = fmt::format("{} were refused or dropped: {}", of_sends(sends_, all.sends), reasons_.first());
        for (const auto& [reason, count] : reasons_.most(4))
            finding.evidence.push_back(fmt::format("{}: {}", count, reason));
        finding.evidence.push_back("by sender: " + senders_.listed());
        finding.sends = examples_.ids();
        finding.cause = "the kernel's own check or filter that each line names";
        finding.advice =
            "correct what the call is given; of frames that a filter dropped: tc filter show dev IFACE "
            "egress, nft list ruleset";
        return {finding};
    }

  private:
    std::uint64_t sends_ = 0;
    Examples examples_;
    NameCounts reasons_;
    NameCounts senders_;
};

}  // namespace

std::unique_ptr<Rule> other_losses_rule() {
    return std::make_unique<OtherLosses>();
}

}  // namespace sockray
