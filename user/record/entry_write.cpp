#include <array>
#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <type_traits>
#include <vector>

#include "user/record/entry.h"
#include "user/record/field_writer.h"
#include "user/record/fields.h"

namespace sockray {
namespace {

using protozero::pbf_writer;

class Put {
  public:
    explicit Put(pbf_writer& writer) : writer_(writer) {}
    template <typename Integer>
    void number(protozero::pbf_tag_type field, Integer value) {
        if (value == 0) return;
        if constexpr (std::is_signed_v<Integer>)
            writer_.add_sint64(field, value);
        else
            writer_.add_uint64(field, value);
    }
    template <std::size_t size>
    void text(protozero::pbf_tag_type field, const char (&value)[size]) {
        if (value[0]) writer_.add_bytes(field, value, ::strnlen(value, size));
    }
    void text(protozero::pbf_tag_type field, const std::string& value) {
        if (!value.empty()) writer_.add_bytes(field, value);
    }

  private:
    pbf_writer& writer_;
};

// Of all but the reason and what is seldom there.
constexpr std::size_t longest_send = [] {
    constexpr std::size_t others = 9;
    LongestFields fields;
    const sr_send record{};
    visit_send(fields, record);
    for (std::size_t i = 0; i < others; i++) fields.number(0, 0);
    return fields.bytes();
}();
constexpr std::size_t longest_stages = 4 * SR_SLOT_COUNT * longest_number;

[[gnu::always_inline]] inline void put_stages(FieldWriter& fields, const sr_send& record) {
    const std::uint64_t base = record.span[SR_SLOT_SENDMSG].start;
    fields.number_or_zero(62, base);
    std::array<char, longest_stages> room;
    FieldWriter packed(room.data());
    for (std::uint64_t slot = 0; slot < SR_SLOT_COUNT; slot++) {
        const sr_span& span = record.span[slot];
        if (!record.stage[slot] && !span.start && !span.end) continue;
        packed.put(slot);
        packed.put(record.stage[slot]);
        packed.put(span.start ? 1 + protozero::encode_zigzag64(static_cast<std::int64_t>(span.start - base)) : 0);
        packed.put(span.end ? 1 + span.end - span.start : 0);
    }
    if (const std::string_view stages = packed.view(); !stages.empty()) fields.bytes(63, stages);
}

// What most sends have none of.
std::string seldom_fields(const Send& send) {
    std::string fields;
    pbf_writer message(fields);
    for (const FrameReceiver& one : send.also_received) {
        pbf_writer receiver(message, 65);
        visit_receiver(Put(receiver), one);
    }
    if (send.record.flags & SR_SEND_VNET)
        message.add_bytes(66, reinterpret_cast<const char*>(send.record.vnet), sizeof send.record.vnet);
    return fields;
}

}  // namespace

void put_entry(std::string& out, const OriginEntry& entry) {
    pbf_writer writer(out);
    pbf_writer message(writer, origin_kind);
    for (const std::string& word : entry.origin.command) message.add_bytes(2, word);
    visit_origin(Put(message), entry.origin);
    Put(message).number(9, entry.file);
}

void put_entry(std::string& out, const PlanLine& line) {
    pbf_writer writer(out);
    pbf_writer message(writer, plan_kind);
    Put put(message);
    put.number(1, static_cast<std::uint32_t>(line.stage));
    put.number(2, static_cast<std::uint32_t>(line.evidence));
    visit_plan(put, line);
    for (const Alternative& one : line.alternatives) {
        pbf_writer alternative(message, 7);
        visit_alternative(Put(alternative), one);
    }
}

void put_entry(std::string& out, const SymbolEntry& entry) {
    pbf_writer writer(out);
    pbf_writer message(writer, symbol_kind);
    symbol_fields(Put(message), entry);
}

void put_entry(std::string& out, const DropReasonEntry& entry) {
    pbf_writer writer(out);
    pbf_writer message(writer, drop_reason_kind);
    drop_reason_fields(Put(message), entry);
}

void put_entry(std::string& out, const SocketEntry& entry) {
    pbf_writer writer(out);
    pbf_writer message(writer, socket_kind);
    Put(message).number(1, entry.id);
    visit_socket(Put(message), entry.record);
}

void put_entry(std::string& out, const Send& send) {
    std::array<char, longest_send + longest_stages> room;
    FieldWriter first(room.data());
    first.number(1, send.id);
    first.number(2, static_cast<std::uint32_t>(send.outcome));
    first.number(3, static_cast<std::uint32_t>(send.end_stage));
    if (!send.reason.empty()) first.bytes_ahead(4, send.reason.size());
    const std::string_view before_reason = first.view();

    FieldWriter rest(room.data() + before_reason.size());
    rest.number(5, static_cast<std::uint32_t>(send.frame_end));
    rest.number(6, send.frames_consumed);
    rest.number(7, send.number ? *send.number + 1 : 0);
    visit_send(rest, send.record);
    put_stages(rest, send.record);
    rest.number(64, send.tapped);
    const std::string_view behind_reason = rest.view();

    const std::string seldom = seldom_fields(send);
    std::array<char, 2 * longest_number> head_room;
    FieldWriter head(head_room.data());
    head.bytes_ahead(send_kind, before_reason.size() + send.reason.size() + behind_reason.size() + seldom.size());
    out.append(head.view()).append(before_reason).append(send.reason).append(behind_reason).append(seldom);
}

namespace {

void put_hits(pbf_writer& message, std::uint32_t field, const std::vector<StageHits>& all) {
    for (const StageHits& one : all) {
        pbf_writer sub(message, field);
        Put(sub).number(1, static_cast<std::uint32_t>(one.stage));
        Put(sub).number(2, one.hits);
    }
}

void put_receivers(pbf_writer& message, const ReceiverCounters& counters) {
    pbf_writer sub(message, 43);
    for (const ReceiverDelta& one : counters.sockets) {
        pbf_writer receiver(sub, 1);
        Put put(receiver);
        visit_receiver_delta(put, one);
        put.number(10, one.sk_drops ? *one.sk_drops + 1 : 0);
    }
    Put(sub).number(2, counters.unnamed);
    Put(sub).text(3, counters.unread);
    Put(sub).number(4, counters.own);
}

}  // namespace

void put_entry(std::string& out, const Ending& ending) {
    const Ledger& ledger = ending.ledger;
    pbf_writer writer(out);
    pbf_writer message(writer, ending_kind);
    Put put(message);
    put.number(1, ending.end_ns);
    for (const DeviceDelta& device : ending.devices) {
        pbf_writer sub(message, 2);
        visit_device(Put(sub), device);
    }
    {
        pbf_writer sub(message, 3);
        visit_tally(Put(sub), ledger.sends);
    }
    {
        pbf_writer sub(message, 4);
        visit_tally(Put(sub), ledger.sockets);
    }
    message.add_packed_uint64(5, ledger.decoded_by_outcome.begin(), ledger.decoded_by_outcome.end());
    visit_ledger(put, ledger);
    for (const CpuLoss& cpu : ledger.lost_by_cpu) {
        pbf_writer sub(message, 14);
        visit_cpu(Put(sub), cpu);
    }
    if (ledger.cost) {
        pbf_writer sub(message, 41);
        visit_cost(Put(sub), *ledger.cost);
    }
    put.number(15, std::uint32_t{ledger.skipped.has_value()});
    if (ledger.skipped) put_hits(message, 16, *ledger.skipped);
    put_hits(message, 42, ledger.partial_by_stage);
    std::vector<std::uint32_t> uncounted;
    for (const Stage stage : ledger.uncounted) uncounted.push_back(static_cast<std::uint32_t>(stage));
    message.add_packed_uint32(17, uncounted.begin(), uncounted.end());
    put.number(18, ledger.driven ? *ledger.driven + 1 : 0);
    put.number(19, ledger.correlated ? *ledger.correlated + 1 : 0);
    if (ending.capture) {
        pbf_writer sub(message, 40);
        visit_capture(Put(sub), *ending.capture);
    }
    if (ending.receivers) put_receivers(message, *ending.receivers);
}

void put_entry(std::string& out, const PartEntry& entry) {
    pbf_writer writer(out);
    pbf_writer message(writer, part_kind);
    part_fields(Put(message), entry);
}

}  // namespace sockray
