// The summary's parts that are not of one send.
#include "user/live/json_summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

using Json = nlohmann::ordered_json;

Json summary(const Ending& ending) {
    fmt::memory_buffer out;
    append_json_summary(out, ending, {});
    return Json::parse(fmt::to_string(out));
}

TEST(JsonSummary, TellsWhichStagesItsPartialSendsLackTheEndOf) {
    Ending ending;
    EXPECT_EQ(summary(ending)["partial_by_stage"], Json::object());
    ending.ledger.partial = 3;
    ending.ledger.partial_by_stage = {{Stage::packet_sendmsg, 2}, {Stage::alloc, 3}};
    EXPECT_EQ(summary(ending)["partial_by_stage"], Json::parse(R"({"packet_sendmsg":2,"sock_alloc_send_pskb":3})"));
}

TEST(JsonSummary, TellsHowOftenFramesWereOfferedToPacketSockets) {
    EXPECT_TRUE(summary({}).at("offers").is_null());
    Devices devices;
    Send send = made::followed();
    devices.add(send, made::Names());
    send.record.received = SR_RECEIVED_FULL;
    send.record.receivers = 3;
    devices.add(send, made::Names());
    fmt::memory_buffer out;
    append_json_summary(out, {}, devices);
    EXPECT_EQ(Json::parse(fmt::to_string(out))["offers"],
              Json::parse(R"({"total":4,"taken":1,"full":1,"filtered":0,"unknown":2,"to_rings":0})"));
}

TEST(JsonSummary, HoldsTheLedgerAgainstTheReceivingSockets) {
    EXPECT_TRUE(summary({}).at("receiver_counters").is_null());
    Ending ending;
    ending.receivers.emplace();
    ReceiverDelta delta;
    delta.socket_ino = 777;
    delta.pid = 191;
    delta.comm = "tcpdump";
    delta.taken = 2;
    delta.full = 28;
    delta.filtered = 3;
    delta.unknown = 1;
    delta.tp_packets = 31;
    delta.tp_drops = 28;
    ending.receivers->sockets = {delta};
    const Json counters = summary(ending)["receiver_counters"];
    EXPECT_EQ(counters["own"], 0);
    EXPECT_EQ(counters["unnamed"], 0);
    EXPECT_EQ(counters["unread"], "");
    Json socket = counters["sockets"].at(0);
    const Json held = socket["held"];
    socket.erase("held");
    EXPECT_EQ(socket.dump(), R"({"socket_ino":777,"pid":191,"comm":"tcpdump","taken":2,"full":28,"filtered":3,)"
                             R"("unknown":1,"tp_packets":31,"tp_drops":28,"sk_drops":null,"opened":false,)"
                             R"("gone":false,"reset":false})");
    ASSERT_EQ(held.size(), 2U);
    EXPECT_EQ(held[0]["counter"], "tp_packets");
    EXPECT_EQ(held[0]["expected"], 30);
    EXPECT_NE(held[0]["cause"], "");
    EXPECT_EQ(held[1], Json::parse(R"({"counter":"tp_drops","counted":28,"expected":28,"cause":""})"));
    ending.receivers->sockets[0].gone = true;
    const Json gone = summary(ending)["receiver_counters"]["sockets"].at(0);
    EXPECT_TRUE(gone["tp_packets"].is_null() && gone["tp_drops"].is_null() && gone["held"].empty()) << gone;
}

}  // namespace
}  // namespace sockray
