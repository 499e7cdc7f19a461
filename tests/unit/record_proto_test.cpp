// Entries as protoc decodes them by recording.proto: every field that is written is in it, under its name and with its
// value, and it has no field that is never written.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <type_traits>

#include "tests/unit/correlate_records.h"
#include "tests/unit/protoc.h"
#include "user/record/entry.h"
#include "user/record/fields.h"

namespace sockray {
namespace {

using protoc::Message;

constexpr char proto_folder[] = SOCKRAY_TEST_DATA "/../../../user/record";

struct Field {
    std::string type;
    std::string name;
};

// The messages of recording.proto, and their fields by number.
std::map<std::string, std::map<int, Field>> declared_messages() {
    std::map<std::string, std::map<int, Field>> messages;
    std::ifstream in(std::string(proto_folder) + "/recording.proto");
    const std::regex head("message (\\w+) \\{");
    const std::regex field(" +(?:repeated )?(\\w+) (\\w+) = (\\d+);.*");
    std::map<int, Field>* message = nullptr;
    for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (std::regex_match(line, match, head))
            message = &messages[match[1]];
        else if (message && std::regex_match(line, match, field))
            message->emplace(std::stoi(match[3]), Field{match[1], match[2]});
    }
    return messages;
}

// Makes every member another number or text, none 0 or empty; what may be below 0 is.
class Fill {
  public:
    template <typename Integer>
    void number(int, Integer& value) {
        next_++;
        if constexpr (std::is_signed_v<Integer>)
            value = static_cast<Integer>(-next_);
        else
            value = static_cast<Integer>(next_);
    }
    template <std::size_t size>
    void text(int, char (&value)[size]) {
        sample::set(value, "text " + std::to_string(++next_));
    }
    void text(int, std::string& value) { value = "text " + std::to_string(++next_); }

  private:
    int next_ = 0;
};

// Holds what protoc says of a message against the members that it was written from.
class Expect {
  public:
    Expect(const std::map<int, Field>& fields, const Message* message) : fields_(fields), message_(message) {}
    template <typename Integer>
    void number(int field, Integer value) {
        is(field, std::is_same_v<Integer, bool> ? "true" : std::to_string(value));
    }
    template <std::size_t size>
    void text(int field, const char (&value)[size]) {
        is(field, '"' + std::string(value) + '"');
    }
    void text(int field, const std::string& value) { is(field, '"' + value + '"'); }

  private:
    void is(int field, const std::string& value) {
        ASSERT_TRUE(message_ && fields_.contains(field)) << field;
        EXPECT_EQ(message_->get(fields_.at(field).name), value) << fields_.at(field).name;
    }
    const std::map<int, Field>& fields_;
    const Message* message_;
};

class RecordingProto : public testing::Test {
  protected:
    void SetUp() override {
        if (!protoc::is_installed()) GTEST_SKIP() << "no protoc (protobuf-compiler)";
        ASSERT_GT(declared_.size(), 10U);
    }

    // An entry that is written and decoded.
    template <typename E>
    Message written(const E& entry) {
        std::string bytes;
        put_entry(bytes, entry);
        const auto text = protoc::decode(proto_folder, "recording.proto", "sockray.Entry", bytes);
        if (!text) {
            ADD_FAILURE() << "protoc refuses it";
            return {};
        }
        EXPECT_EQ(protoc::unknown_fields(*text), std::vector<std::string>());
        Message message = protoc::parse(*text);
        see("Entry", message);
        return message;
    }
    Expect expect(const std::string& type, const Message* message) const { return {declared_.at(type), message}; }

    std::string type_of(const std::string& message, const std::string& field) const {
        for (const auto& [number, one] : declared_.at(message))
            if (one.name == field) return one.type;
        return "";
    }
    void see(const std::string& type, const Message& message) {
        for (const auto& [key, value] : message.values) seen_.insert(type + '.' + key);
        for (const auto& [key, inner] : message.messages) {
            seen_.insert(type + '.' + key);
            see(type_of(type, key), inner);
        }
    }

    const std::map<std::string, std::map<int, Field>> declared_ = declared_messages();
    std::set<std::string> seen_;  // MESSAGE.FIELD, of everything that was decoded
};

TEST_F(RecordingProto, NamesEveryFieldThatIsWrittenAndHasNoOther) {
    OriginEntry origin;
    visit_origin(Fill(), origin.origin);
    origin.origin.command = {"sockray", "run"};
    origin.file = 2;
    Message entry = written(origin);
    const Message* message = entry.child("origin");
    visit_origin(expect("Origin", message), origin.origin);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->values.count("command"), 2U);
    EXPECT_EQ(message->get("file"), "2");

    PlanLine line;
    visit_plan(Fill(), line);
    line.stage = Stage::packet_snd;
    line.evidence = Evidence::located;
    visit_alternative(Fill(), line.alternatives.emplace_back());
    entry = written(line);
    message = entry.child("plan");
    visit_plan(expect("PlanLine", message), line);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->get("stage"), std::to_string(SR_STAGE_PACKET_SND));
    EXPECT_EQ(message->get("evidence"), "1");
    visit_alternative(expect("Alternative", message->child("alternatives")), line.alternatives[0]);

    SymbolEntry symbol;
    symbol_fields(Fill(), symbol);
    entry = written(symbol);
    symbol_fields(expect("Symbol", entry.child("symbol")), symbol);
    DropReasonEntry reason;
    drop_reason_fields(Fill(), reason);
    entry = written(reason);
    drop_reason_fields(expect("DropReason", entry.child("drop_reason")), reason);
    const PartEntry part{3};
    entry = written(part);
    part_fields(expect("Part", entry.child("part")), part);

    SocketEntry socket;
    visit_socket(Fill(), socket.record);
    socket.id = 12;
    entry = written(socket);
    visit_socket(expect("Socket", entry.child("socket")), socket.record);
    ASSERT_TRUE(entry.child("socket"));
    EXPECT_EQ(entry.child("socket")->get("id"), "12");

    Send send;
    visit_send(Fill(), send.record);
    sample::pass(send.record, SR_SLOT_ENTRY, Stage::sys_sendto, 990, 2000);
    sample::pass(send.record, SR_SLOT_SENDMSG, Stage::packet_sendmsg, 1000, 1900);
    send.id = 7;
    send.outcome = Outcome::dropped;
    send.end_stage = Stage::queue_xmit;
    send.reason = "QDISC_DROP";
    send.frame_end = FrameEnd::lost;
    send.frames_consumed = 4;
    send.number = 5;
    send.tapped = 8;
    visit_receiver(Fill(), send.also_received.emplace_back());
    send.record.flags |= SR_SEND_VNET;
    std::memset(send.record.vnet, 'v', sizeof send.record.vnet);
    entry = written(send);
    message = entry.child("send");
    visit_send(expect("Send", message), send.record);
    ASSERT_TRUE(message);
    visit_receiver(expect("Receiver", message->child("also_received")), send.also_received[0]);
    EXPECT_EQ(message->get("vnet"), '"' + std::string(sizeof send.record.vnet, 'v') + '"');
    const std::map<std::string, std::string> rest{
        {"id", "7"},        {"outcome", "1"},         {"end_stage", std::to_string(SR_STAGE_QUEUE_XMIT)},
        {"frame_end", "2"}, {"frames_consumed", "4"}, {"number_plus_1", "6"},
        {"base", "1000"},   {"tapped", "8"},          {"reason", "\"QDISC_DROP\""},
    };
    for (const auto& [name, value] : rest) EXPECT_EQ(message->get(name), value) << name;
    std::string stages;
    const auto [from, to] = message->values.equal_range("stages");
    for (auto at = from; at != to; ++at) stages += at->second + ' ';
    EXPECT_EQ(stages, "0 3 20 1011 4 10 1 901 ");

    Ending ending;
    Ledger& ledger = ending.ledger;
    visit_ledger(Fill(), ledger);
    visit_tally(Fill(), ledger.sends);
    visit_tally(Fill(), ledger.sockets);
    visit_device(Fill(), ending.devices.emplace_back());
    visit_cpu(Fill(), ledger.lost_by_cpu.emplace_back());
    visit_cost(Fill(), ledger.cost.emplace());
    visit_capture(Fill(), ending.capture.emplace());
    ReceiverDelta& receiver = ending.receivers.emplace().sockets.emplace_back();
    visit_receiver_delta(Fill(), receiver);
    receiver.sk_drops = 20;
    ending.receivers->unnamed = 21;
    ending.receivers->unread = "why";
    ending.receivers->own = 22;
    ending.end_ns = 77;
    ledger.decoded_by_outcome = {5, 4, 3, 2, 1};
    ledger.skipped.emplace().push_back({Stage::alloc, 9});
    ledger.partial_by_stage = {{Stage::alloc, 8}};
    ledger.uncounted = {Stage::wait};
    ledger.driven = 10;
    ledger.correlated = 11;
    entry = written(ending);
    message = entry.child("ending");
    ASSERT_TRUE(message);
    visit_ledger(expect("Ending", message), ledger);
    visit_tally(expect("Tally", message->child("sends")), ledger.sends);
    visit_tally(expect("Tally", message->child("sockets")), ledger.sockets);
    visit_device(expect("Device", message->child("devices")), ending.devices[0]);
    visit_cpu(expect("CpuLoss", message->child("lost_by_cpu")), ledger.lost_by_cpu[0]);
    visit_cost(expect("TracingCost", message->child("cost")), *ledger.cost);
    visit_capture(expect("Capture", message->child("capture")), *ending.capture);
    const Message* receivers = message->child("receivers");
    ASSERT_TRUE(receivers && receivers->child("sockets"));
    visit_receiver_delta(expect("ReceiverDelta", receivers->child("sockets")), receiver);
    EXPECT_EQ(receivers->child("sockets")->get("sk_drops_plus_1"), "21");
    EXPECT_EQ(receivers->get("unnamed"), "21");
    EXPECT_EQ(receivers->get("own"), "22");
    EXPECT_EQ(receivers->get("unread"), "\"why\"");
    ASSERT_TRUE(message->child("skipped"));
    EXPECT_EQ(message->child("skipped")->get("hits"), "9");
    ASSERT_TRUE(message->child("partial_by_stage"));
    EXPECT_EQ(message->child("partial_by_stage")->get("hits"), "8");
    EXPECT_EQ(message->get("end_ns"), "77");
    EXPECT_EQ(message->get("driven_plus_1"), "11");
    EXPECT_EQ(message->get("correlated_plus_1"), "12");
    EXPECT_EQ(message->values.count("decoded_by_outcome"), 5U);

    std::set<std::string> all;
    for (const auto& [name, fields] : declared_)
        for (const auto& [number, field] : fields) all.insert(name + '.' + field.name);
    EXPECT_EQ(seen_, all);
}

}  // namespace
}  // namespace sockray
