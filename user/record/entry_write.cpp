#include <array>
#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <type_traits>
#include <vector>

#include "user/record/entry.h"
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

void put_stages(pbf_writer& writer, const sr_send& record) {
    const std::uint64_t base = record.span[SR_SLOT_SENDMSG].start;
    writer.add_uint64(62, base);
    std::array<std::uint64_t, std::size_t{4} * SR_SLOT_COUNT> numbers;
    auto end = numbers.begin();
    for (std::uint64_t slot = 0; slot < SR_SLOT_COUNT; slot++) {
        const sr_span& span = record.span[slot];
        if (!record.stage[slot] && !span.start && !span.end) continue;
        const std::uint64_t start =
            span.start ? 1 + protozero::encode_zigzag64(static_cast<std::int64_t>(span.start - base)) : 0;
        for (const std::uint64_t number :
             {slot, std::uint64_t{record.stage[slot]}, start, std::uint64_t{span.end ? 1 + span.end - span.start : 0}})
            *end++ = number;
    }
    writer.add_packed_uint64(63, numbers.begin(), end);
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
    pbf_writer writer(out);
    pbf_writer message(writer, send_kind);
    Put put(message);
    put.number(1, send.id);
    put.number(2, static_cast<std::uint32_t>(send.outcome));
    put.number(3, static_cast<std::uint32_t>(send.end_stage));
    put.text(4, send.reason);
    put.number(5, static_cast<std::uint32_t>(send.frame_end));
    put.number(6, send.frames_consumed);
    put.number(7, send.number ? *send.number + 1 : 0);
    visit_send(put, send.record);
    put_stages(message, send.record);
    put.number(64, send.tapped);
    for (const FrameReceiver& one : send.also_received) {
        pbf_writer receiver(message, 65);
        visit_receiver(Put(receiver), one);
    }
    if (send.record.flags & SR_SEND_VNET)
        message.add_bytes(66, reinterpret_cast<const char*>(send.record.vnet), sizeof send.record.vnet);
}

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
    if (ledger.skipped)
        for (const StageHits& one : *ledger.skipped) {
            pbf_writer sub(message, 16);
            Put(sub).number(1, static_cast<std::uint32_t>(one.stage));
            Put(sub).number(2, one.hits);
        }
    std::vector<std::uint32_t> uncounted;
    for (const Stage stage : ledger.uncounted) uncounted.push_back(static_cast<std::uint32_t>(stage));
    message.add_packed_uint32(17, uncounted.begin(), uncounted.end());
    put.number(18, ledger.driven ? *ledger.driven + 1 : 0);
    put.number(19, ledger.correlated ? *ledger.correlated + 1 : 0);
    if (ending.capture) {
        pbf_writer sub(message, 40);
        visit_capture(Put(sub), *ending.capture);
    }
}

void put_entry(std::string& out, const PartEntry& entry) {
    pbf_writer writer(out);
    pbf_writer message(writer, part_kind);
    part_fields(Put(message), entry);
}

}  // namespace sockray
