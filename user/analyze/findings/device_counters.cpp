// Devices that count less than their drivers took, or more drops than the ledger knows of.

#include <algorithm>

#include "user/analyze/devices.h"
#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr double least_difference = 0.01;  // of the device's frames; less may be counted a moment later

class DeviceCounters : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "the devices' own counters", .ledger = true, .all_files = true}};
    }

    void begin(const Plan&, const KernelNames& names) override { names_ = &names; }

    void send(const SeenSend& seen) override {
        devices_.add(seen.send, *names_);
        if (seen.send.outcome == Outcome::delivered) examples_.add(seen.send);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending& ending) const override {
        Finding finding;
        finding.rule = "device-counters";
        if (ending.missing.any()) return {};  // the counters are of the whole session, the sends are not
        const std::uint64_t not_here = not_here_of(all, ending.ledger);
        std::uint64_t worst = 0;
        for (const DeviceDelta& delta : ending.devices) {
            if (delta.gone) continue;
            const DeviceSends sends = devices_.of(delta.ifname, delta.netns_ino, delta.ifindex);
            const std::uint64_t taken = sends.frames_delivered;
            const std::uint64_t fewer = taken - std::min(taken, delta.tx_packets);
            const std::uint64_t lost = delta.tx_dropped + delta.tx_errors;
            // Any of those that are not here may have been lost on this device.
            const std::uint64_t explained = sends.lost + not_here;
            const std::uint64_t more_lost = lost - std::min(lost, explained);
            if (share(std::max(fewer, more_lost), std::max<std::uint64_t>(taken, 1)) < least_difference) continue;
            if (std::max(fewer, more_lost) > worst) {
                worst = std::max(fewer, more_lost);
                finding.title = describe(delta, taken, fewer, more_lost);
                finding.advice = fmt::format(
                    "ethtool -S {0} and ip -s -d link show dev {0}, a little later once more; a "
                    "count on the receiving side",
                    shell_word(delta.ifname));
            }
            finding.evidence.push_back(fmt::format(
                "{}: tx_packets +{}, tx_dropped +{}, tx_errors +{} from its statistics; by the ledger its "
                "driver took {}, and {} not delivered{}",
                delta.ifname, delta.tx_packets, delta.tx_dropped, delta.tx_errors, count_of(taken, "frame"),
                count_of(sends.lost, "send was", "sends were"),
                not_here ? fmt::format("; {} not here (filter, --outcome, -c, or tracing lost them) and may "
                                       "have been lost too",
                                       count_of(not_here, "more is", "more are"))
                         : ""));
        }
        if (!worst) return {};
        finding.cost = share(worst, all.whole());
        examples_.put_into(finding, 0);  // any of its frames may be one of those
        finding.cause =
            "the driver took frames and gave them up behind its return (link, peer, hardware), counts late, "
            "or other senders' frames were dropped on the same device";
        return {finding};
    }

  private:
    // Sends of the session that the recording does not have, and of which none says that they were delivered.
    static std::uint64_t not_here_of(const Totals& all, const Ledger& ledger) {
        std::uint64_t sends = ledger.filtered + ledger.sends.lost.total();
        for (std::size_t i = 0; i < all.by_outcome.size(); i++)
            if (static_cast<Outcome>(i) != Outcome::delivered)
                sends += ledger.decoded_by_outcome[i] - std::min(ledger.decoded_by_outcome[i], all.by_outcome[i]);
        return sends;
    }
    static std::string describe(const DeviceDelta& delta, std::uint64_t taken, std::uint64_t fewer,
                                std::uint64_t more_lost) {
        if (fewer >= more_lost)
            return fmt::format("{} counted {} fewer than the {} that its driver took", delta.ifname,
                               count_of(fewer, "frame"), taken);
        return fmt::format("{} counted {} more than sends were lost on it", delta.ifname,
                           count_of(more_lost, "drop or error", "drops and errors"));
    }

    const KernelNames* names_ = nullptr;
    Devices devices_;
    Examples examples_;
};

}  // namespace

std::unique_ptr<Rule> device_counters_rule() {
    return std::make_unique<DeviceCounters>();
}

}  // namespace sockray
