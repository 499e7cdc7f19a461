#include "user/live/json_lines.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "user/analyze/held_counters.h"
#include "user/base/terminal.h"
#include "user/correlate/path.h"

namespace sockray {

namespace {

// One object. The keys are constants of this file: they need no escaping.
class Object {
  public:
    explicit Object(fmt::memory_buffer& out) : out_(out) { out_.push_back('{'); }
    ~Object() { out_.push_back('}'); }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    void key(std::string_view name) {
        if (!first_) out_.push_back(',');
        first_ = false;
        out_.push_back('"');
        out_.append(name);
        out_.append(std::string_view("\":"));
    }
    void text(std::string_view name, std::string_view value) {
        key(name);
        append_json_string(out_, value);
    }
    template <typename Integer>
    void number(std::string_view name, Integer value) {
        key(name);
        const fmt::format_int digits(value);
        out_.append(digits.data(), digits.data() + digits.size());
    }
    template <typename Integer>
    void number(std::string_view name, std::optional<Integer> value) {
        if (value)
            number(name, *value);
        else
            null(name);
    }
    void time(std::string_view name, std::uint64_t ns) {
        if (ns)
            number(name, ns);
        else
            null(name);
    }
    void null(std::string_view name) {
        key(name);
        out_.append(std::string_view("null"));
    }

  private:
    fmt::memory_buffer& out_;
    bool first_ = true;
};

std::string_view received_name(std::uint32_t received) {
    switch (received) {
        case SR_RECEIVED_TAKEN: return "taken";
        case SR_RECEIVED_FULL: return "full";
        default: return "filtered";
    }
}

void append_stages(fmt::memory_buffer& out, const Steps& steps) {
    out.push_back('[');
    for (const Step& step : steps) {
        if (&step != steps.begin()) out.push_back(',');
        Object stage(out);
        stage.text("name", stage_name(step.stage));
        stage.text("evidence", evidence_name(step.evidence));
        stage.time("start", step.span.start);
        stage.time("end", step.span.end);
    }
    out.push_back(']');
}

void append_alternatives(fmt::memory_buffer& out, const PlanLine& line) {
    out.push_back('[');
    for (const Alternative& one : line.alternatives) {
        if (&one != line.alternatives.data()) out.push_back(',');
        Object alternative(out);
        alternative.text("backend", one.backend);
        alternative.text("verdict", one.verdict);
        alternative.text("reason", one.reason);
    }
    out.push_back(']');
}

void append_names(fmt::memory_buffer& out, const std::vector<Stage>& stages) {
    out.push_back('[');
    for (const Stage& stage : stages) {
        if (&stage != stages.data()) out.push_back(',');
        append_json_string(out, stage_name(stage));
    }
    out.push_back(']');
}

}  // namespace

void append_json_string(fmt::memory_buffer& out, std::string_view text) {
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    out.push_back('"');
    while (!text.empty()) {
        const auto run = std::find_if_not(text.begin(), text.end(), is_plain);
        out.append(text.begin(), run);
        text.remove_prefix(static_cast<std::size_t>(run - text.begin()));
        if (text.empty()) break;

        const std::size_t length = utf8_length(text);
        const char c = text[0];
        if (length == 0)
            out.append(std::string_view("\xef\xbf\xbd"));  // U+FFFD
        else if (length > 1)
            out.append(text.substr(0, length));
        else if (c == '"' || c == '\\')
            out.append(std::string_view(c == '"' ? "\\\"" : "\\\\"));
        else
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        text.remove_prefix(length ? length : 1);
    }
    out.push_back('"');
}

void JsonLines::symbol(fmt::memory_buffer& out, std::uint64_t address) {
    if (address == 0)
        out.append(std::string_view("null"));
    else
        append_json_string(out, names_.symbol(address));
}

void JsonLines::plan_line(fmt::memory_buffer& out, const PlanLine& line) {
    {
        Object object(out);
        object.text("type", "plan");
        object.text("stage", stage_name(line.stage));
        object.text("evidence", evidence_name(line.evidence));
        object.text("function", line.function);
        object.number("offset", line.offset);
        object.text("hook", line.hook);
        object.text("reason", line.reason);
        object.key("alternatives");
        append_alternatives(out, line);
    }
    out.push_back('\n');
}

void JsonLines::plan(fmt::memory_buffer& out) {
    for (const PlanLine& line : plan_.lines) plan_line(out, line);
}

void JsonLines::socket(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id) {
    {
        Object object(out);
        object.text("type", "socket");
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
        object.key("stages");
        append_stages(out, steps_of(record, plan_));

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

void JsonLines::send(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    const bool returned = record.flags & SR_SEND_RETURNED;
    const int err = errno_of(record);
    {
        Object object(out);
        object.text("type", "send");
        object.number("id", send.id);
        object.time("ts", begin_ns(record));
        object.number("pid", record.pid);
        object.number("tid", record.tid);
        object.text("comm", record.comm);
        object.text("entry", entry_name(record));
        object.text("ifname", record.ifname);
        object.number("len", record.len);
        object.number("ret", returned ? std::optional<std::int64_t>(err ? -1 : record.ret) : std::nullopt);
        object.number("errno", returned ? std::optional<int>(err) : std::nullopt);
        object.text("outcome", outcome_name(send.outcome));
        object.text("reason", send.reason);
        object.key("stages");
        append_stages(out, steps_of(record, plan_));
        object.number("cookie",
                      record.flags & SR_SEND_COOKIE ? std::optional<std::uint64_t>(record.cookie) : std::nullopt);

        object.text("end_stage", send.end_stage == Stage::none ? "" : stage_name(send.end_stage));
        object.number("socket_ino", record.socket_ino);
        object.number("netns", record.netns_ino);
        object.number("ifindex", record.ifindex);
        object.number("protocol", ntohs(record.protocol));
        object.number("sock_type", record.sock_type);
        object.number("syscall", record.syscall);
        if (record.sendmsg_fn != sendmsg_fn_) {
            sendmsg_fn_ = record.sendmsg_fn;
            sendmsg_ = names_.symbol(sendmsg_fn_);
        }
        if (record.sendmsg_fn)
            object.text("sendmsg", sendmsg_);
        else
            object.null("sendmsg");
        if (record.flags & SR_SEND_TX_RING) object.number("ring_frame", record.ring_frame);
        if (record.segments) {
            object.number("segments", record.segments);
            object.number("segments_delivered", record.driver_hits);
        }
        object.number("frame_ns", frame_duration_ns(record));
        if (send.tapped) object.number("tapped", send.tapped);
        if (record.ndo_fn) object.text("driver", names_.symbol(record.ndo_fn));
        if (record.qdisc[0]) {
            object.text("qdisc", record.qdisc);
            object.number("qdisc_len", record.qdisc_len);
        }
        if (record.receivers) {
            object.number("receivers", record.receivers);
            object.number("receiver_ino", record.received_ino);
            object.text("received", received_name(record.received));
        }
        if (record.span[SR_SLOT_FREED].start)
            object.text("freed", record.freed_reason ? names_.drop_reason(record.freed_reason) : "consumed");
        if (record.span[SR_SLOT_XMIT].end) object.number("xmit_ret", record.xmit_ret);
        if (record.span[SR_SLOT_DRIVER].end) object.number("driver_ret", record.driver_ret);
        if (record.flags & SR_SEND_DROP) object.text("drop_reason", names_.drop_reason(record.drop_reason));
        if (lacks_return(record)) {
            object.key("partial");
            out.append(std::string_view("true"));
        }
    }
    out.push_back('\n');
}

void JsonLines::frame(fmt::memory_buffer& out, const TapFrame& frame, std::int64_t realtime_offset_ns) {
    {
        Object object(out);
        object.text("type", "frame");
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

void JsonLines::capture(fmt::memory_buffer& out, const CaptureLedger& ledger) {
    {
        Object object(out);
        object.text("type", "capture");
        object.text("ifname", ledger.interface.name);
        object.number("seen", ledger.seen);
        object.number("received", ledger.received);
        object.number("sent", ledger.sent);
        object.number("beyond", ledger.beyond);
        object.key("lost");
        {
            Object lost(out);
            lost.number("dropped", ledger.dropped);
            lost.number("unread", ledger.unread);
        }
        object.number("cut", ledger.cut);
        object.number("freezes", ledger.freezes);
        object.number("untapped", ledger.untapped);
    }
    out.push_back('\n');
}

namespace {

void append_loss_by_cpu(Object& object, fmt::memory_buffer& out, const std::vector<CpuLoss>& losses) {
    object.key("lost_by_cpu");
    out.push_back('[');
    for (const CpuLoss& loss : losses) {
        if (&loss != losses.data()) out.push_back(',');
        Object cpu(out);
        cpu.number("cpu", loss.cpu);
        cpu.number("sends_no_room", loss.sends_no_room);
        cpu.number("sockets_no_room", loss.sockets_no_room);
        cpu.number("frames_no_room", loss.frames_no_room);
        cpu.number("no_memory", loss.no_memory);
        cpu.number("not_followed", loss.not_followed);
    }
    out.push_back(']');
}

void append_qdisc(fmt::memory_buffer& out, const QdiscDelta& qdisc) {
    Object object(out);
    object.text("kind", qdisc.kind);
    object.number("sent", qdisc.packets);
    object.number("drops", qdisc.drops);
    object.number("requeues", qdisc.requeues);
    object.number("overlimits", qdisc.overlimits);
    object.number("waited", qdisc.waited);
    object.number("waiting", qdisc.waiting);
}

void append_held(fmt::memory_buffer& out, const std::vector<HeldCounter>& all) {
    out.push_back('[');
    for (const HeldCounter& held : all) {
        if (&held != all.data()) out.push_back(',');
        Object object(out);
        object.text("counter", held.counter);
        object.number("counted", held.counted);
        object.number("expected", held.expected);
        object.text("cause", held.cause);
    }
    out.push_back(']');
}

void append_devices(Object& object, fmt::memory_buffer& out, const Ending& ending, const Devices& devices) {
    object.key("devices");
    out.push_back('[');
    for (const DeviceDelta& delta : ending.devices) {
        if (&delta != ending.devices.data()) out.push_back(',');
        Object device(out);
        device.text("ifname", delta.ifname);
        device.number("netns", delta.netns_ino);
        device.number("tx_packets", delta.tx_packets);
        device.number("tx_bytes", delta.tx_bytes);
        device.number("tx_dropped", delta.tx_dropped);
        device.number("tx_errors", delta.tx_errors);
        if (delta.qdisc.kind.empty()) {
            device.null("qdisc");
        } else {
            device.key("qdisc");
            append_qdisc(out, delta.qdisc);
        }
        device.key("held");
        append_held(out, hold_counters(ending.ledger, devices, delta));
    }
    out.push_back(']');
}

}  // namespace

void JsonLines::summary(fmt::memory_buffer& out, const Ending& ending, const Devices& devices) {
    const Ledger& ledger = ending.ledger;
    {
        Object object(out);
        object.text("type", "summary");
        object.number("attempted", ledger.attempted());
        for (const Outcome outcome :
             {Outcome::delivered, Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown})
            object.number(outcome_name(outcome), ledger.count(outcome));
        object.number("seen", ledger.sends.seen);
        object.number("decoded", ledger.decoded);
        object.key("lost");
        {
            Object lost(out);
            lost.number("no_room", ledger.sends.lost.no_room);
            lost.number("missed", ledger.sends.lost.missed);
            lost.number("map_full", ledger.sends.lost.map_full);
            lost.number("rejected", ledger.sends.lost.rejected);
        }
        object.number("driven", ledger.driven);
        object.number("correlated", ledger.correlated);

        object.key("frames");
        {
            Object frames(out);
            frames.number("seen", ledger.frames.seen);
            frames.number("decoded", ledger.frames.decoded);
            frames.number("no_room", ledger.frames.no_room);
            frames.number("map_full", ledger.frames.map_full);
            frames.number("missed", ledger.frames.missed);
            frames.number("rejected", ledger.frames.rejected);
        }
        append_loss_by_cpu(object, out, ledger.lost_by_cpu);
        object.number("shown", ledger.shown);
        object.number("partial", ledger.partial);
        if (ledger.skipped) {
            object.key("skipped");
            Object skipped(out);
            for (const auto& [stage, hits] : *ledger.skipped) skipped.number(stage_name(stage), hits);
        } else {
            object.null("skipped");
        }
        object.number("contradicted", ledger.contradicted);
        object.number("ring_idle", ledger.ring_idle);
        object.number("children_lost", ledger.children_lost);
        object.number("sockets_seen", ledger.sockets.seen);
        object.number("sockets_decoded", ledger.sockets_decoded);
        object.number("sockets_lost", ledger.sockets.lost.total());
        object.key("uncounted");
        append_names(out, ledger.uncounted);
        object.number("frame_parts_no_room", ledger.pieces_no_room);
        object.number("frame_parts_unread", ledger.pieces_unread);
        object.number("filtered", ledger.filtered);
        object.number("filter_unjudged", ledger.filter_unjudged);
        object.number("filter_no_frame", ledger.filter_no_frame);
        object.number("left_out", ledger.left_out);
        if (ledger.cost) {
            object.key("tracing_adds_ns");
            Object cost(out);
            cost.number("median", ledger.cost->median_ns);
            cost.number("low", ledger.cost->low_ns);
            cost.number("high", ledger.cost->high_ns);
        } else {
            object.null("tracing_adds_ns");
        }
        object.number("frame_parts_rejected", ledger.pieces_rejected);
        object.number("others_rejected", ledger.others_rejected);
        append_devices(object, out, ending, devices);
    }
    out.push_back('\n');
}

}  // namespace sockray
