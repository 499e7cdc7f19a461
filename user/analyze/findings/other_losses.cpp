// Sends that were lost to what has no rule of its own.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/reasons.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class OtherLosses : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "frames lost to anything else", .lost_sends = true}};
    }

    void send(const SeenSend& seen) override {
        if (seen.lost_to != LostTo::other && seen.lost_to != LostTo::filter) return;
        sends_++;
        examples_.add(seen.send);
        reasons_.add(seen.send);
        senders_.add(seen.send.record.comm);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        Finding finding;
        finding.rule = "other-losses";
        finding.cost = share(sends_, all.whole());
        if (finding.cost < least_lost_share) return {};
        finding.title = fmt::format("{} {} refused or dropped", of_lost(sends_, all), verb_of(sends_, "was", "were"));
        for (const Reason* reason : reasons_.most(4)) {
            if (finding.evidence.empty()) finding.title += ": " + reason->text;
            finding.evidence.push_back(fmt::format("{}: {}", reason->sends, reason->text));
        }
        finding.evidence.push_back("by sender: " + senders_.listed());
        examples_.put_into(finding);
        finding.cause = "the kernel's own check or filter that each line names";
        finding.advice =
            "correct what the call is given; of frames that a filter dropped: tc filter show dev IFACE "
            "egress, nft list ruleset";
        return {finding};
    }

  private:
    std::uint64_t sends_ = 0;
    Examples examples_;
    Reasons reasons_;
    NameCounts senders_;
};

}  // namespace

std::unique_ptr<Rule> other_losses_rule() {
    return std::make_unique<OtherLosses>();
}

}  // namespace sockray
