// One thread that carries nearly everything, and is busy with it, while others send too.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr double least_share = 0.9;            // of all sends, by one thread
constexpr double least_busy = 0.5;             // of the session inside its sends: with less it is not what limits
constexpr std::uint64_t least_sends = 1000;    // fewer are no load
constexpr std::uint64_t least_by_others = 10;  // of each other thread: below that it does not share in the work at all
constexpr std::size_t threads_kept = 256;
constexpr std::size_t others_shown = 2;

struct Thread {
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    std::string comm;
    std::uint64_t sends = 0;
    std::uint64_t kernel_ns = 0;
    Examples examples;
};

class OneThread : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "one of several threads that carries everything"}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        first_ns_ = std::min(first_ns_, seen.begin_ns);
        last_ns_ = std::max(last_ns_, seen.begin_ns + seen.kernel_ns);
        Thread* thread = thread_of(record);
        if (!thread) return;
        thread->sends++;
        thread->kernel_ns += seen.kernel_ns;
        thread->examples.add(seen.send, seen.kernel_ns);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        std::uint64_t senders = 0;
        const Thread* most = nullptr;
        for (const Thread& thread : threads_) {
            senders += thread.sends >= least_by_others;
            if (!most || thread.sends > most->sends) most = &thread;
        }
        if (senders < 2 || all.sends < least_sends || last_ns_ <= first_ns_) return {};
        const double carried = share(most->sends, all.sends);
        const double busy = share(most->kernel_ns, last_ns_ - first_ns_);
        if (carried < least_share || busy < least_busy) return {};
        Finding finding;
        finding.rule = "one-thread";
        finding.kind = FindingKind::time;
        // The time that the others could have taken over, were all shared alike.
        finding.cost = busy * (carried - 1.0 / static_cast<double>(senders));
        finding.title = fmt::format("one of {} threads carried {}, and was inside its sends for {} of the time",
                                    senders, of_recorded(most->sends, all), percent(busy));
        finding.evidence.push_back(
            fmt::format("{}[{}], thread {}: {} in its sends, of {} from the first send to the last", most->comm,
                        most->pid, most->tid, duration(most->kernel_ns), duration(last_ns_ - first_ns_)));
        for (const Thread* thread : next_to(most))
            finding.evidence.push_back(fmt::format("{}[{}], thread {}: {}, {} in them", thread->comm, thread->pid,
                                                   thread->tid, count_of(thread->sends, "send"),
                                                   duration(thread->kernel_ns)));
        most->examples.put_into(finding);
        finding.cause = "the work is not shared alike between the threads that send";
        finding.advice =
            "give each thread a socket of its own and its part of the frames, each on a CPU of its own "
            "(taskset, pthread_setaffinity_np), so that XPS or the driver gives each a transmit queue";
        return {finding};
    }

  private:
    Thread* thread_of(const sr_send& record) {
        if (last_ < threads_.size() && threads_[last_].tid == record.tid) return &threads_[last_];
        for (last_ = 0; last_ < threads_.size(); last_++)
            if (threads_[last_].tid == record.tid) return &threads_[last_];
        if (threads_.size() == threads_kept) return nullptr;
        return &threads_.emplace_back(Thread{record.pid, record.tid, record.comm, 0, 0, {}});
    }

    // The others with the most sends.
    std::vector<const Thread*> next_to(const Thread* most) const {
        std::vector<const Thread*> others;
        for (const Thread& thread : threads_)
            if (&thread != most && thread.sends >= least_by_others) others.push_back(&thread);
        std::stable_sort(others.begin(), others.end(),
                         [](const Thread* a, const Thread* b) { return a->sends > b->sends; });
        if (others.size() > others_shown) others.resize(others_shown);
        return others;
    }

    std::vector<Thread> threads_;
    std::size_t last_ = 0;
    std::uint64_t first_ns_ = UINT64_MAX;
    std::uint64_t last_ns_ = 0;
};

}  // namespace

std::unique_ptr<Rule> one_thread_rule() {
    return std::make_unique<OneThread>();
}

}  // namespace sockray
