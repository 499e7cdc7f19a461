// A recording that is not whole: what it cannot tell.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/incomplete.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class IncompleteRecording : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override { return {{.subject = "whether the recording is whole"}}; }

    std::vector<Finding> conclude(const Totals& all, const Ending& ending) const override {
        const MissingFiles& missing = ending.missing;
        if (!ending.cut_off && !missing.any()) return {};
        Finding finding;
        finding.rule = "incomplete-recording";
        finding.kind = FindingKind::information;
        finding.title = missing.any() ? "not all files of the session are here: the rest holds for those that are"
                                      : "the recording ends before its ledger: what tracing lost is unknown";
        if (missing.any()) finding.evidence.push_back(incomplete_words(missing));
        finding.evidence.push_back(
            ending.cut_off
                ? fmt::format("{} read, and no ledger: what a filter or --outcome kept away is unknown too",
                              count_of(all.sends, "send was", "sends were"))
                : fmt::format("{} read, of {} that the ledger counts", count_of(all.sends, "send was", "sends were"),
                              ending.capture ? ending.ledger.shown : ending.ledger.selected()));
        if (missing.any()) {
            finding.cause =
                "the session was divided into files (-C, -G) and some of them were not given, or -W "
                "overwrote the oldest";
            finding.advice =
                "give all files that are left in their order: sockray report FILE FILE1 FILE2 ...; what -W "
                "overwrote is gone, a larger -W keeps more";
        } else {
            finding.cause =
                "sockray was killed or its disk was full before it could write the end, the file was copied "
                "while it grew, or it was cut off since";
            finding.advice =
                "copy the file again once sockray has ended; end it with Ctrl-C or SIGTERM, which write the "
                "ledger, and not with SIGKILL";
        }
        return {finding};
    }
};

}  // namespace

std::unique_ptr<Rule> incomplete_recording_rule() {
    return std::make_unique<IncompleteRecording>();
}

}  // namespace sockray
