// Frames that are longer than their interface takes. Frames of a TX ring: ring_format.cpp.

#include <algorithm>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class FrameLength : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override { return {{.subject = "frames over the MTU", .lost_sends = true}}; }

    void send(const SeenSend& seen) override {
        if (seen.lost_to != LostTo::length) return;
        const sr_send& record = seen.send.record;
        sends_++;
        longest_ = std::max<std::uint64_t>(longest_, record.len);
        examples_.add(seen.send, record.len);
        devices_.add(record.ifname);
        limits_.add(record.flags & SR_SEND_DEVICE
                        ? fmt::format("{} (MTU {} + {})", record.ifname, record.mtu, record.hard_header_len)
                        : record.ifname);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        Finding finding;
        finding.rule = "frame-length";
        finding.cost = share(sends_, all.whole());
        if (finding.cost < least_lost_share) return {};
        finding.title = fmt::format("{} {} longer than {} interface takes (EMSGSIZE)", of_lost(sends_, all),
                                    verb_of(sends_, "was", "were"), verb_of(sends_, "its", "their"));
        finding.evidence.push_back(
            fmt::format("the longest had {} bytes, by the length given to packet_sendmsg", longest_));
        finding.evidence.push_back("refused, by the interface's limit: " + limits_.listed());
        examples_.put_into(finding);
        finding.cause = "packet_snd takes at most the MTU and, with SOCK_RAW, the link-layer header before it";
        finding.advice = fmt::format(
            "shorter frames; or a larger MTU on this interface and all behind it: ip link set dev {} mtu N; or "
            "PACKET_VNET_HDR with a gso_size, and the kernel cuts the frame up",
            shell_word(devices_.first()));
        return {finding};
    }

  private:
    std::uint64_t sends_ = 0;
    std::uint64_t longest_ = 0;
    Examples examples_;
    NameCounts devices_;
    NameCounts limits_;
};

}  // namespace

std::unique_ptr<Rule> frame_length_rule() {
    return std::make_unique<FrameLength>();
}

}  // namespace sockray
