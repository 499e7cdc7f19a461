#include "user/report/csv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/report_session.h"

namespace sockray {
namespace {

std::string cell(std::string_view text) {
    fmt::memory_buffer out;
    append_csv_text(out, text);
    return fmt::to_string(out);
}

std::string line(const std::string& text, int number) {
    std::size_t at = 0;
    while (number--) at = text.find("\r\n", at) + 2;
    return text.substr(at, text.find("\r\n", at) - at);
}

TEST(Csv, BeginsWithTheNamesOfTheColumns) {
    const std::string text = made::exported<Csv>({});
    EXPECT_EQ(text.find("id,ts_ns,pid,tid,comm,entry,ifname,len,ret,errno,outcome,reason,entry_start_ns,entry_end_ns,"
                        "sockfd_lookup_light_start_ns,"),
              0U);
    EXPECT_TRUE(text.ends_with(",skb_freed_start_ns,skb_freed_end_ns,receivers,passed_on_to\r\n"));
    EXPECT_EQ(std::count(text.begin(), text.end(), ','), 13 + 2 * SR_SLOT_COUNT);
}

TEST(Csv, RowHoldsTheSendAndLeavesEmptyWhatWasNotSeen) {
    const std::string row = line(made::exported<Csv>({made::delivered()}), 1);
    EXPECT_EQ(
        row,
        "1,1000000,812,812,arping,sendto,veth0,42,42,0,delivered,,1000000,1010000,1000200,1000600,,,1000800,1009600,"
        "1001000,1009200,1001200,1009200,1001500,1002800,,,,,,,,,1003500,1009000,,,,,1005000,1008500,,,,,,,,");
}

TEST(Csv, RefusedSendHasMinusOneAndAnErrno) {
    const std::string row = line(made::exported<Csv>({made::failed()}), 1);
    EXPECT_NE(row.find(",42,-1,100,failed,ENETDOWN: veth0 is down,"), std::string::npos) << row;
}

TEST(Csv, TheLastColumnsNameEachReceiverAndTheDeviceThatTheFrameWasPassedOnTo) {
    Send send = made::followed();
    send.record.receivers = 3;
    send.also_received = {{801, 1, SR_RECEIVED_FULL, SR_STAGE_PACKET_RCV}};
    send.record.flags |= SR_SEND_PASSED_ON;
    made::set(send.record.passed_on_to, "=out");
    const std::string row = line(made::exported<Csv>({send}), 1);
    EXPECT_TRUE(row.ends_with(",\"777 taken, 801 full, 1 more\",'=out")) << row;
}

TEST(Csv, ReturnThatWasNotSeenIsEmpty) {
    Send send = made::delivered();
    send.record.flags &= ~SR_SEND_RETURNED;
    EXPECT_NE(line(made::exported<Csv>({send}), 1).find(",42,,,delivered,"), std::string::npos);
}

TEST(Csv, TextThatLooksLikeAFormulaIsGuarded) {
    EXPECT_EQ(cell("=1+1"), "'=1+1");
    EXPECT_EQ(cell("+1"), "'+1");
    EXPECT_EQ(cell("-1"), "'-1");
    EXPECT_EQ(cell("@SUM(A1)"), "'@SUM(A1)");
    EXPECT_EQ(cell("\uff1d1"), "'\uff1d1");
    EXPECT_EQ(cell("'=1"), "''=1");
    EXPECT_EQ(cell("arping"), "arping");
}

TEST(Csv, CommasQuotesAndBlanksAtTheEdgeAreQuoted) {
    EXPECT_EQ(cell("a,b"), "\"a,b\"");
    EXPECT_EQ(cell("a\"b"), "\"a\"\"b\"");
    EXPECT_EQ(cell(" a"), "\" a\"");
    EXPECT_EQ(cell("=\"x\""), "\"'=\"\"x\"\"\"");
}

TEST(Csv, HostileNamesBreakNoRow) {
    const auto sends = made::session();
    const std::string text = made::exported<Csv>(sends);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(sends.size() + 1));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), static_cast<std::ptrdiff_t>(sends.size() + 1));
    EXPECT_EQ(cell("\x01\t\r\n\xff"), "\\x01\\x09\\x0d\\x0a\\xff");
}

}  // namespace
}  // namespace sockray
