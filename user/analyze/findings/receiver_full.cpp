// Packet sockets on this machine that had no room for the frames that were sent.

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

class ReceiverFull : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override {
        return {{.subject = "receivers without room",
                 .needs = {stage_bit(Stage::packet_rcv) | stage_bit(Stage::tpacket_rcv)}}};
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        if (!record.receivers) return;
        offered_++;
        const FrameReceiver first{record.received_ino, 0, record.received,
                                  std::uint32_t{record.stage[SR_SLOT_RECEIVE]}};
        bool full = count_full(first);
        for (const FrameReceiver& one : seen.send.also_received) full |= count_full(one);
        if (!full) return;
        full_++;
        examples_.add(seen.send);
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        Finding finding;
        finding.rule = "receiver-full";
        finding.cost = share(full_, all.whole());
        if (finding.cost < least_lost_share) return {};
        finding.title =
            fmt::format("{} of {}{} that a packet socket of this machine was offered ({}) found it full", full_,
                        count_of(offered_, "frame"), all.left_out ? " recorded" : "", percent(share(full_, offered_)));
        finding.evidence = {
            fmt::format("{} at a receive buffer (packet_rcv), {} at an RX ring (tpacket_rcv), by the socket's own drop "
                        "counter before and behind; a frame counts once at each receiver that was full",
                        buffer_, ring_),
            "by receiver: " + sockets_.listed()};
        examples_.put_into(finding);
        finding.cause = "the receiver reads more slowly than frames come, or not at all";
        finding.advice =
            "sockray sockets and ss -0 -e show who holds the inode. More room: SO_RCVBUF, or more blocks in "
            "PACKET_RX_RING; less to read: a BPF filter; more readers: PACKET_FANOUT; a socket that nobody "
            "reads: protocol 0";
        return {finding};
    }

  private:
    bool count_full(const FrameReceiver& one) {
        if (one.received != SR_RECEIVED_FULL) return false;
        (one.stage == SR_STAGE_TPACKET_RCV ? ring_ : buffer_)++;
        sockets_.add(fmt::format("socket inode {}", one.socket_ino));
        return true;
    }

    std::uint64_t offered_ = 0;
    std::uint64_t full_ = 0;
    std::uint64_t buffer_ = 0;
    std::uint64_t ring_ = 0;
    Examples examples_;
    NameCounts sockets_;
};

}  // namespace

std::unique_ptr<Rule> receiver_full_rule() {
    return std::make_unique<ReceiverFull>();
}

}  // namespace sockray
