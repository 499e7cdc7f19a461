// Copies of the frames' bytes that take much of the time.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/histogram.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"

namespace sockray {
namespace {

// A copy belongs to every send but one of a TX ring. Where it is a quarter of the time, to spare it is worth a change
// of the program.
constexpr double least_copy_share = 0.25;

class Copies : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "copies that dominate", .needs = {stage_bit(Stage::copy)}}};
    }

    void send(const SeenSend& seen) override {
        const sr_span& span = seen.send.record.span[SR_SLOT_COPY];
        if (!span.start || span.end < span.start) return;
        const std::uint64_t ns = span.end - span.start;
        copy_.add(ns);
        copy_ns_ += ns;
        lengths_.add(seen.send.record.len);
        examples_.add(seen.send, ns);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        Finding finding;
        finding.rule = "copies";
        finding.kind = FindingKind::time;
        finding.cost = share(copy_ns_, all.kernel_ns);
        if (finding.cost < least_copy_share) return {};
        finding.title = fmt::format("copying {} took {} of {}, {} in the median", count_of(copy_.count(), "frame"),
                                    percent(finding.cost), all_time(all), duration(copy_.quantile(0.5)));
        finding.evidence = {
            fmt::format("{} in all, median {}, p99 {}, measured around skb_copy_datagram_from_iter", duration(copy_ns_),
                        duration(copy_.quantile(0.5)), duration(copy_.quantile(0.99))),
            fmt::format("frames of {} bytes in the median", lengths_.quantile(0.5))};
        examples_.put_into(finding);
        finding.cause =
            "each frame is copied from the program's memory into the skb; long frames, and memory that is "
            "not in the cache or not yet mapped, make it slow";
        finding.advice =
            "PACKET_TX_RING: the kernel sends the frames from the shared pages, all but their header; and "
            "frames written before, into memory that is used again";
        return {finding};
    }

  private:
    Histogram copy_;
    Histogram lengths_;
    std::uint64_t copy_ns_ = 0;
    Examples examples_;
};

}  // namespace

std::unique_ptr<Rule> copies_rule() {
    return std::make_unique<Copies>();
}

}  // namespace sockray
