#include "user/live/json_lines.h"

#include <arpa/inet.h>

#include <optional>

#include "user/base/json.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"
#include "user/live/json_summary.h"

namespace sockray {

namespace {

void append_receivers(JsonObject& object, const Send& send) {
    JsonArray receivers = object.array("received_by");
    for (const FrameReceiver& one : receivers_of(send)) {
        JsonObject receiver = receivers.object();
        receiver.number("socket_ino", one.socket_ino);
        receiver.word("stage", stage_name(static_cast<Stage>(one.stage)));
        receiver.time("ts", one.ns);
        receiver.word("received", received_name(one.received));
    }
}

void append_stages(JsonObject& object, const Steps& steps) {
    JsonArray stages = object.array("stages");
    for (const Step& step : steps) {
        JsonObject stage = stages.object();
        stage.word("name", stage_name(step.stage));
        stage.word("evidence", evidence_name(step.evidence));
        stage.time("start", step.span.start);
        stage.time("end", step.span.end);
    }
}

// The same up to each stage's start.
std::vector<std::string> stage_heads(const Steps& steps) {
    std::vector<std::string> heads;
    for (const Step& step : steps)
        heads.push_back(fmt::format(R"({}{{"name":"{}","evidence":"{}","start":)", heads.empty() ? "" : ",",
                                    stage_name(step.stage), evidence_name(step.evidence)));
    return heads;
}

std::string_view time_text(NearDigits& digits, std::uint64_t ns) {
    return ns ? digits.of(ns) : "null";
}

void append_alternatives(JsonObject& object, const PlanLine& line) {
    JsonArray alternatives = object.array("alternatives");
    for (const Alternative& one : line.alternatives) {
        JsonObject alternative = alternatives.object();
        alternative.text("backend", one.backend);
        alternative.text("verdict", one.verdict);
        alternative.text("reason", one.reason);
    }
}

}  // namespace

void JsonLines::symbol(fmt::memory_buffer& out, std::uint64_t address) {
    if (address == 0)
        append_all(out, "null");
    else
        append_json_string(out, names_.symbol(address));
}

void JsonLines::plan_line(fmt::memory_buffer& out, const PlanLine& line) {
    {
        JsonObject object(out);
        object.word("type", "plan");
        object.word("stage", stage_name(line.stage));
        object.word("evidence", evidence_name(line.evidence));
        object.text("function", line.function);
        object.number("offset", line.offset);
        object.text("hook", line.hook);
        object.text("reason", line.reason);
        append_alternatives(object, line);
        if (line.partly) object.boolean("partly", true);
    }
    out.push_back('\n');
}

void JsonLines::plan(fmt::memory_buffer& out) {
    for (const PlanLine& line : plan_.lines) plan_line(out, line);
}

void JsonLines::socket(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id) {
    {
        JsonObject object(out);
        object.word("type", "socket");
        object.number("id", id);
        object.time("ts", record.create.start);
        object.number("pid", record.pid);
        object.number("tid", record.tid);
        object.text("comm", record.comm);
        object.number("family", record.family);
        object.number("sock_type", record.sock_type);
        object.number("protocol", ntohs(static_cast<std::uint16_t>(record.protocol)));
        object.number("ret", record.ret);
        object.key("ops");
        symbol(out, record.ops);
        object.key("create");
        symbol(out, record.net_family_create);
        object.number("sk_family", record.sk_family);
        object.key("sk_destruct");
        symbol(out, record.sk_destruct);
        append_stages(object, steps_of(record, plan_));

        object.number("errno", errno_of(record));
        object.number("ino", record.socket_ino);
        object.number("netns", record.netns_ino);
        object.number("uid", record.uid);
        object.number("kern", record.kern);
        object.key("net_family");
        symbol(out, record.net_family);
        object.number("net_family_number", record.net_family_number);
        object.key("net_family_create");
        symbol(out, record.net_family_create);
        object.key("ops_sendmsg");
        symbol(out, record.ops_sendmsg);
        object.number("po_num", ntohs(record.po_num));
        if (record.create_seen)
            object.number("create_ret", record.create_ret);
        else
            object.null("create_ret");
    }
    out.push_back('\n');
}

// As append_stages() does it, which a send is too frequent for.
void JsonLines::stages(fmt::memory_buffer& out, const sr_send& record) {
    const Steps& steps = steps_.of(record);
    if (steps_.changed()) stage_heads_ = stage_heads(steps);
    out.push_back('[');
    for (std::size_t i = 0; i < steps.size; i++)
        append_all(out, stage_heads_[i], time_text(starts_, steps.step[i].span.start),
                   ",\"end\":", time_text(ends_, steps.step[i].span.end), "}");
    out.push_back(']');
}

const std::string& JsonLines::sender_fields(const sr_send& record) {
    const std::string_view entry = entry_name(record);
    const SenderKey key{record.pid, record.tid, std::to_array(record.comm), std::to_array(record.ifname), entry.data()};
    return senders_.of(record.tid, key, [&](JsonObject& object) {
        object.number("pid", record.pid);
        object.number("tid", record.tid);
        object.text("comm", record.comm);
        object.word("entry", entry);
        object.text("ifname", record.ifname);
    });
}

const std::string& JsonLines::socket_fields(const Send& send) {
    const sr_send& record = send.record;
    const SocketKey key{send.end_stage,  record.socket_ino, record.sendmsg_fn, record.netns_ino, record.ifindex,
                        record.tx_queue, record.syscall,    record.protocol,   record.sock_type};
    return sockets_.of(record.socket_ino, key, [&](JsonObject& object) {
        object.word("end_stage", send.end_stage == Stage::none ? "" : stage_name(send.end_stage));
        object.number("socket_ino", record.socket_ino);
        object.number("netns", record.netns_ino);
        object.number("ifindex", record.ifindex);
        object.number("queue", record.tx_queue ? std::optional(record.tx_queue - 1) : std::nullopt);
        object.number("protocol", ntohs(record.protocol));
        object.number("sock_type", record.sock_type);
        object.number("syscall", record.syscall);
        if (record.sendmsg_fn)
            object.text("sendmsg", names_.symbol(record.sendmsg_fn));
        else
            object.null("sendmsg");
    });
}

void JsonLines::send(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    const bool returned = record.flags & SR_SEND_RETURNED;
    const int err = errno_of(record);
    {
        JsonObject object(out);
        object.word("type", "send");
        object.number("id", send.id);
        object.time("ts", begin_ns(record));
        object.fields(sender_fields(record));
        object.number("len", record.len);
        object.number("ret", returned ? std::optional<std::int64_t>(err ? -1 : record.ret) : std::nullopt);
        object.number("errno", returned ? std::optional<int>(err) : std::nullopt);
        object.word("outcome", outcome_name(send.outcome));
        object.text("reason", send.reason);
        object.key("stages");
        stages(out, record);
        object.number("cookie",
                      record.flags & SR_SEND_COOKIE ? std::optional<std::uint64_t>(record.cookie) : std::nullopt);

        object.fields(socket_fields(send));
        if (record.flags & SR_SEND_TX_RING) object.number("ring_frame", record.ring_frame);
        if (const int err = wait_errno(record)) object.number("wait_errno", err);
        if (record.segments) {
            object.number("segments", record.segments);
            object.number("segments_delivered", record.driver_hits);
        }
        object.number("frame_ns", frame_duration_ns(record));
        if (send.tapped) object.number("tapped", send.tapped);
        if (record.ndo_fn) object.text("driver", driver_.of(record.ndo_fn));
        if (record.qdisc[0]) {
            object.text("qdisc", record.qdisc);
            object.number("qdisc_len", record.qdisc_len);
        }
        if (record.flags & SR_SEND_PASSED_ON) object.text("passed_on_to", record.passed_on_to);
        if (record.receivers) {
            object.number("receivers", record.receivers);
            object.number("receiver_ino", record.received_ino);
            object.word("received", received_name(record.received));
            append_receivers(object, send);
        }
        if (record.span[SR_SLOT_FREED].start)
            object.text("freed", record.freed_reason ? names_.drop_reason(record.freed_reason) : "consumed");
        if (record.span[SR_SLOT_XMIT].end) object.number("xmit_ret", record.xmit_ret);
        if (record.span[SR_SLOT_DRIVER].end) object.number("driver_ret", record.driver_ret);
        if (record.flags & SR_SEND_DROP) object.text("drop_reason", names_.drop_reason(record.drop_reason));
        if (lacks_return(record)) object.boolean("partial", true);
    }
    out.push_back('\n');
}

void JsonLines::frame(fmt::memory_buffer& out, const TapFrame& frame, std::int64_t realtime_offset_ns) {
    {
        JsonObject object(out);
        object.word("type", "frame");
        object.number("ts", frame.realtime_ns - static_cast<std::uint64_t>(realtime_offset_ns));
        object.number("realtime", frame.realtime_ns);
        object.text("direction", frame.outgoing ? "out" : "in");
        object.text("ifname", frame.interface->name);
        object.number("ifindex", frame.interface->ifindex);
        object.number("netns", frame.interface->netns_ino);
        object.number("len", frame.length);
        object.number("captured", frame.bytes.size());
        object.number("link_type", frame.interface->link_type);
        object.number("ethertype", ethertype_of(frame));
    }
    out.push_back('\n');
}

void JsonLines::capture(fmt::memory_buffer& out, const Ending& ending) {
    const CaptureLedger& ledger = *ending.capture;
    const auto known = [&ending](std::uint64_t count) { return ending.cut_off ? std::nullopt : std::optional(count); };
    {
        JsonObject object(out);
        object.word("type", "capture");
        object.text("ifname", ledger.interface.name);
        object.number("seen", known(ledger.seen));
        object.number("received", ledger.received);
        object.number("sent", ledger.sent);
        object.number("beyond", known(ledger.beyond));
        {
            JsonObject lost = object.object("lost");
            lost.number("dropped", known(ledger.dropped));
            lost.number("unread", known(ledger.unread));
        }
        object.number("cut", known(ledger.cut));
        object.number("freezes", known(ledger.freezes));
        object.number("untapped", ledger.untapped);
        object.number("left_out", known(ledger.left_out));
        append_whole(object, ending);
        append_cut_short(object, ending);
    }
    out.push_back('\n');
}

}  // namespace sockray
