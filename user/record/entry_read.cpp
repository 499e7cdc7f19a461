#include <algorithm>
#include <cstring>
#include <optional>
#include <protozero/varint.hpp>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "user/decode/decode.h"
#include "user/record/entry.h"
#include "user/record/fields.h"
#include "user/record/limits.h"
#include "user/record/message.h"

namespace sockray {
namespace {

// Takes the field that the reader stands at where the list comes to it, and goes on to the next one: fields in the
// order of the list, as the writer has them, are taken in one walk through it. Fields of another wire type than the
// list's are none of it.
class Take {
  public:
    [[gnu::always_inline]] explicit Take(std::string_view message) : reader_(message) { reader_.next(); }
    template <typename Integer>
    [[gnu::always_inline]] void number(std::uint32_t field, Integer& value) {
        if (reader_.key() != key_of(field, Wire::number)) return;
        const std::uint64_t wide = reader_.number();
        if constexpr (std::is_signed_v<Integer>)
            narrow(protozero::decode_zigzag64(wide), value);
        else
            narrow(wide, value);
        reader_.next();
    }
    template <std::size_t size>
    [[gnu::always_inline]] void text(std::uint32_t field, char (&value)[size]) {
        if (reader_.key() != key_of(field, Wire::bytes)) return;
        const std::string_view bytes = reader_.bytes();
        if (bytes.size() >= size) refuse("a name that is too long");
        std::memset(value, 0, size);
        std::memcpy(value, bytes.data(), bytes.size());
        reader_.next();
    }
    [[gnu::always_inline]] void text(std::uint32_t field, std::string& value) {
        if (reader_.key() != key_of(field, Wire::bytes)) return;
        const std::string_view bytes = reader_.bytes();
        if (bytes.size() > limits::text_bytes) refuse("a text that is too long");
        value = bytes;
        reader_.next();
    }
    // Bytes of another kind: a message, packed numbers. `take` has them, each time the field is there.
    template <typename TakeBytes>
    [[gnu::always_inline]] void each(std::uint32_t field, const TakeBytes& take) {
        while (reader_.key() == key_of(field, Wire::bytes)) {
            take(reader_.bytes());
            reader_.next();
        }
    }
    MessageReader& reader() { return reader_; }

  private:
    template <typename Wide, typename Integer>
    [[gnu::always_inline]] static void narrow(Wide wide, Integer& value) {
        value = static_cast<Integer>(wide);
        if (static_cast<Wide>(value) != wide) refuse("a number that is too large for its field");
    }
    MessageReader reader_;
};

Stage stage_of(std::uint64_t number) {
    // A stage that a later sockray has: not known here, and not shown.
    return number < stage_count ? static_cast<Stage>(number) : Stage::none;
}

void take_stages(sr_send& record, std::uint64_t base, std::string_view packed) {
    Numbers numbers(packed);
    while (!numbers.at_end()) {
        const std::uint64_t slot = numbers.take();
        const std::uint64_t stage = numbers.take();
        const std::uint64_t start = numbers.take();
        const std::uint64_t duration = numbers.take();
        if (slot >= SR_SLOT_COUNT || stage_of(stage) == Stage::none) continue;
        record.stage[slot] = static_cast<std::uint8_t>(stage);
        sr_span& span = record.span[slot];
        if (start) span.start = base + static_cast<std::uint64_t>(protozero::decode_zigzag64(start - 1));
        if (duration) span.end = span.start + duration - 1;
    }
}

// Makes the record what the ring could have held: what decode() refuses there is refused here.
template <typename T>
void check(T& record, std::uint32_t type) {
    record.head.type = type;
    record.head.size = sizeof record;
    if (const std::string_view wrong = check_body(record); !wrong.empty()) refuse(wrong);
}

// Passes over the fields that are none of the list.
template <typename Visit>
[[gnu::always_inline]] inline void take_fields(std::string_view message, const Visit& visit) {
    Take take(message);
    MessageReader& reader = take.reader();
    while (reader.key() != MessageReader::no_key) {
        const char* before = reader.place();
        visit(take);
        if (reader.place() != before) continue;
        reader.skip();
        reader.next();
    }
}

// One more of what there may be only so many of.
template <typename T>
T& add_one(std::vector<T>& to, std::size_t most, std::string_view too_many) {
    if (to.size() >= most) refuse(too_many);
    return to.emplace_back();
}

// A command line is for people to read: of a long one they get the beginning.
void add_word(std::vector<std::string>& command, std::string_view word) {
    constexpr std::string_view more = "...";
    if (command.size() > limits::command_words) return;
    if (command.size() == limits::command_words) word = more;
    command.emplace_back(word.substr(0, limits::text_bytes));
    if (word.size() > limits::text_bytes) command.back() += more;
}

OriginEntry take_origin(std::string_view message) {
    OriginEntry entry;
    take_fields(message, [&](Take& take) {
        take.each(2, [&](std::string_view word) { add_word(entry.origin.command, word); });
        visit_origin(take, entry.origin);
        take.number(9, entry.file);
    });
    return entry;
}

PlanLine take_plan(std::string_view message) {
    PlanLine line;
    std::uint32_t stage = 0;
    std::uint32_t evidence = 0;
    take_fields(message, [&](Take& take) {
        take.number(1, stage);
        take.number(2, evidence);
        visit_plan(take, line);
        take.each(7, [&](std::string_view alternative) {
            Alternative& one = add_one(line.alternatives, limits::alternatives, "a stage with too many hooks");
            take_fields(alternative, [&](Take& t) { visit_alternative(t, one); });
        });
    });
    if (evidence > static_cast<std::uint32_t>(Evidence::absent)) refuse("evidence of an unknown kind");
    line.stage = stage_of(stage);
    line.evidence = static_cast<Evidence>(evidence);
    return line;
}

SocketEntry take_socket(std::string_view message) {
    SocketEntry entry;
    take_fields(message, [&](Take& take) {
        take.number(1, entry.id);
        visit_socket(take, entry.record);
    });
    check(entry.record, SR_RECORD_SOCKET);
    return entry;
}

void take_receiver(Send& send, std::string_view message) {
    FrameReceiver receiver;
    take_fields(message, [&](Take& take) { visit_receiver(take, receiver); });
    receiver.stage = static_cast<std::uint32_t>(stage_of(receiver.stage));
    if (send.also_received.size() < SR_RECEIVERS_MOST) send.also_received.push_back(receiver);
}

void take_vnet(sr_send& record, std::string_view bytes) {
    if (bytes.size() != sizeof record.vnet) refuse("a virtio-net header of another size");
    std::memcpy(record.vnet, bytes.data(), sizeof record.vnet);
}

// In the order in which the writer puts them: most of a recording is this, and takes one walk through the list, all of
// it inline.
void take_send(std::string_view message, Send& send) {
    std::uint32_t outcome = 0;
    std::uint32_t end_stage = 0;
    std::uint32_t frame_end = 0;
    std::uint64_t number_plus_1 = 0;
    std::uint64_t base = 0;
    take_fields(
        message, [&](Take & take) __attribute__((always_inline)) {
            take.number(1, send.id);
            take.number(2, outcome);
            take.number(3, end_stage);
            take.text(4, send.reason);
            take.number(5, frame_end);
            take.number(6, send.frames_consumed);
            take.number(7, number_plus_1);
            visit_send(take, send.record);
            take.number(62, base);
            take.each(63, [&](std::string_view packed) { take_stages(send.record, base, packed); });
            take.number(64, send.tapped);
            take.each(65, [&](std::string_view receiver) { take_receiver(send, receiver); });
            take.each(66, [&](std::string_view bytes) { take_vnet(send.record, bytes); });
        });
    if (outcome >= outcome_count) refuse("a send with an outcome that is none");
    if (frame_end > static_cast<std::uint32_t>(FrameEnd::lost)) refuse("a send with an end that is none");
    send.outcome = static_cast<Outcome>(outcome);
    send.end_stage = stage_of(end_stage);
    send.frame_end = static_cast<FrameEnd>(frame_end);
    if (number_plus_1) send.number = number_plus_1 - 1;
    check(send.record, SR_RECORD_SEND);
}

void take_numbers(std::string_view packed, std::span<std::uint64_t> to) {
    Numbers numbers(packed);
    for (std::size_t i = 0; !numbers.at_end(); i++)
        if (const std::uint64_t number = numbers.take(); i < to.size()) to[i] = number;
}

StageHits take_hits(std::string_view message) {
    std::uint32_t stage = 0;
    std::uint64_t hits = 0;
    take_fields(message, [&](Take& take) {
        take.number(1, stage);
        take.number(2, hits);
    });
    return {stage_of(stage), hits};
}

ReceiverCounters take_receivers(std::string_view message) {
    ReceiverCounters counters;
    take_fields(message, [&](Take& take) {
        take.each(1, [&](std::string_view receiver) {
            ReceiverDelta& to = add_one(counters.sockets, limits::receivers, "a ledger of too many packet sockets");
            std::uint64_t sk_drops = 0;
            take_fields(receiver, [&](Take& t) {
                visit_receiver_delta(t, to);
                t.number(10, sk_drops);
            });
            if (sk_drops) to.sk_drops = sk_drops - 1;
        });
        take.number(2, counters.unnamed);
        take.text(3, counters.unread);
        take.number(4, counters.own);
    });
    return counters;
}

Ending take_ending(std::string_view message) {
    constexpr std::string_view too_many_stages = "a ledger of too many stages";
    Ending ending;
    Ledger& ledger = ending.ledger;
    std::uint32_t skipped_known = 0;
    std::uint64_t driven = 0;
    std::uint64_t correlated = 0;
    std::vector<StageHits> skipped;
    take_fields(message, [&](Take& take) {
        take.number(1, ending.end_ns);
        take.each(2, [&](std::string_view device) {
            DeviceDelta& to = add_one(ending.devices, limits::devices, "a ledger of too many devices");
            take_fields(device, [&](Take& t) { visit_device(t, to); });
        });
        take.each(3,
                  [&](std::string_view tally) { take_fields(tally, [&](Take& t) { visit_tally(t, ledger.sends); }); });
        take.each(
            4, [&](std::string_view tally) { take_fields(tally, [&](Take& t) { visit_tally(t, ledger.sockets); }); });
        take.each(5, [&](std::string_view packed) { take_numbers(packed, ledger.decoded_by_outcome); });
        visit_ledger(take, ledger);
        take.each(14, [&](std::string_view cpu) {
            CpuLoss& to = add_one(ledger.lost_by_cpu, limits::cpus, "a ledger of too many CPUs");
            take_fields(cpu, [&](Take& t) { visit_cpu(t, to); });
        });
        take.each(41, [&](std::string_view cost) {
            take_fields(cost, [&to = ledger.cost.emplace()](Take& t) { visit_cost(t, to); });
        });
        take.number(15, skipped_known);
        take.each(16,
                  [&](std::string_view hits) { add_one(skipped, limits::stages, too_many_stages) = take_hits(hits); });
        take.each(42, [&](std::string_view hits) {
            add_one(ledger.partial_by_stage, limits::stages, too_many_stages) = take_hits(hits);
        });
        take.each(17, [&](std::string_view packed) {
            for (Numbers stages(packed); !stages.at_end();)
                add_one(ledger.uncounted, limits::stages, too_many_stages) = stage_of(stages.take());
        });
        take.number(18, driven);
        take.number(19, correlated);
        take.each(40, [&](std::string_view capture) {
            take_fields(capture, [&to = ending.capture.emplace()](Take& t) { visit_capture(t, to); });
        });
        take.each(43, [&](std::string_view counters) { ending.receivers = take_receivers(counters); });
    });
    for (const std::uint64_t sends : ledger.decoded_by_outcome) ledger.decoded += sends;
    if (skipped_known) ledger.skipped = std::move(skipped);
    if (driven) ledger.driven = driven - 1;
    if (correlated) ledger.correlated = correlated - 1;
    return ending;
}

template <typename T, typename Visit>
T take_plain(std::string_view message, const Visit& visit) {
    T entry;
    take_fields(message, [&](Take& take) { visit(take, entry); });
    return entry;
}

void take_entry(std::string_view bytes, Entry& entry) {
    MessageReader reader(bytes);
    while (reader.next()) {
        switch (reader.key()) {
            case key_of(send_kind, Wire::bytes): return take_send(reader.bytes(), entry.emplace<Send>());
            case key_of(origin_kind, Wire::bytes): entry = take_origin(reader.bytes()); return;
            case key_of(plan_kind, Wire::bytes): entry = take_plan(reader.bytes()); return;
            case key_of(symbol_kind, Wire::bytes):
                entry = take_plain<SymbolEntry>(reader.bytes(), symbol_fields);
                return;
            case key_of(drop_reason_kind, Wire::bytes):
                entry = take_plain<DropReasonEntry>(reader.bytes(), drop_reason_fields);
                return;
            case key_of(socket_kind, Wire::bytes): entry = take_socket(reader.bytes()); return;
            case key_of(ending_kind, Wire::bytes): entry = take_ending(reader.bytes()); return;
            case key_of(part_kind, Wire::bytes): entry = take_plain<PartEntry>(reader.bytes(), part_fields); return;
            default: reader.skip();
        }
    }
    entry = UnknownEntry{};
}

}  // namespace

std::string_view parse_entry(std::string_view bytes, Entry& entry) {
    try {
        take_entry(bytes, entry);
        return {};
    } catch (const Malformed& malformed) {
        return malformed.what;
    } catch (const protozero::exception&) {
        return "an entry that is no message of recording.proto";
    }
}

tl::expected<Entry, std::string_view> parse_entry(std::string_view bytes) {
    tl::expected<Entry, std::string_view> entry;
    if (const std::string_view wrong = parse_entry(bytes, *entry); !wrong.empty()) return tl::unexpected(wrong);
    return entry;
}

}  // namespace sockray
