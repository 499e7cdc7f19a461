// Interfaces that are down, gone, or without carrier.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/analyze/reasons.h"
#include "user/base/format.h"

namespace sockray {
namespace {

struct Lost {
    std::uint64_t sends = 0;
    Examples examples;
    NameCounts devices;
    Reasons reasons;

    void add(const Send& send) {
        sends++;
        examples.add(send);
        devices.add(send.record.ifname);
        reasons.add(send);
    }
    bool stands_out(const Totals& all) const { return share(sends, all.whole()) >= least_lost_share; }
    Finding finding(const char* rule, const Totals& all, const char* what) const {
        Finding finding;
        finding.rule = rule;
        finding.cost = share(sends, all.whole());
        finding.title = of_lost(sends, all) + what;
        for (const Reason* reason : reasons.most(3))
            finding.evidence.push_back(fmt::format("{}: {}", reason->sends, reason->text));
        examples.put_into(finding);
        return finding;
    }
};

class Interface : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "interfaces that are down, gone or without carrier", .lost_sends = true}};
    }

    void send(const SeenSend& seen) override {
        if (seen.lost_to == LostTo::interface_down) down_.add(seen.send);
        if (seen.lost_to == LostTo::interface_gone) gone_.add(seen.send);
        if (seen.lost_to == LostTo::carrier) carrier_.add(seen.send);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        std::vector<Finding> found;
        if (down_.stands_out(all)) {
            Finding finding = down_.finding("interface-down", all, " met an interface that is or was down (ENETDOWN)");
            finding.cause =
                "the interface is down, or went down after the socket was bound: that error is kept once "
                "for the next call";
            finding.advice = fmt::format("ip link set dev {} up; a sender that lives on: try again after ENETDOWN",
                                         shell_word(down_.devices.first()));
            found.push_back(std::move(finding));
        }
        if (gone_.stands_out(all)) {
            Finding finding = gone_.finding("interface-gone", all, " named no interface that is there (ENXIO, ENODEV)");
            finding.cause =
                "the interface was deleted, is in another network namespace, or neither bind() nor the "
                "call named one";
            finding.advice =
                "ip link in the sender's namespace; bind() again, with the index that if_nametoindex() "
                "gives now: one that was deleted and made again has another index";
            found.push_back(std::move(finding));
        }
        if (carrier_.stands_out(all)) {
            Finding finding =
                carrier_.finding("no-carrier", all,
                                 carrier_.sends == 1 ? " was dropped because the interface has no carrier"
                                                     : " were dropped because the interface has no carrier");
            finding.evidence.push_back("by device: " + carrier_.devices.listed());
            finding.cause =
                "the cable or the peer is down: without carrier the kernel takes frames and drops them "
                "before any driver has them";
            finding.advice = fmt::format("ip link show dev {}: NO-CARRIER; bring the other end up",
                                         shell_word(carrier_.devices.first()));
            found.push_back(std::move(finding));
        }
        return found;
    }

  private:
    Lost down_;
    Lost gone_;
    Lost carrier_;
};

}  // namespace

std::unique_ptr<Rule> interface_rule() {
    return std::make_unique<Interface>();
}

}  // namespace sockray
