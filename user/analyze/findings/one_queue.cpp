// One transmit queue of several that carries nearly everything of its device, while several threads share the work.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr double least_share = 0.9;          // of the device's sends, by one queue
constexpr double least_busy = 0.5;           // of the session inside these sends: with less it is not what limits
constexpr double most_by_one_thread = 0.9;   // more, and it is the thread that carries everything
constexpr std::uint64_t least_sends = 1000;  // fewer are no load
constexpr std::size_t devices_kept = 32;
constexpr std::size_t counts_kept = 64;
constexpr std::size_t others_shown = 3;

// Sends by a number: of a queue, or of a thread.
struct Count {
    std::uint32_t number = 0;
    std::uint64_t sends = 0;
    std::uint64_t kernel_ns = 0;
};

class Counts {
  public:
    void add(std::uint32_t number, std::uint64_t kernel_ns) {
        auto found = std::ranges::find(all_, number, &Count::number);
        if (found == all_.end()) {
            if (all_.size() == counts_kept) return;
            found = all_.insert(all_.end(), Count{number});
        }
        found->sends++;
        found->kernel_ns += kernel_ns;
    }
    // The most sends first.
    std::vector<Count> sorted() const {
        std::vector<Count> sorted = all_;
        std::ranges::stable_sort(sorted, std::greater{}, &Count::sends);
        return sorted;
    }

  private:
    std::vector<Count> all_;
};

struct Device {
    std::string ifname;
    std::uint32_t netns_ino = 0;
    std::int32_t ifindex = 0;
    std::uint64_t sends = 0;  // whose queue is known
    Counts queues;
    Counts threads;
    Examples examples;
};

class OneQueue : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "one of several transmit queues that carries everything",
                 .needs = {stage_bit(Stage::start_xmit)}}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        first_ns_ = std::min(first_ns_, seen.begin_ns);
        last_ns_ = std::max(last_ns_, seen.begin_ns + seen.kernel_ns);
        Device* device = record.tx_queue ? device_of(record) : nullptr;
        if (!device) return;
        device->sends++;
        device->queues.add(record.tx_queue - 1, seen.kernel_ns);
        device->threads.add(record.tid, seen.kernel_ns);
        device->examples.add(seen.send, seen.kernel_ns);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending& ending) const override {
        std::vector<Finding> findings;
        for (const Device& device : devices_) {
            const std::vector<Count> queues = device.queues.sorted();
            const Count& most = queues.front();
            const std::uint64_t there = std::max<std::uint64_t>(queues_of(device, ending), queues.size());
            if (there < 2 || device.sends < least_sends || last_ns_ <= first_ns_) continue;
            const double carried = share(most.sends, device.sends);
            const double busy = share(most.kernel_ns, last_ns_ - first_ns_);
            if (carried < least_share || busy < least_busy) continue;
            if (share(device.threads.sorted().front().sends, device.sends) > most_by_one_thread) continue;
            findings.push_back(describe(device, queues, there, busy, all));
            // The time that the others could have taken over, were all shared alike.
            findings.back().cost = busy * (carried - 1.0 / static_cast<double>(there)) * share(device.sends, all.sends);
        }
        return findings;
    }

  private:
    static Finding describe(const Device& device, const std::vector<Count>& queues, std::uint64_t there, double busy,
                            const Totals& all) {
        Finding finding;
        finding.rule = "one-queue";
        finding.kind = FindingKind::time;
        finding.title = fmt::format("one of {} transmit queues of {} carried {}, which took {} of the time", there,
                                    device.ifname, of_recorded(queues.front().sends, device.sends, all), percent(busy));
        std::string shown;
        for (std::size_t i = 0; i < std::min(queues.size(), others_shown + 1); i++)
            shown += fmt::format("{}queue {}: {}", i ? ", " : "", queues[i].number, count_of(queues[i].sends, "send"));
        if (const std::uint64_t idle = there - queues.size())
            shown += fmt::format("; {} had none", count_of(idle, "other"));
        finding.evidence.push_back(std::move(shown));
        const std::size_t threads = device.threads.sorted().size();
        finding.evidence.push_back(fmt::format("{}{} sent through {}", count_of(threads, "thread"),
                                               threads == counts_kept ? " or more" : "", device.ifname));
        device.examples.put_into(finding);
        finding.cause =
            "the kernel chooses the queue by a hash of the frame's addresses and ports, which is the same for all of "
            "one "
            "flow and for what is no IP, or XPS gives the CPUs that send one and the same queue";
        finding.advice = fmt::format(
            "a queue for each CPU that sends: /sys/class/net/{0}/queues/tx-*/xps_cpus; several flows; ethtool -l {0} "
            "shows how many of the queues are in use",
            shell_word(device.ifname));
        return finding;
    }

    // What the kernel says that the device has; 0: not asked.
    static std::uint64_t queues_of(const Device& device, const Ending& ending) {
        for (const DeviceDelta& delta : ending.devices)
            if (delta.netns_ino == device.netns_ino && delta.ifindex == device.ifindex) return delta.tx_queues;
        return 0;
    }

    Device* device_of(const sr_send& record) {
        const auto is_it = [&record](const Device& device) {
            return device.ifindex == record.ifindex && device.netns_ino == record.netns_ino;
        };
        const auto found = std::ranges::find_if(devices_, is_it);
        if (found != devices_.end()) return &*found;
        if (devices_.size() == devices_kept) return nullptr;
        Device& device = devices_.emplace_back();
        device.ifname = record.ifname;
        device.netns_ino = record.netns_ino;
        device.ifindex = record.ifindex;
        return &device;
    }

    std::vector<Device> devices_;
    std::uint64_t first_ns_ = UINT64_MAX;
    std::uint64_t last_ns_ = 0;
};

}  // namespace

std::unique_ptr<Rule> one_queue_rule() {
    return std::make_unique<OneQueue>();
}

}  // namespace sockray
