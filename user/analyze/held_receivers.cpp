// What packet sockets counted (net/packet/af_packet.c, packet_rcv and tpacket_rcv): a frame behind the socket's filter
// is one more in tp_packets where it is taken, and in tp_drops where there is no room; getsockopt adds both up as
// tp_packets. packet_rcv counts drops in sk_drops too, which PACKET_STATISTICS leaves as it is.
#include "user/analyze/held_cause.h"
#include "user/analyze/held_counters.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

// Hits that the kernel skipped on the receiving side, or may have: their number, or that it does not count them.
std::string skipped_hits(const Ledger& ledger) {
    const auto receives = [](Stage stage) { return stage == Stage::packet_rcv || stage == Stage::tpacket_rcv; };
    std::uint64_t theirs = 0, of_several = 0;
    if (ledger.skipped)
        for (const StageHits& one : *ledger.skipped) {
            if (receives(one.stage)) theirs += one.hits;
            if (one.stage == Stage::none) of_several += one.hits;
        }
    if (theirs) return fmt::format(", or at {} that the kernel skipped", count_of(theirs, "hit"));
    if (of_several)
        return fmt::format(", or among {} that the kernel skipped at hooks of several stages",
                           count_of(of_several, "hit"));
    for (const Stage stage : ledger.uncounted)
        if (receives(stage)) return ", or at hits that the kernel skipped, which it does not count";
    return "";
}

std::string others_than_traced(const Ending& ending, const ReceiverCounters& all) {
    const Ledger& ledger = ending.ledger;
    const std::uint64_t lost = ledger.sends.lost.total() + ledger.frames.lost();
    std::string who = "of others than the traced senders";
    if (!ledger.driven) who += ", or sent while tracing began or ended";
    if (ledger.filtered) who += fmt::format(", or among the {} that did not match the filter", ledger.filtered);
    if (lost)
        who += fmt::format(", or among the {} that tracing lost", count_of(lost, "send or frame", "sends and frames"));
    if (all.unnamed) who += fmt::format(", or among {} to more sockets than are named", count_of(all.unnamed, "offer"));
    return who + skipped_hits(ledger);
}

}  // namespace

std::vector<HeldCounter> hold_counters(const Ending& ending, const ReceiverDelta& delta) {
    if (delta.gone || !ending.receivers) return {};
    const std::uint64_t offered = delta.taken + delta.full;
    const bool was_read = delta.reset || (delta.sk_drops && *delta.sk_drops > delta.tp_drops);
    const std::string since = was_read ? "; and it has those alone that came since its owner last read them" : "";
    const std::string fewer = fmt::format("its owner {} them meanwhile (PACKET_STATISTICS), which sets them to 0",
                                          was_read ? "read" : "may have read");
    const std::string others = others_than_traced(ending, *ending.receivers);
    const Candidate copies{delta.tap ? offered : 0, "came to it: as a tap it gets a copy of each on its way out too",
                           "copies of frames on their way out, which it gets as a tap"};
    const Candidate unknown{
        delta.unknown, "were offered to it while other frames were, so what it did is not known",
        fmt::format("among the {} that were offered to it while others were", count_of(delta.unknown, "frame"))};
    std::vector<HeldCounter> all;
    all.push_back(held("tp_packets", delta.tp_packets, offered, "taken or without room",
                       cause_of_more(delta.tp_packets, offered, {unknown, copies}, others) + since, fewer));
    all.push_back(held("tp_drops", delta.tp_drops, delta.full, "without room",
                       cause_of_more(delta.tp_drops, delta.full, {unknown, copies}, others) + since, fewer));
    if (delta.sk_drops)
        all.push_back(held("sk_drops", *delta.sk_drops, delta.full, "without room",
                           cause_of_more(*delta.sk_drops, delta.full, {unknown, copies}, others),
                           "it had a ring for some of them"));
    return all;
}

}  // namespace sockray
