// Many small frames, back to back, each by a call of its own.

#include <unordered_map>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/histogram.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr std::uint64_t small_frame = 512;   // bytes; of longer ones the copy costs more than the call
constexpr std::uint64_t least_calls = 1000;  // fewer are no load
constexpr double least_back_to_back = 0.5;   // of the calls: who mostly rests between them cannot hand over several
constexpr std::size_t threads_kept = 1024;

class SingleCalls : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "many small frames by a call each",
                 .needs = {stage_bit(Stage::sys_sendto) | stage_bit(Stage::sys_sendmsg) |
                           stage_bit(Stage::sock_write_iter)}}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        const sr_span& call = record.span[SR_SLOT_ENTRY];
        const sr_span& inner = record.span[SR_SLOT_SENDMSG];
        if (record.stage[SR_SLOT_ENTRY] == SR_STAGE_SYS_SENDMMSG || record.flags & SR_SEND_TX_RING) return;
        if (!call.start || call.end < call.start || inner.start < call.start || inner.end > call.end || !inner.end)
            return;
        const bool follows = follows_closely(record.tid, call);
        if (record.len > small_frame) return;
        const std::uint64_t ns = (call.end - call.start) - (inner.end - inner.start);
        around_.add(ns);
        around_ns_ += ns;
        back_to_back_ += follows;
        lengths_.add(record.len);
        if (follows) examples_.add(seen.send);
        entries_.add(entry_name(record));
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        const std::uint64_t calls = around_.count();
        Finding finding;
        finding.rule = "single-calls";
        finding.kind = FindingKind::time;
        finding.cost = share(around_ns_, all.kernel_ns);
        if (calls < least_calls || share(back_to_back_, calls) < least_back_to_back || finding.cost < least_time_share)
            return {};
        finding.title = fmt::format("{} took a call each for at most {} bytes: {} of {} lies around packet_sendmsg",
                                    of_recorded(calls, all), small_frame, percent(finding.cost), all_time(all));
        finding.evidence = {
            fmt::format(
                "the entry's time without packet_sendmsg: {} in the median, the cost of the hooks there included",
                duration(around_.quantile(0.5))),
            fmt::format("{} of {} calls ({}) came back to back: no longer after the thread's last send than they took",
                        back_to_back_, calls, percent(share(back_to_back_, calls))),
            fmt::format("frames of {} bytes in the median; calls: {}", lengths_.quantile(0.5), entries_.listed())};
        examples_.put_into(finding);
        finding.cause = "each call enters the kernel, looks the socket up and leaves again, for one small frame";
        finding.advice = "several frames a call: sendmmsg(), or PACKET_TX_RING with many frames a call";
        return {finding};
    }

  private:
    // Threads beyond those that are kept count as resting.
    bool follows_closely(std::uint32_t tid, const sr_span& call) {
        auto known = last_end_.find(tid);
        if (known == last_end_.end()) {
            if (last_end_.size() < threads_kept) last_end_.emplace(tid, call.end);
            return false;
        }
        const std::uint64_t last = known->second;
        known->second = call.end;
        return call.start >= last && call.start - last <= call.end - call.start;
    }

    std::unordered_map<std::uint32_t, std::uint64_t> last_end_;  // by thread
    Histogram around_;
    Histogram lengths_;
    std::uint64_t around_ns_ = 0;
    std::uint64_t back_to_back_ = 0;
    Examples examples_;
    NameCounts entries_;
};

}  // namespace

std::unique_ptr<Rule> single_calls_rule() {
    return std::make_unique<SingleCalls>();
}

}  // namespace sockray
