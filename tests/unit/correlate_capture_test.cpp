// What a capture tells, and its ledger.
#include <gtest/gtest.h>
#include <linux/if_ether.h>

#include <string>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/correlate/capture_teller.h"

namespace sockray {
namespace {

std::vector<std::byte> bytes_of(const std::vector<int>& values) {
    std::vector<std::byte> bytes;
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

std::uint16_t ethertype(std::uint16_t link_type, const std::vector<int>& values) {
    const auto bytes = bytes_of(values);
    const TapInterface interface { "x", 1, 1, link_type };
    return ethertype_of({&interface, bytes, static_cast<std::uint32_t>(bytes.size()), 0, false});
}

TEST(TapFrame, TellsItsEthertypeByItsBytes) {
    EXPECT_EQ(ethertype(1, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x08, 0x06}), ETH_P_ARP);
    EXPECT_EQ(ethertype(276, {0x86, 0xdd, 0, 0}), ETH_P_IPV6);
    EXPECT_EQ(ethertype(101, {0x45}), ETH_P_IP);
    EXPECT_EQ(ethertype(101, {0x60}), ETH_P_IPV6);
}

TEST(TapFrame, TellsNoEthertypeWhereThereIsNone) {
    EXPECT_EQ(ethertype(1, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x08}), 0) << "cut off";
    EXPECT_EQ(ethertype(1, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x00, 0x26}), 0) << "a length";
    EXPECT_EQ(ethertype(276, {}), 0);
    EXPECT_EQ(ethertype(101, {}), 0);
    EXPECT_EQ(ethertype(101, {0x10}), 0);
    EXPECT_EQ(ethertype(127, {8, 0, 8, 0}), 0) << "another link";
}

class Listener : public Sink {
  public:
    void frame(const TapFrame& frame) override { told += frame.outgoing ? '>' : '<'; }
    void end(const Ending& last) override { ending = last; }
    std::string told;
    Ending ending;
};

TEST(CaptureTeller, TellsAllInOrderAndItsLedgerBalances) {
    Listener listener;
    CaptureTeller teller({&listener}, {"veth0", 2, 7, 1}, 0);
    for (const bool outgoing : {true, false, false}) teller.frame({nullptr, {}, 60, 1, outgoing});
    CaptureLedger totals;
    totals.seen = 5;
    totals.dropped = 2;
    totals.freezes = 1;
    teller.end({}, totals);
    EXPECT_EQ(listener.told, "><<");
    ASSERT_TRUE(listener.ending.capture);
    const CaptureLedger& ledger = *listener.ending.capture;
    EXPECT_EQ(ledger.interface.name, "veth0");
    EXPECT_EQ(ledger.received, 2U);
    EXPECT_EQ(ledger.sent, 1U);
    EXPECT_EQ(ledger.dropped, 2U);
    EXPECT_EQ(ledger.unread, 0U);
    EXPECT_TRUE(ledger.balances());
}

TEST(CaptureTeller, CountsWhatComesBehindTheLimit) {
    Listener listener;
    CaptureTeller teller({&listener}, {}, 2);
    for (int i = 0; i < 5; i++) teller.frame({nullptr, {}, 60, 1, false});
    EXPECT_TRUE(teller.limit_reached());
    CaptureLedger totals;
    totals.seen = 5;
    teller.end({}, totals);
    EXPECT_EQ(listener.told, "<<");
    EXPECT_EQ(teller.ledger().beyond, 3U);
    EXPECT_TRUE(teller.ledger().balances());
}

TEST(CaptureTeller, NamesWhatTheKernelKept) {
    Listener listener;
    CaptureTeller teller({&listener}, {}, 0);
    CaptureLedger totals;
    totals.seen = 4;
    totals.dropped = 1;
    teller.end({}, totals);
    EXPECT_EQ(teller.ledger().unread, 3U);
    EXPECT_TRUE(teller.ledger().balances());
}

// More told than the kernel says it saw: that is no row, and the sums say so.
TEST(CaptureTeller, DoesNotBalanceWhereTheKernelSaysLess) {
    CaptureTeller teller({}, {}, 0);
    teller.frame({nullptr, {}, 60, 1, false});
    teller.end({}, {});
    EXPECT_FALSE(teller.ledger().balances());
}

}  // namespace
}  // namespace sockray
