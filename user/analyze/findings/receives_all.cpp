// Senders whose sockets also receive every frame, or that get back what they send.
#include <arpa/inet.h>
#include <linux/if_ether.h>

#include <unordered_map>

#include "user/analyze/findings/rules.h"
#include "user/analyze/findings/words.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"

namespace sockray {
namespace {

// A program that asks and listens (arping, a DHCP client) sends a few; one that sends so many is a sender.
constexpr std::uint64_t least_sends = 100;
constexpr std::size_t sockets_kept = 256;

struct Socket {
    std::uint32_t pid = 0;
    std::uint64_t sends = 0;
};

class ReceivesAll : public Rule {
  public:
    std::vector<LooksAt> looks_at() const override { return {{.subject = "senders that receive everything"}}; }

    void socket(const sr_socket& record) override {
        opened_all_ += record.ret == 0 && record.po_num == htons(ETH_P_ALL);
    }

    void send(const SeenSend& seen) override {
        const sr_send& record = seen.send.record;
        if (record.protocol == htons(ETH_P_ALL)) {
            auto known = sockets_.find(record.socket_ino);
            if (known == sockets_.end() && sockets_.size() < sockets_kept)
                known = sockets_.emplace(record.socket_ino, Socket{record.pid, 0}).first;
            if (known != sockets_.end()) known->second.sends++;
            sends_++;
            taps_ns_ += before_driver(record);
            senders_.add(fmt::format("{}[{}]", record.comm, record.pid));
            examples_.add(seen.send, came_back(record));
        }
        if (came_back(record)) {
            back_++;
            back_full_ += record.received == SR_RECEIVED_FULL;
        }
    }

    std::vector<Finding> conclude(const Totals& all, const Ending&) const override {
        std::uint64_t sockets = 0;
        for (const auto& [ino, socket] : sockets_) sockets += socket.sends >= least_sends;
        if (!sockets) return {};
        Finding finding;
        finding.rule = "receives-all";
        finding.kind = FindingKind::time;
        finding.cost = share(taps_ns_, all.kernel_ns);
        finding.title =
            fmt::format("{} came from sockets that also receive every frame (ETH_P_ALL)", of_recorded(sends_, all));
        finding.evidence.push_back(fmt::format("{} with po->num ETH_P_ALL sent {} frames or more each; by sender: {}",
                                               count_of(sockets, "socket"), least_sends, senders_.listed()));
        if (opened_all_)
            finding.evidence.push_back(fmt::format("{} created with ETH_P_ALL while tracing ran",
                                                   count_of(opened_all_, "socket was", "sockets were")));
        if (back_)
            finding.evidence.push_back(fmt::format(
                "{} came back to a socket of the same process{}: the receiver that was offered the frame "
                "first (packet_rcv, tpacket_rcv)",
                of_recorded(back_, all),
                back_full_ ? fmt::format(", {} of them to one whose buffer was full, so nobody reads it", back_full_)
                           : ""));
        if (taps_ns_)
            finding.evidence.push_back(fmt::format(
                "dev_hard_start_xmit took {} before ndo_start_xmit in all of these sends: that is where taps get "
                "their copies",
                duration(taps_ns_)));
        examples_.put_into(finding);
        finding.cause =
            "the protocol in socket() or bind() says what the socket receives; ETH_P_ALL gives it a copy of "
            "everything on its interfaces, also of what other sockets send, until its buffer is full";
        finding.advice =
            "for a socket that only sends: socket(AF_PACKET, SOCK_RAW, 0) and bind() with sll_protocol 0; "
            "for one that must listen: setsockopt SOL_PACKET PACKET_IGNORE_OUTGOING, or a BPF filter";
        return {finding};
    }

  private:
    // The taps run in dev_hard_start_xmit before the driver (net/core/dev.c: xmit_one, dev_queue_xmit_nit).
    static std::uint64_t before_driver(const sr_send& record) {
        const sr_span& driver = record.span[SR_SLOT_DRIVER];
        const sr_span& own = record.span[SR_SLOT_NDO];
        return driver.start && own.start >= driver.start && own.end <= driver.end ? own.start - driver.start : 0;
    }
    bool came_back(const sr_send& record) const {
        if (!record.receivers || !record.received_ino) return false;
        if (record.received_ino == record.socket_ino) return true;
        const auto receiver = sockets_.find(record.received_ino);
        return receiver != sockets_.end() && receiver->second.pid == record.pid;
    }

    std::unordered_map<std::uint64_t, Socket> sockets_;  // that send with ETH_P_ALL, by inode
    std::uint64_t opened_all_ = 0;
    std::uint64_t sends_ = 0;
    std::uint64_t back_ = 0;
    std::uint64_t back_full_ = 0;
    std::uint64_t taps_ns_ = 0;
    Examples examples_;
    NameCounts senders_;
};

}  // namespace

std::unique_ptr<Rule> receives_all_rule() {
    return std::make_unique<ReceivesAll>();
}

}  // namespace sockray
