#include <algorithm>
#include <cstring>
#include <optional>
#include <protozero/pbf_reader.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "user/decode/decode.h"
#include "user/record/entry.h"
#include "user/record/fields.h"
#include "user/record/limits.h"

namespace sockray {
namespace {

using protozero::pbf_reader;

// What is wrong with an entry, thrown no further than parse_entry().
struct Malformed {
    std::string_view what;
};

// Takes the field that the reader stands at where the list comes to it, and goes on to the next one: fields in the
// order of the list, as the writer has them, are taken in one walk through it.
class Take {
  public:
    explicit Take(pbf_reader& reader) : reader_(reader) { go_on(); }
    template <typename Integer>
    void number(protozero::pbf_tag_type field, Integer& value) {
        if (field != field_) return;
        if constexpr (std::is_signed_v<Integer>)
            narrow(reader_.get_sint64(), value);
        else
            narrow(reader_.get_uint64(), value);
        took();
    }
    template <std::size_t size>
    void text(protozero::pbf_tag_type field, char (&value)[size]) {
        if (field != field_) return;
        const protozero::data_view view = reader_.get_view();
        if (view.size() >= size) throw Malformed{"a name that is too long"};
        std::memset(value, 0, size);
        std::memcpy(value, view.data(), view.size());
        took();
    }
    void text(protozero::pbf_tag_type field, std::string& value) {
        if (field != field_) return;
        const protozero::data_view view = reader_.get_view();
        if (view.size() > limits::text_bytes) throw Malformed{"a text that is too long"};
        value.assign(view.data(), view.size());
        took();
    }
    void go_on() { field_ = reader_.next() ? reader_.tag() : none; }
    bool at_end() const { return field_ == none; }
    // Fields so far.
    std::size_t taken() const { return taken_; }

  private:
    static constexpr protozero::pbf_tag_type none = 0;  // no field has this number
    template <typename Wide, typename Integer>
    static void narrow(Wide wide, Integer& value) {
        value = static_cast<Integer>(wide);
        if (static_cast<Wide>(value) != wide) throw Malformed{"a number that is too large for its field"};
    }
    void took() {
        taken_++;
        go_on();
    }
    pbf_reader& reader_;
    protozero::pbf_tag_type field_ = none;
    std::size_t taken_ = 0;
};

Stage stage_of(std::uint64_t number) {
    // A stage that a later sockray has: not known here, and not shown.
    return number < stage_count ? static_cast<Stage>(number) : Stage::none;
}

void take_stages(sr_send& record, std::uint64_t base, pbf_reader& reader) {
    const auto numbers = reader.get_packed_uint64();
    auto next = numbers.begin();
    const auto take = [&] {
        if (next == numbers.end()) throw Malformed{"stages that are cut off"};
        return *next++;
    };
    while (next != numbers.end()) {
        const std::uint64_t slot = take();
        const std::uint64_t stage = take();
        const std::uint64_t start = take();
        const std::uint64_t duration = take();
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
    if (const std::string_view wrong = check_body(record); !wrong.empty()) throw Malformed{wrong};
}

// Calls `other` for the fields that are none of the list.
template <typename Visit, typename Other>
void take_fields(pbf_reader reader, const Visit& visit, const Other& other) {
    for (Take take(reader); !take.at_end();) {
        const std::size_t before = take.taken();
        visit(take);
        if (take.taken() != before) continue;
        if (!other(reader)) reader.skip();
        take.go_on();
    }
}

constexpr auto nothing_else = [](pbf_reader&) { return false; };

// One more of what there may be only so many of.
template <typename T>
T& add_one(std::vector<T>& to, std::size_t most, std::string_view too_many) {
    if (to.size() >= most) throw Malformed{too_many};
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

OriginEntry take_origin(pbf_reader message) {
    OriginEntry entry;
    take_fields(
        message,
        [&](Take& take) {
            visit_origin(take, entry.origin);
            take.number(9, entry.file);
        },
        [&](pbf_reader& reader) {
            if (reader.tag() != 2) return false;
            const protozero::data_view word = reader.get_view();
            add_word(entry.origin.command, {word.data(), word.size()});
            return true;
        });
    return entry;
}

PlanLine take_plan(pbf_reader message) {
    PlanLine line;
    std::uint32_t stage = 0;
    std::uint32_t evidence = 0;
    take_fields(
        message,
        [&](Take& take) {
            visit_plan(take, line);
            take.number(1, stage);
            take.number(2, evidence);
        },
        [&](pbf_reader& reader) {
            if (reader.tag() != 7) return false;
            Alternative& one = add_one(line.alternatives, limits::alternatives, "a stage with too many hooks");
            take_fields(
                reader.get_message(), [&](Take& take) { visit_alternative(take, one); }, nothing_else);
            return true;
        });
    if (evidence > static_cast<std::uint32_t>(Evidence::absent)) throw Malformed{"evidence of an unknown kind"};
    line.stage = stage_of(stage);
    line.evidence = static_cast<Evidence>(evidence);
    return line;
}

SocketEntry take_socket(pbf_reader message) {
    SocketEntry entry;
    take_fields(
        message,
        [&](Take& take) {
            visit_socket(take, entry.record);
            take.number(1, entry.id);
        },
        nothing_else);
    check(entry.record, SR_RECORD_SOCKET);
    return entry;
}

void take_receiver(Send& send, pbf_reader message) {
    FrameReceiver receiver;
    take_fields(
        message, [&](Take& take) { visit_receiver(take, receiver); }, nothing_else);
    receiver.stage = static_cast<std::uint32_t>(stage_of(receiver.stage));
    if (send.also_received.size() < SR_RECEIVERS_MOST) send.also_received.push_back(receiver);
}

void take_vnet(sr_send& record, protozero::data_view bytes) {
    if (bytes.size() != sizeof record.vnet) throw Malformed{"a virtio-net header of another size"};
    std::memcpy(record.vnet, bytes.data(), sizeof record.vnet);
}

Send take_send(pbf_reader message) {
    Send send;
    std::uint32_t outcome = 0;
    std::uint32_t end_stage = 0;
    std::uint32_t frame_end = 0;
    std::uint64_t number_plus_1 = 0;
    std::uint64_t base = 0;
    take_fields(
        message,
        [&](Take& take) {
            visit_send(take, send.record);
            take.number(1, send.id);
            take.number(2, outcome);
            take.number(3, end_stage);
            take.text(4, send.reason);
            take.number(5, frame_end);
            take.number(6, send.frames_consumed);
            take.number(7, number_plus_1);
            take.number(62, base);
            take.number(64, send.tapped);
        },
        [&](pbf_reader& reader) {
            switch (reader.tag()) {
                case 63: take_stages(send.record, base, reader); return true;
                case 65: take_receiver(send, reader.get_message()); return true;
                case 66: take_vnet(send.record, reader.get_view()); return true;
                default: return false;
            }
        });
    if (outcome >= outcome_count) throw Malformed{"a send with an outcome that is none"};
    if (frame_end > static_cast<std::uint32_t>(FrameEnd::lost)) throw Malformed{"a send with an end that is none"};
    send.outcome = static_cast<Outcome>(outcome);
    send.end_stage = stage_of(end_stage);
    send.frame_end = static_cast<FrameEnd>(frame_end);
    if (number_plus_1) send.number = number_plus_1 - 1;
    check(send.record, SR_RECORD_SEND);
    return send;
}

void take_numbers(pbf_reader& reader, std::span<std::uint64_t> to) {
    std::size_t i = 0;
    for (const std::uint64_t number : reader.get_packed_uint64())
        if (i < to.size()) to[i++] = number;
}

Ending take_ending(pbf_reader message) {
    constexpr std::string_view too_many_stages = "a ledger of too many stages";
    Ending ending;
    Ledger& ledger = ending.ledger;
    std::uint32_t skipped_known = 0;
    std::uint64_t driven = 0;
    std::uint64_t correlated = 0;
    std::vector<StageHits> skipped;
    const auto sub = [](pbf_reader& reader, const auto& visit) {
        take_fields(reader.get_message(), visit, nothing_else);
        return true;
    };
    take_fields(
        message,
        [&](Take& take) {
            visit_ledger(take, ledger);
            take.number(1, ending.end_ns);
            take.number(15, skipped_known);
            take.number(18, driven);
            take.number(19, correlated);
        },
        [&](pbf_reader& reader) {
            switch (reader.tag()) {
                case 2: {
                    DeviceDelta& device = add_one(ending.devices, limits::devices, "a ledger of too many devices");
                    return sub(reader, [&](Take& t) { visit_device(t, device); });
                }
                case 3: return sub(reader, [&](Take& t) { visit_tally(t, ledger.sends); });
                case 4: return sub(reader, [&](Take& t) { visit_tally(t, ledger.sockets); });
                case 5: take_numbers(reader, ledger.decoded_by_outcome); return true;
                case 14: {
                    CpuLoss& cpu = add_one(ledger.lost_by_cpu, limits::cpus, "a ledger of too many CPUs");
                    return sub(reader, [&](Take& t) { visit_cpu(t, cpu); });
                }
                case 16: {
                    std::uint32_t stage = 0;
                    std::uint64_t hits = 0;
                    sub(reader, [&](Take& t) {
                        t.number(1, stage);
                        t.number(2, hits);
                    });
                    add_one(skipped, limits::stages, too_many_stages) = {stage_of(stage), hits};
                    return true;
                }
                case 17:
                    for (const std::uint64_t stage : reader.get_packed_uint64())
                        add_one(ledger.uncounted, limits::stages, too_many_stages) = stage_of(stage);
                    return true;
                case 41: return sub(reader, [&cost = ledger.cost.emplace()](Take& t) { visit_cost(t, cost); });
                case 40: return sub(reader, [&to = ending.capture.emplace()](Take& t) { visit_capture(t, to); });
                default: return false;
            }
        });
    for (const std::uint64_t sends : ledger.decoded_by_outcome) ledger.decoded += sends;
    if (skipped_known) ledger.skipped = std::move(skipped);
    if (driven) ledger.driven = driven - 1;
    if (correlated) ledger.correlated = correlated - 1;
    return ending;
}

template <typename T, typename Visit>
T take_plain(pbf_reader message, const Visit& visit) {
    T entry;
    take_fields(
        message, [&](Take& take) { visit(take, entry); }, nothing_else);
    return entry;
}

Entry take_entry(std::string_view bytes) {
    pbf_reader reader(bytes.data(), bytes.size());
    while (reader.next()) {
        switch (reader.tag()) {
            case origin_kind: return take_origin(reader.get_message());
            case plan_kind: return take_plan(reader.get_message());
            case symbol_kind: return take_plain<SymbolEntry>(reader.get_message(), symbol_fields);
            case drop_reason_kind: return take_plain<DropReasonEntry>(reader.get_message(), drop_reason_fields);
            case socket_kind: return take_socket(reader.get_message());
            case send_kind: return take_send(reader.get_message());
            case ending_kind: return take_ending(reader.get_message());
            case part_kind: return take_plain<PartEntry>(reader.get_message(), part_fields);
            default: reader.skip();
        }
    }
    return UnknownEntry{};
}

}  // namespace

tl::expected<Entry, std::string_view> parse_entry(std::string_view bytes) {
    try {
        return take_entry(bytes);
    } catch (const Malformed& malformed) {
        return tl::unexpected(malformed.what);
    } catch (const protozero::exception&) {
        return tl::unexpected(std::string_view("an entry that is no message of recording.proto"));
    }
}

}  // namespace sockray
