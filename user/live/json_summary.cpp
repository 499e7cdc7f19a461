#include "user/live/json_summary.h"

#include <optional>
#include <string_view>
#include <vector>

#include "user/analyze/held_counters.h"

namespace sockray {

namespace {

void append_loss_by_cpu(JsonObject& object, const std::vector<CpuLoss>& losses) {
    JsonArray cpus = object.array("lost_by_cpu");
    for (const CpuLoss& loss : losses) {
        JsonObject cpu = cpus.object();
        cpu.number("cpu", loss.cpu);
        cpu.number("sends_no_room", loss.sends_no_room);
        cpu.number("sockets_no_room", loss.sockets_no_room);
        cpu.number("frames_no_room", loss.frames_no_room);
        cpu.number("no_memory", loss.no_memory);
        cpu.number("not_followed", loss.not_followed);
        cpu.number("unopened", loss.unopened);
        cpu.number("passages_lost", loss.passages_lost);
    }
}

void append_qdisc(JsonObject& device, const QdiscDelta& qdisc) {
    if (qdisc.kind.empty()) {
        device.null("qdisc");
        return;
    }
    JsonObject object = device.object("qdisc");
    object.text("kind", qdisc.kind);
    object.number("sent", qdisc.packets);
    object.number("drops", qdisc.drops);
    object.number("requeues", qdisc.requeues);
    object.number("overlimits", qdisc.overlimits);
    object.number("waited", qdisc.waited);
    object.number("waiting", qdisc.waiting);
}

void append_held(JsonObject& of, const std::vector<HeldCounter>& all) {
    JsonArray counters = of.array("held");
    for (const HeldCounter& held : all) {
        JsonObject object = counters.object();
        object.text("counter", held.counter);
        object.number("counted", held.counted);
        object.number("expected", held.expected);
        object.text("cause", held.cause);
    }
}

void append_devices(JsonObject& object, const Ending& ending, const Devices& devices) {
    JsonArray array = object.array("devices");
    for (const DeviceDelta& delta : ending.devices) {
        JsonObject device = array.object();
        device.text("ifname", delta.ifname);
        device.number("netns", delta.netns_ino);
        const auto known = [&](std::uint64_t count) { return delta.gone ? std::nullopt : std::optional(count); };
        device.number("tx_packets", known(delta.tx_packets));
        device.number("tx_bytes", known(delta.tx_bytes));
        device.number("tx_dropped", known(delta.tx_dropped));
        device.number("tx_errors", known(delta.tx_errors));
        append_qdisc(device, delta.qdisc);
        append_held(device, hold_counters(ending, devices, delta));
        device.number("ifindex", delta.ifindex);
        device.number("tx_queues", delta.tx_queues ? std::optional(delta.tx_queues) : std::nullopt);
        device.boolean("gone", delta.gone);
    }
}

void append_offers(JsonObject& object, const Offers& offers) {
    if (!offers.total()) {
        object.null("offers");
        return;
    }
    JsonObject sums = object.object("offers");
    sums.number("total", offers.total());
    sums.number("taken", offers.taken);
    sums.number("full", offers.full);
    sums.number("filtered", offers.filtered);
    sums.number("unknown", offers.unknown);
    sums.number("to_rings", offers.to_rings);
}

void append_receivers(JsonObject& object, const Ending& ending) {
    if (!ending.receivers) {
        object.null("receiver_counters");
        return;
    }
    JsonObject counters = object.object("receiver_counters");
    {
        JsonArray sockets = counters.array("sockets");
        for (const ReceiverDelta& delta : ending.receivers->sockets) {
            JsonObject socket = sockets.object();
            const auto known = [&](std::uint64_t count) { return delta.gone ? std::nullopt : std::optional(count); };
            socket.number("socket_ino", delta.socket_ino);
            socket.number("pid", delta.pid ? std::optional(delta.pid) : std::nullopt);
            socket.text("comm", delta.comm);
            socket.number("taken", delta.taken);
            socket.number("full", delta.full);
            socket.number("filtered", delta.filtered);
            socket.number("unknown", delta.unknown);
            socket.number("tp_packets", known(delta.tp_packets));
            socket.number("tp_drops", known(delta.tp_drops));
            socket.number("sk_drops", delta.sk_drops);
            socket.boolean("opened", delta.opened);
            socket.boolean("gone", delta.gone);
            socket.boolean("reset", delta.reset);
            append_held(socket, hold_counters(ending, delta));
        }
    }
    counters.number("own", ending.receivers->own);
    counters.number("unnamed", ending.receivers->unnamed);
    counters.text("unread", ending.receivers->unread);
}

void append_recorded(JsonObject& cut_short, std::string_view what, const CutShort::Count& count) {
    JsonObject object = cut_short.object(what);
    object.number("written", count.written);
    object.number("not_written", count.not_written);
    object.number("removed", count.removed);
}

void append_hits(JsonObject object, const std::vector<StageHits>& all) {
    for (const auto& [stage, hits] : all) object.number(stage_name(stage), hits);
}

void append_names(JsonArray names, const std::vector<Stage>& stages) {
    for (const Stage stage : stages) names.text(stage_name(stage));
}

}  // namespace

void append_whole(JsonObject& object, const Ending& ending) {
    object.boolean("cut_off", ending.cut_off);
    JsonObject missing = object.object("missing_files");
    missing.number("before", ending.missing.before);
    missing.number("between", ending.missing.between);
    missing.boolean("rest", ending.missing.rest);
}

void append_cut_short(JsonObject& object, const Ending& ending) {
    if (!ending.cut_short) {
        object.null("cut_short");
        return;
    }
    JsonObject cut_short = object.object("cut_short");
    append_recorded(cut_short, "sends", ending.cut_short->sends);
    append_recorded(cut_short, "frames", ending.cut_short->frames);
    cut_short.text("cause", ending.cut_short->cause);
}

void append_json_summary(fmt::memory_buffer& out, const Ending& ending, const Devices& devices) {
    const Ledger& ledger = ending.ledger;
    // Null where the recording ends before its ledger: a zero would say that it is known.
    const auto known = [&ending](std::uint64_t count) { return ending.cut_off ? std::nullopt : std::optional(count); };
    {
        JsonObject object(out);
        object.text("type", "summary");
        object.number("attempted", ledger.attempted());
        for (const Outcome outcome :
             {Outcome::delivered, Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown})
            object.number(outcome_name(outcome), ledger.count(outcome));
        object.number("seen", known(ledger.sends.seen));
        object.number("decoded", ledger.decoded);
        {
            JsonObject lost = object.object("lost");
            lost.number("no_room", known(ledger.sends.lost.no_room));
            lost.number("missed", known(ledger.sends.lost.missed));
            lost.number("map_full", known(ledger.sends.lost.no_seat));
            lost.number("rejected", known(ledger.sends.lost.rejected));
        }
        object.number("driven", ledger.driven);
        object.number("correlated", ledger.correlated);
        {
            JsonObject frames = object.object("frames");
            frames.number("seen", known(ledger.frames.seen));
            frames.number("decoded", known(ledger.frames.decoded));
            frames.number("no_room", known(ledger.frames.no_room));
            frames.number("map_full", known(ledger.frames.map_full));
            frames.number("missed", known(ledger.frames.missed));
            frames.number("rejected", known(ledger.frames.rejected));
        }
        if (ending.cut_off)
            object.null("lost_by_cpu");
        else
            append_loss_by_cpu(object, ledger.lost_by_cpu);
        object.number("shown", ledger.shown);
        object.number("partial", ledger.partial);
        if (ledger.skipped)
            append_hits(object.object("skipped"), *ledger.skipped);
        else
            object.null("skipped");
        object.number("contradicted", known(ledger.contradicted));
        object.number("ring_idle", known(ledger.ring_idle));
        object.number("children_lost", known(ledger.children_lost));
        object.number("sockets_seen", known(ledger.sockets.seen));
        object.number("sockets_decoded", ledger.sockets_decoded);
        object.number("sockets_lost", known(ledger.sockets.lost.total()));
        if (ending.cut_off)
            object.null("uncounted");
        else
            append_names(object.array("uncounted"), ledger.uncounted);
        object.number("frame_parts_no_room", known(ledger.pieces_no_room));
        object.number("frame_parts_unread", known(ledger.pieces_unread));
        object.number("filtered", known(ledger.filtered));
        object.number("filter_unjudged", known(ledger.filter_unjudged));
        object.number("filter_no_frame", known(ledger.filter_no_frame));
        object.number("left_out", known(ledger.left_out));
        if (ledger.cost) {
            JsonObject cost = object.object("tracing_adds_ns");
            cost.number("median", ledger.cost->median_ns);
            cost.number("low", ledger.cost->low_ns);
            cost.number("high", ledger.cost->high_ns);
        } else {
            object.null("tracing_adds_ns");
        }
        object.number("frame_parts_rejected", known(ledger.pieces_rejected));
        object.number("others_rejected", known(ledger.others_rejected));
        if (ending.cut_off)
            object.null("devices");
        else
            append_devices(object, ending, devices);
        append_whole(object, ending);
        append_cut_short(object, ending);
        object.number("ring_idle_timed_out", known(ledger.ring_idle_timed_out));
        object.number("ring_idle_interrupted", known(ledger.ring_idle_interrupted));
        object.number("ring_overlapped", known(ledger.ring_overlapped));
        append_hits(object.object("partial_by_stage"), ledger.partial_by_stage);
        append_offers(object, devices.offers());
        append_receivers(object, ending);
    }
    out.push_back('\n');
}

}  // namespace sockray
