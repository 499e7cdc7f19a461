// The sentences of the ledger that hold it against what devices and packet sockets counted.
#include <algorithm>
#include <utility>

#include "user/analyze/held_counters.h"
#include "user/base/format.h"
#include "user/base/words.h"
#include "user/report/ledger_words.h"

namespace sockray {
namespace {

std::string held_words(const HeldCounter& held) {
    const std::uint64_t counted = held.counted;
    const std::uint64_t expected = held.expected;
    if (counted == expected) return fmt::format(" = {} {}", held.what, expected);
    return counted > expected
               ? fmt::format(": {} more than the {} {}, {}", counted - expected, expected, held.what, held.cause)
               : fmt::format(": {} fewer than the {} {}; {}", expected - counted, expected, held.what, held.cause);
}

Tone tone_of(const HeldCounter& held) {
    if (held.counted == held.expected) return Tone::good;
    return held.counted > held.expected ? Tone::plain : Tone::warning;
}

}  // namespace

std::vector<LedgerLine> device_words(const Ending& ending, const Devices& devices, const DeviceDelta& delta) {
    std::vector<LedgerLine> lines;
    const QdiscDelta& qdisc = delta.qdisc;
    if (delta.gone)
        lines.push_back({Tone::warning,
                         fmt::format("{} (index {}) is gone: what it counted cannot be held against the {} delivered "
                                     "there",
                                     delta.ifname, delta.ifindex,
                                     devices.of(delta.ifname, delta.netns_ino, delta.ifindex).frames_delivered)});
    for (const HeldCounter& held : hold_counters(ending, devices, delta)) {
        std::string text = lines.empty() ? fmt::format("{} counted {} +{}", delta.ifname, held.counter, held.counted)
                                         : fmt::format("its {} qdisc counted {} {}{}", qdisc.kind, held.counter,
                                                       held.counter == "waiting" ? "" : "+", held.counted);
        text += held_words(held);
        if (lines.empty() && delta.tx_dropped) text += fmt::format("; tx_dropped +{}", delta.tx_dropped);
        if (lines.empty() && delta.tx_errors) text += fmt::format("; tx_errors +{}", delta.tx_errors);
        if (held.counter == "sent" && qdisc.requeues) text += fmt::format("; requeues +{}", qdisc.requeues);
        if (held.counter == "sent" && qdisc.overlimits) text += fmt::format("; overlimits +{}", qdisc.overlimits);
        lines.push_back({tone_of(held), std::move(text), !lines.empty()});
    }
    return lines;
}

std::vector<LedgerLine> uncounted_device_words(const Ending& ending, const Devices& devices) {
    constexpr std::size_t most = 5;
    std::vector<LedgerLine> lines;
    if (ending.cut_off || ending.capture) return lines;
    const auto is_counted = [&](const DeviceSends& device) {
        return std::ranges::any_of(ending.devices, [&](const DeviceDelta& delta) {
            return delta.netns_ino == device.netns_ino &&
                   ((device.ifindex && delta.ifindex == device.ifindex) || delta.ifname == device.ifname);
        });
    };
    std::size_t uncounted = 0;
    for (const DeviceSends& device : devices.all()) {
        if (is_counted(device) || uncounted++ >= most) continue;
        // Which one is sockray's own only a device that was read tells.
        const bool elsewhere =
            !ending.devices.empty() && !std::ranges::any_of(ending.devices, [&](const DeviceDelta& delta) {
                return delta.netns_ino == device.netns_ino;
            });
        lines.push_back(
            {Tone::plain, fmt::format("{}{}: {} came to it, {} delivered; its counters were not read", device.ifname,
                                      elsewhere ? fmt::format(" (network namespace {})", device.netns_ino) : "",
                                      count_of(device.sends, "send"), count_of(device.frames_delivered, "frame"))});
    }
    if (uncounted > most)
        lines.push_back(
            {Tone::plain, fmt::format("{} more whose counters were not read", count_of(uncounted - most, "device"))});
    return lines;
}

namespace {

bool agrees(const std::vector<HeldCounter>& all) {
    return std::ranges::all_of(all, [](const HeldCounter& held) { return held.counted == held.expected; });
}

std::string named(const ReceiverDelta& delta) {
    return fmt::format("packet socket {}{}", delta.socket_ino,
                       delta.pid ? fmt::format(" of {}[{}]", delta.comm, delta.pid) : "");
}

// tp_packets, and behind it what else there is to say: drops where there are any, sk_drops where they tell more.
void add_receiver(std::vector<LedgerLine>& lines, const ReceiverDelta& delta, const std::vector<HeldCounter>& all) {
    const bool drops_agree = agrees(all) || all[1].counted == all[1].expected;
    for (const HeldCounter& held : all) {
        const bool first = held.counter == "tp_packets";
        if (!first && !held.counted && !held.expected) continue;
        if (held.counter == "sk_drops" && drops_agree && held.counted == held.expected) continue;
        lines.push_back({tone_of(held),
                         fmt::format("{} counted {} +{}{}", first ? named(delta) : "it", held.counter, held.counted,
                                     held_words(held)),
                         !first});
    }
}

void add_agreeing(std::vector<LedgerLine>& lines, const Ending& ending, const std::vector<const ReceiverDelta*>& all) {
    constexpr std::size_t most = 3;
    if (all.size() <= most) {
        for (const ReceiverDelta* delta : all) add_receiver(lines, *delta, hold_counters(ending, *delta));
        return;
    }
    std::uint64_t packets = 0;
    std::uint64_t drops = 0;
    for (const ReceiverDelta* delta : all) {
        packets += delta->tp_packets;
        drops += delta->tp_drops;
    }
    lines.push_back(
        {Tone::good, fmt::format("{} packet sockets counted tp_packets +{}, tp_drops +{}: each as many as taken or "
                                 "without room",
                                 all.size(), packets, drops)});
}

void add_gone(std::vector<LedgerLine>& lines, const std::vector<const ReceiverDelta*>& all) {
    if (all.empty()) return;
    std::uint64_t taken = 0;
    std::uint64_t full = 0;
    for (const ReceiverDelta* delta : all) {
        taken += delta->taken;
        full += delta->full;
    }
    const bool one = all.size() == 1;
    lines.push_back(
        {Tone::plain,
         fmt::format("{} closed, or not held by a process any more: what {} counted cannot be held against the "
                     "{} taken and {} without room",
                     one ? named(*all[0]) + " is" : fmt::format("{} packet sockets are", all.size()),
                     one ? "it" : "they", taken, full)});
}

}  // namespace

std::vector<LedgerLine> receiver_words(const Ending& ending) {
    constexpr std::size_t most = 10;
    std::vector<LedgerLine> lines;
    if (!ending.receivers) return lines;
    if (!ending.receivers->unread.empty())
        lines.push_back({Tone::warning, "what these sockets counted could not be read: " + ending.receivers->unread});
    std::vector<const ReceiverDelta*> agreeing;
    std::vector<const ReceiverDelta*> gone;
    std::size_t differing = 0;
    for (const ReceiverDelta& delta : ending.receivers->sockets) {
        const std::vector<HeldCounter> held = hold_counters(ending, delta);
        if (delta.gone)
            gone.push_back(&delta);
        else if (agrees(held))
            agreeing.push_back(&delta);
        else if (differing++ < most)
            add_receiver(lines, delta, held);
    }
    if (differing > most)
        lines.push_back({Tone::plain, fmt::format("{} more differ (with --json each tells its own)",
                                                  count_of(differing - most, "packet socket"))});
    add_agreeing(lines, ending, agreeing);
    add_gone(lines, gone);
    if (ending.receivers->own)
        lines.push_back(
            {Tone::plain, fmt::format("{} of the offers were to sockets of sockray itself", ending.receivers->own)});
    return lines;
}

}  // namespace sockray
