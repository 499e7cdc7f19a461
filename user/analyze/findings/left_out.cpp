// Sends that --outcome kept out of the recording: what the other findings are then shares of.

#include <algorithm>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class LeftOut : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "sends that --outcome left out", .ledger = true}};
    }

    std::vector<Finding> conclude(const Totals& all, const Ending& ending) const override {
        if (!all.left_out) return {};
        const std::uint64_t of = ending.ledger.decoded;
        Finding finding;
        finding.rule = "left-out-sends";
        finding.kind = FindingKind::information;
        finding.cost = share(all.left_out, of);
        finding.title = fmt::format("{} {} left out of this recording by --outcome", of_sends(all.left_out, of),
                                    verb_of(all.left_out, "was", "were"));
        std::string rows;
        for (std::size_t i = 0; i < all.by_outcome.size(); i++)
            if (const std::uint64_t sends = ending.ledger.decoded_by_outcome[i])
                rows += fmt::format("{}{} {} of {}", rows.empty() ? "" : ", ", outcome_name(static_cast<Outcome>(i)),
                                    std::min(all.by_outcome[i], sends), sends);
        finding.evidence.push_back("recorded, of those that the ledger counts: " + rows);
        finding.evidence.push_back(
            all.all_files ? fmt::format("shares of lost frames are of all {}; those of time, and what sends have in "
                                        "common, of the {} recorded",
                                        count_of(all.whole(), "send"), all.sends)
                          : fmt::format("all shares are of the {} recorded in the files that are here",
                                        count_of(all.sends, "send")));
        if (all.lost_left_out)
            finding.evidence.push_back(
                fmt::format("{} among those left out: what they were lost to is not told",
                            count_of(all.lost_left_out, "dropped or failed send is", "dropped or failed sends are")));
        finding.cause = "the session was recorded with --outcome";
        finding.advice = "to have time, paths and receivers of all sends judged, record them without --outcome";
        return {finding};
    }
};

}  // namespace

std::unique_ptr<Rule> left_out_rule() {
    return std::make_unique<LeftOut>();
}

}  // namespace sockray
