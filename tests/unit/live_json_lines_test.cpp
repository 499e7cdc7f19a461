#include "user/live/json_lines.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/base/json.h"
#include "user/live/json_summary.h"

namespace sockray {
namespace {

using Json = nlohmann::ordered_json;

class JsonLinesTest : public ::testing::Test {
  protected:
    // The one line that was appended, parsed; parsing throws where it is not valid JSON in valid UTF-8.
    Json take() {
        const std::string text = fmt::to_string(out_);
        out_.clear();
        EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
        return Json::parse(text);
    }
    Json line(const Send& send) {
        json_.send(out_, send);
        return take();
    }
    Json summary(const Ending& ending, const Devices& devices = {}) {
        append_json_summary(out_, ending, devices);
        return take();
    }
    Json summary(const Ledger& ledger) {
        Ending ending;
        ending.ledger = ledger;
        return summary(ending);
    }
    Json devices_of(const DeviceDelta& delta, const Devices& devices = {}) {
        Ending ending;
        ending.devices = {delta};
        return summary(ending, devices)["devices"];
    }
    Json line(const sr_socket& socket) {
        json_.socket(out_, socket, 1);
        return take();
    }

    Plan plan_ = made::plan(true);
    made::Names names_;
    JsonLines json_{plan_, names_};
    fmt::memory_buffer out_;
};

std::vector<std::string> keys(const Json& object, std::size_t count) {
    std::vector<std::string> names;
    for (const auto& item : object.items()) names.push_back(item.key());
    if (names.size() > count) names.resize(count);
    return names;
}

TEST_F(JsonLinesTest, PlanHasTheKeysOfTheContractInTheirOrder) {
    json_.plan_line(out_, *plan_.find(Stage::packet_snd));
    const Json plan = take();
    EXPECT_EQ(keys(plan, 7),
              (std::vector<std::string>{"type", "stage", "evidence", "function", "offset", "hook", "reason"}));
    EXPECT_EQ(plan["stage"], "packet_snd");
    EXPECT_EQ(plan["evidence"], "located");
    EXPECT_EQ(plan["function"], "packet_sendmsg");
    EXPECT_EQ(plan["offset"], 1547);
    EXPECT_EQ(plan["hook"], "kprobe");
}

TEST_F(JsonLinesTest, PlanIsOneLineForEachStage) {
    json_.plan(out_);
    const std::string text = fmt::to_string(out_);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(all_stages.size()));
}

TEST_F(JsonLinesTest, SocketHasTheKeysOfTheContractInTheirOrder) {
    EXPECT_EQ(keys(line(made::socket()), 15),
              (std::vector<std::string>{"type", "id", "ts", "pid", "tid", "comm", "family", "sock_type", "protocol",
                                        "ret", "ops", "create", "sk_family", "sk_destruct", "stages"}));
}

TEST_F(JsonLinesTest, SocketGivesNamesForAddressesAndTheProtocolInHostOrder) {
    const Json socket = line(made::socket());
    EXPECT_EQ(socket["ts"], 900'000);
    EXPECT_EQ(socket["family"], 17);
    EXPECT_EQ(socket["sock_type"], 3);
    EXPECT_EQ(socket["protocol"], 2054);
    EXPECT_EQ(socket["po_num"], 2054);
    EXPECT_EQ(socket["ops"], "packet_ops");
    EXPECT_EQ(socket["create"], "packet_create");
    EXPECT_EQ(socket["sk_destruct"], "packet_sock_destruct");
    EXPECT_EQ(socket["net_family"], "packet_family_ops");
    EXPECT_EQ(socket["ops_sendmsg"], "packet_sendmsg");
    EXPECT_EQ(socket["errno"], 0);
    EXPECT_EQ(socket["stages"][1]["name"], "packet_create");
    EXPECT_EQ(socket["stages"][1]["start"], 901'000);
}

TEST_F(JsonLinesTest, RefusedSocketHasNoAddressesAndTellsTheErrno) {
    const Json socket = line(made::refused_socket());
    EXPECT_EQ(socket["ret"], -1);
    EXPECT_EQ(socket["errno"], 1);
    EXPECT_TRUE(socket["ops"].is_null());
    EXPECT_EQ(socket["net_family"], "packet_family_ops");
}

TEST_F(JsonLinesTest, SendHasTheKeysOfTheContractInTheirOrder) {
    EXPECT_EQ(keys(line(made::delivered()), 15),
              (std::vector<std::string>{"type", "id", "ts", "pid", "tid", "comm", "entry", "ifname", "len", "ret",
                                        "errno", "outcome", "reason", "stages", "cookie"}));
}

TEST_F(JsonLinesTest, SendHoldsWhatTheRecordHolds) {
    const Json send = line(made::delivered(7));
    EXPECT_EQ(send["id"], 7);
    EXPECT_EQ(send["ts"], 1'000'000);
    EXPECT_EQ(send["entry"], "sendto");
    EXPECT_EQ(send["ret"], 42);
    EXPECT_EQ(send["errno"], 0);
    EXPECT_EQ(send["outcome"], "delivered");
    EXPECT_EQ(send["reason"], "");
    EXPECT_TRUE(send["cookie"].is_null());
    EXPECT_EQ(send["sendmsg"], "packet_sendmsg");
    EXPECT_EQ(send["protocol"], 2054);
    for (const char* gone : {"frames", "frames_delivered", "ring_frame", "segments"})
        EXPECT_FALSE(send.contains(gone)) << gone;
    EXPECT_FALSE(send.contains("partial"));
}

// What they have in common is kept, and with it what they have not.
TEST_F(JsonLinesTest, SendsOfOneThreadAndOneSocketHoldWhatIsTheirOwn) {
    Send send = made::delivered();
    line(send);
    send.record.ifindex++;
    send.record.ifname[0] = 'w';
    send.record.tx_queue = 8;
    send.record.sendmsg_fn++;
    send.end_stage = Stage::queue_xmit;
    made::unpass(send.record, {SR_SLOT_DRIVER});
    const Json other = line(send);
    JsonLines anew(plan_, names_);
    anew.send(out_, send);
    EXPECT_EQ(other, take());
}

TEST_F(JsonLinesTest, SendListsItsStagesWithPacketSndEndingWithPacketSendmsg) {
    const Json stages = line(made::delivered())["stages"];
    ASSERT_EQ(stages.size(), 8U);
    EXPECT_EQ(stages[4], Json::parse(R"({"name":"packet_snd","evidence":"located","start":1001200,"end":1009200})"));
}

TEST_F(JsonLinesTest, StagesThatFollowWithoutAHookHaveNullTimes) {
    const Json stages = line(made::inlined(made::delivered()))["stages"];
    EXPECT_EQ(stages[1], Json::parse(R"({"name":"sockfd_lookup_light","evidence":"derived","start":null,"end":null})"));
    EXPECT_EQ(stages[2]["name"], "__sock_sendmsg");
}

TEST_F(JsonLinesTest, FailedSendReturnsMinusOneAndAPositiveErrno) {
    const Json send = line(made::failed());
    EXPECT_EQ(send["ret"], -1);
    EXPECT_EQ(send["errno"], 100);
    EXPECT_EQ(send["outcome"], "failed");
    EXPECT_EQ(send["end_stage"], "packet_snd");
}

TEST_F(JsonLinesTest, SendWhoseReturnWasNotSeenSaysSo) {
    Send send = made::delivered();
    send.record.flags &= ~SR_SEND_RETURNED;
    send.record.span[SR_SLOT_SENDMSG].end = 0;
    const Json json = line(send);
    EXPECT_TRUE(json["ret"].is_null());
    EXPECT_TRUE(json["errno"].is_null());
    EXPECT_EQ(json["partial"], true);
}

TEST_F(JsonLinesTest, CookieIsTheNumberThatWasReadFromTheFrame) {
    Send send = made::delivered();
    send.record.flags |= SR_SEND_COOKIE;
    send.record.cookie = 18446744073709551615U;
    EXPECT_EQ(line(send)["cookie"], 18446744073709551615U);
}

TEST_F(JsonLinesTest, TxRingSendTellsWhichFrameOfItsCallItIs) {
    EXPECT_EQ(line(made::ring())["ring_frame"], 0);
    EXPECT_EQ(line(made::ring_of_many(15))["ring_frame"], 15);
    EXPECT_FALSE(line(made::delivered()).contains("ring_frame"));
}

TEST_F(JsonLinesTest, SegmentedSendCountsItsSegments) {
    Send send = made::followed();
    send.record.segments = 12;
    send.record.driver_hits = 7;
    const Json json = line(send);
    EXPECT_EQ(json["segments"], 12);
    EXPECT_EQ(json["segments_delivered"], 7);
    EXPECT_FALSE(line(made::followed()).contains("segments"));
    EXPECT_FALSE(line(made::followed()).contains("segments_delivered"));
}

TEST_F(JsonLinesTest, SendTellsHowLongItsFrameWasUnderWay) {
    EXPECT_EQ(line(made::delivered())["frame_ns"], 7'500);
    EXPECT_EQ(line(made::followed())["frame_ns"], 29'000) << "behind the return of the send";
    const Json failed = line(made::failed());
    ASSERT_TRUE(failed.contains("frame_ns"));
    EXPECT_TRUE(failed["frame_ns"].is_null());
}

TEST_F(JsonLinesTest, FollowedSendNamesDriverAndQdisc) {
    const Json send = line(made::followed());
    EXPECT_EQ(send["driver"], "veth_xmit");
    EXPECT_EQ(send["qdisc"], "tbf");
    EXPECT_EQ(send["qdisc_len"], 3);
    const Json other = line(made::delivered());
    for (const char* key : {"driver", "qdisc", "qdisc_len"}) EXPECT_FALSE(other.contains(key)) << key;
}

TEST_F(JsonLinesTest, FollowedSendTellsWhoGotTheFrame) {
    Send send = made::followed();
    const std::pair<std::uint32_t, const char*> words[] = {{SR_RECEIVED_TAKEN, "taken"},
                                                           {SR_RECEIVED_FULL, "full"},
                                                           {SR_RECEIVED_FILTERED, "filtered"},
                                                           {SR_RECEIVED_UNKNOWN, "unknown"}};
    for (const auto& [received, word] : words) {
        send.record.received = received;
        send.record.receivers = 3;
        const Json json = line(send);
        EXPECT_EQ(json["receivers"], 3);
        EXPECT_EQ(json["receiver_ino"], 777);
        EXPECT_EQ(json["received"], word);
    }
    send.also_received = {{801, 5, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV}};
    const Json both = line(send)["received_by"];
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0]["socket_ino"], 777);
    EXPECT_EQ(both[1].dump(), R"({"socket_ino":801,"stage":"tpacket_rcv","ts":5,"received":"full"})");
    for (const char* key : {"receivers", "receiver_ino", "received", "received_by"})
        EXPECT_FALSE(line(made::delivered()).contains(key)) << key;
}

TEST_F(JsonLinesTest, SendThatAFilterPassedOnNamesTheOtherDevice) {
    Send send = made::followed();
    EXPECT_FALSE(line(send).contains("passed_on_to"));
    send.record.flags |= SR_SEND_PASSED_ON;
    made::set(send.record.passed_on_to, "vout0");
    EXPECT_EQ(line(send)["passed_on_to"], "vout0");
}

TEST_F(JsonLinesTest, FollowedSendTellsWhyItsFrameWasFreed) {
    Send send = made::followed();
    EXPECT_EQ(line(send)["freed"], "consumed");
    send.record.freed_reason = 17;
    EXPECT_EQ(line(send)["freed"], "QDISC_DROP");
    EXPECT_FALSE(line(made::delivered()).contains("freed"));
}

TEST_F(JsonLinesTest, FollowedSendListsItsMomentsAsStagesThatEndWhereTheyBegin) {
    const Json send = line(made::followed());
    std::vector<std::string> names;
    for (const Json& stage : send["stages"]) {
        names.push_back(stage["name"]);
        if (stage["name"] == "qdisc_dequeue") {
            EXPECT_EQ(stage,
                      Json::parse(R"({"name":"qdisc_dequeue","evidence":"probed","start":1028000,"end":1028000})"));
        }
    }
    EXPECT_EQ(names,
              (std::vector<std::string>{"__sys_sendto", "sockfd_lookup_light", "__sock_sendmsg", "packet_sendmsg",
                                        "packet_snd", "sock_alloc_send_pskb", "skb_copy_datagram_from_iter",
                                        "packet_parse_headers", "packet_xmit", "__dev_queue_xmit", "qdisc_enqueue",
                                        "qdisc_dequeue", "ndo_start_xmit", "packet_rcv", "skb_freed"}));
    EXPECT_FALSE(send.contains("partial"));
}

TEST_F(JsonLinesTest, DroppedSendNamesTheKernelsReason) {
    const Json send = line(made::dropped());
    EXPECT_EQ(send["drop_reason"], "QDISC_DROP");
    EXPECT_EQ(send["xmit_ret"], 1);
    EXPECT_FALSE(send.contains("driver_ret"));
}

TEST_F(JsonLinesTest, SummaryHasTheKeysOfTheContractInTheirOrder) {
    Ledger ledger;
    ledger.decoded = 3;
    ledger.decoded_by_outcome = {2, 0, 1, 0, 0};
    ledger.sends.seen = 5;
    ledger.sends.lost = {1, 1, 0, 0};
    const Json line = summary(ledger);
    EXPECT_EQ(keys(line, 12), (std::vector<std::string>{"type", "attempted", "delivered", "dropped", "failed", "queued",
                                                        "unknown", "seen", "decoded", "lost", "driven", "correlated"}));
    EXPECT_EQ(keys(line["lost"], 3), (std::vector<std::string>{"no_room", "missed", "map_full"}));
    EXPECT_EQ(line["attempted"], 5);
    EXPECT_EQ(line["unknown"], 2);
    EXPECT_TRUE(line["driven"].is_null());

    ledger.driven = ledger.correlated = 3;
    EXPECT_EQ(summary(ledger)["correlated"], 3);
}

TEST_F(JsonLinesTest, SummaryOfARecordingThatWasCutOffHasNullForWhatOnlyItsEndTells) {
    Ending ending;
    ending.cut_off = true;
    ending.ledger.decoded = ending.ledger.shown = ending.ledger.sends.seen = 3;
    ending.ledger.decoded_by_outcome = {3, 0, 0, 0, 0};
    const Json line = summary(ending);
    EXPECT_EQ(line["attempted"], 3);
    EXPECT_EQ(line["decoded"], 3);
    EXPECT_EQ(line["cut_off"], true);
    EXPECT_EQ(line["lost"], Json::parse(R"({"no_room":null,"missed":null,"map_full":null,"rejected":null})"));
    for (const auto& [key, count] : line["frames"].items()) EXPECT_TRUE(count.is_null()) << key;
    for (const char* key : {"seen", "lost_by_cpu", "skipped", "sockets_seen", "sockets_lost", "ring_idle", "filtered",
                            "left_out", "devices", "uncounted", "frame_parts_no_room", "children_lost",
                            "ring_idle_timed_out", "ring_idle_interrupted", "ring_overlapped"})
        EXPECT_TRUE(line[key].is_null()) << key;

    ending.capture.emplace();
    json_.capture(out_, ending);
    const Json capture = take();
    EXPECT_EQ(capture["lost"], Json::parse(R"({"dropped":null,"unread":null})"));
    EXPECT_TRUE(capture["seen"].is_null());
    EXPECT_EQ(capture["received"], 0);
}

TEST_F(JsonLinesTest, SummaryTellsByCpuWhatFoundNoRoomAndWhatSkippedHooksLeftBehind) {
    Ending ending;
    EXPECT_EQ(summary(ending)["lost_by_cpu"], Json::array());
    ending.ledger.lost_by_cpu = {{3, 1, 2, 4, 5, 6, 7, 8}};
    EXPECT_EQ(summary(ending)["lost_by_cpu"], Json::parse(R"([{"cpu":3,"sends_no_room":1,"sockets_no_room":2,
        "frames_no_room":4,"no_memory":5,"not_followed":6,"unopened":7,"passages_lost":8}])"));
}

TEST_F(JsonLinesTest, SummaryTellsWhichFilesOfASessionAreMissing) {
    Ending ending;
    EXPECT_EQ(summary(ending)["missing_files"], Json::parse(R"({"before":0,"between":0,"rest":false})"));
    ending.missing = {2, 1, true};
    EXPECT_EQ(summary(ending)["missing_files"], Json::parse(R"({"before":2,"between":1,"rest":true})"));
    EXPECT_EQ(summary(ending)["cut_off"], false);
}

TEST_F(JsonLinesTest, SummaryTellsWhatARecordingThatEndedEarlyDoesNotHave) {
    Ending ending;
    EXPECT_TRUE(summary(ending)["cut_short"].is_null());
    ending.cut_short = CutShort{{700, 304, 5}, {1, 2, 3}, "cannot write"};
    const auto object = summary(ending)["cut_short"];
    EXPECT_EQ(object["sends"]["written"], 700);
    EXPECT_EQ(object["sends"]["not_written"], 304);
    EXPECT_EQ(object["sends"]["removed"], 5);
    EXPECT_EQ(object["frames"]["not_written"], 2);
    EXPECT_EQ(object["cause"], "cannot write");
}

TEST_F(JsonLinesTest, SummaryTellsWhatBecameOfTheFrameRecords) {
    Ledger ledger;
    ledger.frames = {.seen = 10, .decoded = 8, .no_room = 2, .map_full = 3, .missed = 4};
    EXPECT_EQ(summary(ledger)["frames"],
              Json::parse(R"({"seen":10,"decoded":8,"no_room":2,"map_full":3,"missed":4,"rejected":0})"));
}

TEST_F(JsonLinesTest, SummaryHoldsTheLedgerAgainstDeviceAndQdisc) {
    Devices devices;
    for (int i = 0; i < 3; i++) devices.add(made::delivered(), made::Names());
    DeviceDelta delta{"veth0", 5, 300, 1, 0, made::delivered().record.netns_ino};
    delta.qdisc = {.kind = "tbf", .packets = 3, .drops = 2, .requeues = 7, .overlimits = 9, .waited = 0, .waiting = 0};
    const Json found = devices_of(delta, devices);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0]["ifname"], "veth0");
    EXPECT_EQ(found[0]["tx_packets"], 5);
    EXPECT_EQ(found[0]["tx_dropped"], 1);
    EXPECT_EQ(found[0]["qdisc"],
              Json::parse(R"({"kind":"tbf","sent":3,"drops":2,"requeues":7,"overlimits":9,"waited":0,"waiting":0})"));
    const Json& held = found[0]["held"];
    ASSERT_EQ(held.size(), 4U);
    EXPECT_EQ(held[0]["counter"], "tx_packets");
    EXPECT_EQ(held[0]["counted"], 5);
    EXPECT_EQ(held[0]["expected"], 3);
    EXPECT_NE(held[0]["cause"], "");
    EXPECT_EQ(held[1], Json::parse(R"({"counter":"sent","counted":3,"expected":3,"cause":""})"));
    EXPECT_EQ(held[2]["counter"], "drops");
    EXPECT_NE(held[2]["cause"], "");
}

TEST_F(JsonLinesTest, SummaryHasNoQdiscWhereItIsNotKnownAndNoDevicesWhereNoneWasWatched) {
    EXPECT_EQ(summary(Ledger{})["devices"], Json::array());
    const Json found = devices_of({"veth0", 0, 0, 0, 0, 1});
    EXPECT_TRUE(found[0]["qdisc"].is_null());
    EXPECT_EQ(found[0]["held"].size(), 1U);
}

TEST_F(JsonLinesTest, NamesOfAnyBytesGiveValidJson) {
    for (int first = 1; first < 256; first++) {
        for (const char* rest :
             {"", "\"", "\\", "\x80", "\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\n\x1b[2J", "é"}) {
            const std::string name = std::string(1, static_cast<char>(first)) + rest;
            Send send = made::failed();
            made::set(send.record.comm, name);
            made::set(send.record.ifname, name);
            send.reason = name;
            ASSERT_NO_THROW(line(send)) << first << " " << rest;
            sr_socket socket = made::socket();
            made::set(socket.comm, name);
            ASSERT_NO_THROW(line(socket));
        }
    }
}

}  // namespace
}  // namespace sockray
