#include "user/analyze/held_counters.h"

#include "user/analyze/held_cause.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr const char* not_among_files = ", or in files of the session that are not here";

// The ledger has them, the sums of the devices have not: they were not among what was recorded.
bool are_left_out_here(const Devices& devices, const Ledger& ledger) {
    return ledger.left_out && devices.added() < ledger.decoded;
}

std::string others_than(const Devices& devices, const Ending& ending, const DeviceDelta& delta) {
    const Ledger& ledger = ending.ledger;
    std::string who = delta.no_ipv6 ? "from other senders or the kernel itself"
                                    : "from other senders or the kernel itself (IPv6 neighbour discovery, for one)";
    if (!ledger.driven) who += ", or sent while tracing began or ended";
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
    const QdiscDelta& qdisc = delta.qdisc;
    // Its copies are enqueued, and counted, as frames of their own (net/sched/sch_netem.c, netem_enqueue).
    const std::string others = (qdisc.kind == "netem" ? "copies that the netem qdisc made (duplicate), or " : "") +
                               others_than(devices, ending, delta);
    const std::uint64_t open = ledger.count(Outcome::queued) + ledger.count(Outcome::unknown);
    const Candidate queued{sends.queued, "are queued", ""};
    const Candidate unknown{sends.unknown, "are unknown", ""};
    const Candidate freed{sends.freed_by_driver,
                          "its driver, or a device below it, freed as dropped: it counts them as sent",
                          fmt::format("among the {} that its driver, or a device below it, freed as dropped",
                                      count_of(sends.freed_by_driver, "send")),
                          true};
    const Candidate waited{qdisc.waited, "waited in it when tracing began",
                           "from those that waited in it when tracing began"};

    std::vector<HeldCounter> all;
    all.push_back(
        held("tx_packets", delta.tx_packets, sends.frames_delivered, "delivered",
             cause_of_more(delta.tx_packets, sends.frames_delivered, {freed, queued, unknown},
                           open ? fmt::format("{}, or among the {} queued or unknown", others, open) : others),
             "it counts late, or dropped them itself"));
    if (qdisc.kind.empty() || qdisc.kind == "noqueue") return all;
    const std::uint64_t through = sends.frames_delivered - sends.frames_bypassed + sends.dropped_behind;
    const char* not_here = ending.missing.any() ? not_among_files : "";
    const char* left_out =
        are_left_out_here(devices, ledger) ? ", or of sends that --outcome left out of the recording" : "";
    const char* filtered = ledger.filtered ? ", or of sends that did not match the filter" : "";
    all.push_back(held("sent", qdisc.packets, through,
                       sends.dropped_behind ? "delivered through it or dropped behind it" : "delivered through it",
                       cause_of_more(qdisc.packets, through, {queued, unknown, waited},
                                     others + "; a frame that is segmented behind it counts once a segment"),
                       "some went past it"));
    const Candidate flushed{
        sends.flushed, "were in it when it was emptied or changed",
        fmt::format("among the {} that were in it when it was emptied or changed", count_of(sends.flushed, "send"))};
    all.push_back(held("drops", qdisc.drops, sends.refused_in_queue, "that the queue did not take or keep",
                       cause_of_more(qdisc.drops, sends.refused_in_queue, {flushed, unknown},
                                     fmt::format("of other senders, or of sends that are unknown here{}{}{}", filtered,
                                                 left_out, not_here)),
                       "a filter at the egress (tc, netfilter) dropped them before the qdisc had them"));
    const std::string among_unknown =
        sends.unknown ? fmt::format(", or among the {} that are unknown here", count_of(sends.unknown, "send")) : "";
    all.push_back(
        held("waiting", qdisc.waiting, sends.queued, "queued",
             cause_of_more(qdisc.waiting, sends.queued, {unknown, waited},
                           fmt::format("of other senders{}{}{}{}", among_unknown, filtered, left_out, not_here)),
             "they left, or were dropped, while tracing ended"));
    return all;
}

}  // namespace sockray
