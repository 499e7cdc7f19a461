// Time asleep for the send buffer, and sends that found no room in it. Frames of a TX ring: tx_ring.cpp.

#include <algorithm>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/histogram.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

// Where the sleep itself was not traced: an allocation takes microseconds, and one that takes so long has slept.
constexpr std::uint64_t long_allocation_ns = 1'000'000;
// Or its CPU was taken away meanwhile, which happens to a few of many.
constexpr double least_long_allocations = 0.01;  // of the sends

class SendBuffer : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {
            {.subject = "time asleep for the send buffer", .needs = {stage_bit(Stage::wait) | stage_bit(Stage::alloc)}},
            {.subject = "sends without room in the send buffer", .lost_sends = true}};
    }

    void begin(const Plan& plan, const KernelNames&) override {
        wait_traced_ = plan.evidence(Stage::wait) != Evidence::absent;
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        if (record.flags & SR_SEND_TX_RING) return;
        const sr_span& span = record.span[wait_traced_ ? SR_SLOT_WAIT : SR_SLOT_ALLOC];
        const std::uint64_t ns = length_of(span);
        const bool refused = seen.lost_to == LostTo::send_buffer;
        if (ns && (wait_traced_ || ns >= long_allocation_ns)) {
            slept_.add(ns);
            slept_ns_ += ns;
            examples_.add(seen.send, ns);
            devices_.add(record.ifname);
        } else if (refused) {
            devices_.add(record.ifname);
            examples_.add(seen.send);
        }
        if (!refused) return;
        refused_++;
        if (!record.sndbuf) return;
        least_sndbuf_ = std::min(least_sndbuf_, record.sndbuf);
        most_sndbuf_ = std::max(most_sndbuf_, record.sndbuf);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        const double time = share(slept_ns_, all.kernel_ns);
        const double lost = share(refused_, all.whole());
        const bool slept =
            time >= least_time_share && (wait_traced_ || share(slept_.count(), all.sends) >= least_long_allocations);
        if (!slept && lost < least_lost_share) return {};
        Finding finding;
        finding.rule = "send-buffer";
        finding.kind = lost < least_lost_share ? FindingKind::time : FindingKind::loss;
        finding.cost = lost < least_lost_share ? time : lost;
        finding.title = finding.kind == FindingKind::time
                            ? fmt::format("{} slept for room in their send buffer, {} in the median: {} of {}",
                                          of_recorded(slept_.count(), all), duration(slept_.quantile(0.5)),
                                          percent(time), all_time(all))
                            : fmt::format("{} found no room in their send buffer", of_lost(refused_, all));
        if (slept_.count() && (slept || wait_traced_)) {
            finding.evidence.push_back(fmt::format(
                "asleep: {} in all, median {}, p99 {}, measured {}", duration(slept_ns_),
                duration(slept_.quantile(0.5)), duration(slept_.quantile(0.99)),
                wait_traced_ ? "from schedule_timeout to the end of sock_alloc_send_pskb"
                             : "as the whole of sock_alloc_send_pskb where it took 1 ms or more, for schedule_timeout "
                               "was not traced (--stages device)"));
        }
        if (refused_)
            finding.evidence.push_back(
                fmt::format("{} refused with EAGAIN, EINTR or ENOBUFS{}", of_lost(refused_, all), buffer_size()));
        finding.evidence.push_back("by device: " + devices_.listed());
        examples_.put_into(finding);
        finding.cause =
            "frames leave more slowly than they are sent, and those under way fill the socket's send buffer until the "
            "driver frees them";
        finding.advice = fmt::format(
            "a larger send buffer: setsockopt SO_SNDBUF, at most sysctl net.core.wmem_max (SO_SNDBUFFORCE goes beyond "
            "it). It carries over a burst; what is sent for longer than that goes at the pace of the device and its "
            "qdisc: tc -s qdisc show dev {}{}",
            shell_word(devices_.first()),
            refused_ ? ". A sender that does not wait: poll() for POLLOUT before it tries again" : "");
        return {finding};
    }

  private:
    std::string buffer_size() const {
        if (!most_sndbuf_) return "";
        if (least_sndbuf_ == most_sndbuf_) return fmt::format("; sk_sndbuf was {} bytes", most_sndbuf_);
        return fmt::format("; sk_sndbuf was {} to {} bytes", least_sndbuf_, most_sndbuf_);
    }

    bool wait_traced_ = false;
    Histogram slept_;
    std::uint64_t slept_ns_ = 0;
    std::uint64_t refused_ = 0;
    std::uint32_t least_sndbuf_ = UINT32_MAX;
    std::uint32_t most_sndbuf_ = 0;
    Examples examples_;
    NameCounts devices_;
};

}  // namespace

std::unique_ptr<Rule> send_buffer_rule() {
    return std::make_unique<SendBuffer>();
}

}  // namespace sockray
