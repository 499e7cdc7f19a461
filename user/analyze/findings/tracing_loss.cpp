// What tracing itself lost: how far the rest can be trusted.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class TracingLoss : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override { return {{.subject = "what tracing itself lost", .ledger = true}}; }

    void send(const SeenSend& seen) override {
        untracked_ += (seen.send.record.flags & SR_SEND_UNTRACKED) != 0;
        if (seen.send.outcome == Outcome::unknown) examples_.add(seen.send);
    }

    std::vector<Finding> conclude(const Totals&, const Ending& ending) const override {
        if (ending.cut_off) return {};
        const Ledger& ledger = ending.ledger;
        const Loss& lost = ledger.sends.lost;
        const FrameTally& frames = ledger.frames;
        const std::uint64_t ends = frames.lost();
        Finding finding;
        finding.rule = "tracing-loss";
        finding.kind = FindingKind::information;
        const auto note = [&finding](std::uint64_t count, const char* one, const char* many, const char* what) {
            if (count) finding.evidence.push_back(count_of(count, one, many) + what);
        };
        note(lost.no_room, "record of a send", "records of sends", " found no room in the ring (--ring)");
        note(lost.missed, "send", "sends", " whose hooks the kernel skipped");
        note(lost.no_seat, "send", "sends", " for which there was no seat");
        note(lost.rejected, "record that makes", "records that make", " no sense: a bug in sockray");
        note(frames.no_room, "record of a frame's end", "records of frames' ends",
             " found no room in the ring (--ring)");
        note(frames.map_full, "frame", "frames", " could not be followed, for the map was full (--in-flight)");
        note(frames.missed, "frame", "frames", " whose return from the driver, or end, was not seen");
        note(frames.rejected, "record of a frame's end that makes", "records of frames' ends that make",
             " no sense: a bug in sockray");
        note(untracked_, "send says itself that its", "sends say themselves that their", " frame was not followed");
        note(ledger.partial, "send lacks", "sends lack", " the return of a stage: its time is missing in the sums");
        note(ledger.sockets.lost.total(), "creation of a socket is", "creations of sockets are", " missing");
        note(ledger.children_lost, "child", "children",
             " of the command could not be marked: what was sent there is missing");
        if (!ledger.balances()) finding.evidence.emplace_back("the ledger does not balance: a bug in sockray");
        if (finding.evidence.empty()) return {};
        finding.cost = share(lost.total() + ends, ledger.sends.seen);
        finding.title =
            lost.total() + ends
                ? fmt::format("tracing lost {} of {} and what became of {}: the rest holds for what is left",
                              lost.total(), count_of(ledger.sends.seen, "send"), count_of(ends, "frame"))
                : "tracing is not complete: the rest holds for what was seen";
        examples_.put_into(finding);
        finding.cause =
            "more came than could be read in time, or other probes ran on the same CPU, where the kernel "
            "skips hooks";
        finding.advice =
            "a larger --ring and --in-flight, fewer --stages, a filter (-i, -p, --comm), and no other "
            "tracer beside it";
        return {finding};
    }

  private:
    std::uint64_t untracked_ = 0;
    Examples examples_;
};

}  // namespace

std::unique_ptr<Rule> tracing_loss_rule() {
    return std::make_unique<TracingLoss>();
}

}  // namespace sockray
