#include "user/analyze/held_counters.h"

#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr const char* not_among_files = ", or in files of the session that are not here";

HeldCounter held(std::string_view counter, std::uint64_t counted, std::uint64_t expected, std::string_view what,
                 std::string more, std::string fewer) {
    HeldCounter result{counter, counted, expected, what, ""};
    if (counted > expected) result.cause = std::move(more);
    if (counted < expected) result.cause = std::move(fewer);
    return result;
}

// The ledger has them, the sums of the devices have not: they were not among what was recorded.
bool are_left_out_here(const Devices& devices, const Ledger& ledger) {
    return ledger.left_out && devices.added() < ledger.decoded;
}

std::string others_than(const Devices& devices, const Ending& ending) {
    const Ledger& ledger = ending.ledger;
    std::string who = "from other senders or the kernel itself (IPv6 neighbour discovery, for one)";
    // Its sends are told up to the last that -c asked for, and counted up to the end.
    if (ending.capture && ledger.shown < ledger.selected())
        who = fmt::format("among the {} behind the last of -c, ", count_of(ledger.selected() - ledger.shown, "send")) +
              who;
    if (ledger.filtered) who += fmt::format(", or among the {} that did not match the filter", ledger.filtered);
    if (are_left_out_here(devices, ledger)) who += ", or left out of the recording by --outcome";
    if (ending.missing.any()) who += not_among_files;
    if (devices.other_sends())
        who +=
            fmt::format(", or among {} on more devices than are kept apart", count_of(devices.other_sends(), "send"));
    return who;
}

}  // namespace

std::vector<HeldCounter> hold_counters(const Ending& ending, const Devices& devices, const DeviceDelta& delta) {
    if (delta.gone) return {};
    const Ledger& ledger = ending.ledger;
    const DeviceSends sends = devices.of(delta.ifname, delta.netns_ino, delta.ifindex);
    const std::string others = others_than(devices, ending);
    const std::uint64_t open = ledger.count(Outcome::queued) + ledger.count(Outcome::unknown);
    std::vector<HeldCounter> all;
    all.push_back(held("tx_packets", delta.tx_packets, sends.frames_delivered, "delivered",
                       open ? fmt::format("{}, or among the {} queued or unknown", others, open) : others,
                       "it counts late, or dropped them itself"));
    const QdiscDelta& qdisc = delta.qdisc;
    if (qdisc.kind.empty() || qdisc.kind == "noqueue") return all;
    const std::uint64_t through = sends.frames_delivered - sends.frames_bypassed;
    const char* not_here = ending.missing.any() ? not_among_files : "";
    const char* left_out =
        are_left_out_here(devices, ledger) ? ", or of sends that --outcome left out of the recording" : "";
    const char* filtered = ledger.filtered ? ", or of sends that did not match the filter" : "";
    const char* kept = qdisc.waited ? ", or waited in it when tracing began" : "";
    all.push_back(held("sent", qdisc.packets, through, "delivered through it",
                       fmt::format("{}{}; a frame that is segmented behind it counts once a segment", others, kept),
                       "some went past it"));
    all.push_back(
        held("drops", qdisc.drops, sends.refused_in_queue, "that the queue did not take or keep",
             fmt::format("of other senders, or of sends that are unknown here{}{}{}", filtered, left_out, not_here),
             "a filter at the egress (tc, netfilter) dropped them before the qdisc had them"));
    all.push_back(held("waiting", qdisc.waiting, sends.queued, "queued",
                       fmt::format("of other senders{}{}{}{}", qdisc.waited ? ", or from before tracing" : "", filtered,
                                   left_out, not_here),
                       "they left, or were dropped, while tracing ended"));
    return all;
}

}  // namespace sockray
