// Sessions as a machine would tell them, for the tests of whole reports.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include "analyze_records.h"
#include "user/correlate/sink.h"

namespace sockray::made {

inline constexpr std::string_view hostile_comm = "</b><img src=x>";  // as long as a task's name can be
inline constexpr std::string_view hostile_text = "</script><img src=x onerror=alert(1)>\"'&\x1b[2J";

inline Origin origin() {
    Origin origin;
    origin.version = "1.0";
    origin.command = {"sockray", "trace", "--stages", "device", "--", "./sender", std::string(hostile_text)};
    origin.host = "box";
    origin.kernel = "6.12.0";
    origin.machine = "x86_64";
    origin.start_ns = 5'000'000'000;
    origin.realtime_offset_ns = 1'700'000'000'000'000'000;
    return origin;
}

// Sends of two paths, straight to the driver and through a queue that grows, with drops, failures and a lost record
// among them. What it tells is the same for the same count.
class MixedSession {
  public:
    explicit MixedSession(std::uint64_t sends) : sends_(sends) {}

    void tell(Sink& sink) {
        sink.begin(origin_, plan_, names_);
        sink.socket(socket(), 1);
        sink.socket(refused_socket(), 2);
        for (std::uint64_t id = 1; id <= sends_; id++) {
            const Send send = send_of(id);
            ending_.ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
            sink.send(send);
        }
        end(sink);
    }

    const Ending& ending() const { return ending_; }

  private:
    // Log-normal, about 1, with a tail.
    std::uint64_t scale() {
        std::uint64_t sum = 0;
        for (int i = 0; i < 12; i++) sum += random_() % 1000;
        const double normal = (static_cast<double>(sum) - 5994) / 1000;
        const double slow = random_() % 200 == 0 ? 3 : 0;
        return static_cast<std::uint64_t>(std::exp(normal * 0.25 + slow) * 100);
    }

    Send send_of(std::uint64_t id) {
        const std::uint64_t begin = origin_.start_ns + 2'000'000 + id * 90'000;
        Send send = id % 9 == 0   ? followed(id, begin)
                    : id % 4 == 0 ? inlined(delivered(id, begin))
                                  : delivered(id, begin);
        if (id % 1000 == 500) send = failed(id, begin);
        if (id % 1000 > 960) send = dropped(id, begin);
        if (id % 1000 == 500 && id % 2000 == 500) send.reason = std::string(hostile_text);
        if (id % 7 == 0) set(send.record.comm, hostile_comm);
        const std::uint64_t percent = scale();
        for (int slot = 0; slot < SR_SLOT_COUNT; slot++)
            for (__u64* ns : {&send.record.span[slot].start, &send.record.span[slot].end})
                if (*ns) *ns = begin + (*ns - begin) * percent / 100;
        if (id % 9 == 0)
            for (const int slot : {SR_SLOT_DEQUEUE, SR_SLOT_NDO, SR_SLOT_RECEIVE, SR_SLOT_FREED})
                for (__u64* ns : {&send.record.span[slot].start, &send.record.span[slot].end})
                    if (*ns) *ns += id % 5000 * 1000;
        if (send.outcome == Outcome::dropped) send.record.drop_ns = send.record.span[SR_SLOT_XMIT].start + 900;
        if (id + 3 > sends_ && sends_ > 10) {
            send.outcome = Outcome::queued;
            send.reason = "in tbf of veth0 when tracing ended";
        }
        return send;
    }

    void end(Sink& sink) {
        Ledger& ledger = ending_.ledger;
        ledger.decoded = ledger.shown = sends_;
        ledger.sends.lost.no_room = sends_ / 1000;
        ledger.sends.seen = sends_ + ledger.sends.lost.total();
        ledger.sends.emitted = ledger.sends.seen;
        ledger.sockets.seen = ledger.sockets_decoded = 2;
        if (ledger.sends.lost.no_room) ledger.lost_by_cpu = {{1, ledger.sends.lost.no_room, 0, 0, 0, 0, 0, 0}};
        ending_.devices = {{"veth0", sends_, sends_ * 42, 7, 0, 4026531840}};
        ending_.end_ns = origin_.start_ns + 4'000'000 + sends_ * 90'000;
        sink.end(ending_);
    }

    std::uint64_t sends_;
    std::mt19937 random_{1};
    Origin origin_ = origin();
    Plan plan_ = plan(true);
    Names names_;
    Ending ending_;
};

}  // namespace sockray::made
