// Sends that do the work of softirqs: a long tail that lies around the driver, and receivers that run inside the send.

#include <algorithm>
#include <vector>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/histogram.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr std::uint64_t least_sends = 1000;  // a p99 of fewer says little
constexpr std::uint64_t tail_factor = 4;     // p99 above the median; two or three times is usual on any machine
constexpr double least_tail_share = 0.5;     // of the tail's extra time: the larger part
constexpr double least_inside_share = 0.1;   // of the sends; a single tap that ran there is chance
constexpr double least_behind_share = 0.25;  // of the kernel time behind the driver, where receivers run

// What __dev_queue_xmit did around the driver, for one send.
struct Around {
    std::uint64_t total_ns = 0;    // of the send
    std::uint64_t outside_ns = 0;  // in __dev_queue_xmit, without the driver
    std::uint64_t behind_ns = 0;   // of this, behind the driver's return
    bool received = false;         // a packet socket was offered the frame meanwhile
};

// The same, summed over all sends that took about as long: those of a tail can be counted once it is known where it
// begins, however many they are.
struct Sums {
    std::uint64_t sends = 0;
    std::uint64_t total_ns = 0;
    std::uint64_t outside_ns = 0;
    std::uint64_t behind_ns = 0;
    std::uint64_t received = 0;
    void add(const Sums& more) {
        sends += more.sends;
        total_ns += more.total_ns;
        outside_ns += more.outside_ns;
        behind_ns += more.behind_ns;
        received += more.received;
    }
};

bool is_inside(const sr_span& inner, const sr_span& outer) {
    return inner.start && inner.start >= outer.start && inner.end >= inner.start && inner.end <= outer.end;
}

class Softirq : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "softirqs that make a tail of slow sends",
                 .needs = {stage_bit(Stage::queue_xmit), stage_bit(Stage::start_xmit)}},
                {.subject = "receivers that run inside of sends",
                 .needs = {stage_bit(Stage::queue_xmit), stage_bit(Stage::start_xmit),
                           stage_bit(Stage::packet_rcv) | stage_bit(Stage::tpacket_rcv)}}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        const sr_span& xmit = record.span[SR_SLOT_XMIT];
        if (record.stage[SR_SLOT_XMIT] != SR_STAGE_QUEUE_XMIT || !seen.kernel_ns || !xmit.end) return;
        const sr_span& driver = record.span[SR_SLOT_DRIVER];
        const sr_span& own = is_inside(record.span[SR_SLOT_NDO], xmit) ? record.span[SR_SLOT_NDO] : driver;
        if (!is_inside(driver, xmit) || !is_inside(own, xmit)) return;
        const std::uint64_t received = record.span[SR_SLOT_RECEIVE].start;
        const Around around{seen.kernel_ns, (xmit.end - xmit.start) - (own.end - own.start), xmit.end - driver.end,
                            received >= xmit.start && received <= xmit.end};
        totals_.add(around.total_ns);
        outside_.add(around.outside_ns);
        add_sums(around);
        slow_.add(seen.send, around.total_ns);
        if (!around.received) return;
        inside_.add(around.behind_ns);
        behind_ns_ += around.behind_ns;
        inside_sends_.add(seen.send, around.behind_ns);
        receivers_.add(stage_name(Stage{record.stage[SR_SLOT_RECEIVE]}));
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        std::vector<Finding> found;
        add_inside(found, all);
        add_tail(found, all);
        return found;
    }

  private:
    void add_sums(const Around& around) {
        if (by_time_.empty()) by_time_.resize(Histogram::bucket_count);
        by_time_[Histogram::bucket_of(around.total_ns)].add(
            {1, around.total_ns, around.outside_ns, around.behind_ns, around.received});
    }

    void add_tail(std::vector<Finding>& found, const Totals& all) const {
        const std::uint64_t median = totals_.quantile(0.5);
        const std::uint64_t p99 = totals_.quantile(0.99);
        if (totals_.count() < least_sends || p99 < tail_factor * median) return;
        const std::uint64_t usual_outside = outside_.quantile(0.5);
        Sums tail;
        for (std::size_t bucket = Histogram::bucket_of(p99); bucket < by_time_.size(); bucket++)
            tail.add(by_time_[bucket]);
        const std::uint64_t extra = tail.total_ns - tail.sends * median;
        const std::uint64_t extra_outside = tail.outside_ns - std::min(tail.outside_ns, tail.sends * usual_outside);
        const double part = share(extra_outside, extra);
        if (part < least_tail_share) return;
        Finding finding;
        finding.rule = "softirq-tail";
        finding.kind = FindingKind::time;
        finding.cost = share(extra_outside, all.kernel_ns);
        finding.title = fmt::format(
            "the slowest sends take {} (p99) where the median takes {}, and {} of the difference "
            "lies in __dev_queue_xmit around the driver",
            duration(p99), duration(median), percent(part));
        finding.evidence = {
            fmt::format("{} took p99 or longer: {} longer than the median in all, {} of it outside of the driver's own "
                        "function",
                        count_of(tail.sends, "send"), duration(extra), duration(extra_outside)),
            fmt::format("{} of their time lies behind the return of dev_hard_start_xmit, where softirqs run that have "
                        "waited, and where a qdisc's other frames are handed on",
                        duration(tail.behind_ns)),
            tail.received
                ? fmt::format("in {} of them a packet socket was offered the frame in between: without RPS that is "
                              "a softirq on the sender's CPU",
                              tail.received)
                : "that it was softirqs is inferred from where the time lies: they have no hook of their own"};
        slow_.put_into(finding, tail.sends);
        finding.cause =
            "softirqs on the sender's CPU (receiving, timers, RCU) run when __dev_queue_xmit lets them, or "
            "the sender waits for the qdisc's lock or hands on frames of others";
        finding.advice =
            "/proc/softirqs and mpstat -I SCPU show which, by CPU; move the interrupts away from the "
            "sender's CPU (/proc/irq/N/smp_affinity, RPS: /sys/class/net/IFACE/queues/rx-0/rps_cpus), or "
            "the sender from them (taskset)";
        found.push_back(std::move(finding));
    }

    void add_inside(std::vector<Finding>& found, const Totals& all) const {
        const double time = share(behind_ns_, all.kernel_ns);
        if (share(inside_.count(), all.sends) < least_inside_share || time < least_behind_share) return;
        Finding finding;
        finding.rule = "receiver-inside";
        finding.kind = FindingKind::time;
        finding.cost = time;
        finding.title = fmt::format("{} did the receiver's work before they returned: {} of {}",
                                    of_recorded(inside_.count(), all), percent(time), all_time(all));
        finding.evidence = {
            fmt::format("from the return of dev_hard_start_xmit to that of __dev_queue_xmit: {} in the median, p99 {}, "
                        "and the receiving socket was offered the frame in between",
                        duration(inside_.quantile(0.5)), duration(inside_.quantile(0.99))),
            "received by: " + receivers_.listed()};
        inside_sends_.put_into(finding);
        finding.cause =
            "veth and lo hand the frame to a softirq of the same CPU, which runs inside the send: the sender "
            "pays for the receiver";
        finding.advice =
            "RPS on the receiving interface: echo a mask of other CPUs to "
            "/sys/class/net/IFACE/queues/rx-0/rps_cpus; for veth also ethtool -K IFACE gro on, which gives "
            "it NAPI";
        found.push_back(std::move(finding));
    }

    Histogram totals_;
    Histogram outside_;
    std::vector<Sums> by_time_;  // by Histogram::bucket_of() of the whole time
    Examples slow_;
    Histogram inside_;
    std::uint64_t behind_ns_ = 0;
    Examples inside_sends_;
    NameCounts receivers_;
};

}  // namespace

std::unique_ptr<Rule> softirq_rule() {
    return std::make_unique<Softirq>();
}

}  // namespace sockray
