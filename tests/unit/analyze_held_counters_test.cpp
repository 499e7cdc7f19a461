// The ledger against what device and qdisc counted.
#include "user/analyze/held_counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

// 10 delivered, 2 of them past the qdisc; 3 that the qdisc did not take; 4 that it still has.
class HeldCounters : public testing::Test {
  protected:
    void SetUp() override {
        for (int i = 0; i < 8; i++) devices.add(made::delivered());
        Send bypass = made::delivered();
        bypass.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
        for (int i = 0; i < 2; i++) devices.add(bypass);
        Send refused = made::delivered();
        refused.outcome = Outcome::failed;
        refused.end_stage = Stage::queue_xmit;
        for (int i = 0; i < 3; i++) devices.add(refused);
        Send queued = made::delivered();
        queued.outcome = Outcome::queued;
        queued.end_stage = Stage::queue_xmit;
        for (int i = 0; i < 4; i++) devices.add(queued);
        delta.ifname = "veth0";
        delta.tx_packets = 10;
        delta.qdisc = {
            .kind = "tbf", .packets = 8, .drops = 3, .requeues = 0, .overlimits = 0, .waited = 0, .waiting = 4};
    }
    HeldCounter held(std::string_view counter) const {
        for (const HeldCounter& one : hold_counters(ending, devices, delta))
            if (one.counter == counter) return one;
        ADD_FAILURE() << "no " << counter;
        return {};
    }

    Devices devices;
    DeviceDelta delta;
    Ending ending;
};

TEST_F(HeldCounters, AgreeWithALedgerThatIsRightAndThenHaveNoCause) {
    ASSERT_EQ(hold_counters(ending, devices, delta).size(), 4U);
    for (const HeldCounter& one : hold_counters(ending, devices, delta)) {
        EXPECT_EQ(one.counted, one.expected) << one.counter;
        EXPECT_EQ(one.cause, "") << one.counter;
    }
}

TEST_F(HeldCounters, ThatDifferSayTheLikelyCauseOfMoreAndOfFewer) {
    delta.qdisc.packets = 9;
    delta.qdisc.drops = 1;
    delta.qdisc.waiting = 0;
    EXPECT_NE(held("sent").cause.find("other senders"), std::string::npos);
    EXPECT_NE(held("drops").cause.find("egress"), std::string::npos);
    EXPECT_NE(held("waiting").cause.find("while tracing ended"), std::string::npos);
    EXPECT_EQ(held("sent").counted - held("sent").expected, 1U);
}

TEST_F(HeldCounters, SayOfSendsThatWereLeftOutOfTheRecordingThatTheyMayBeThose) {
    ending.ledger.decoded = 17 + 30;
    ending.ledger.left_out = 30;
    delta.tx_packets = 40;
    delta.qdisc.drops = 9;
    delta.qdisc.waiting = 9;
    for (const char* counter : {"tx_packets", "drops", "waiting"})
        EXPECT_NE(held(counter).cause.find("--outcome"), std::string::npos) << counter << held(counter).cause;
    // Live, the devices were told of them too.
    for (int i = 0; i < 30; i++) devices.add(made::failed());
    for (const char* counter : {"tx_packets", "drops", "waiting"})
        EXPECT_EQ(held(counter).cause.find("--outcome"), std::string::npos) << counter << held(counter).cause;
}

TEST_F(HeldCounters, OfFramesThatWaitedBeforeTheTraceSayThat) {
    delta.qdisc.waited = 5;
    delta.qdisc.packets = 13;
    EXPECT_NE(held("sent").cause.find("waited in it when tracing began"), std::string::npos);
}

TEST_F(HeldCounters, AreTheDevicesAloneWhereItsQdiscIsNotKnownOrCountsNothing) {
    for (const char* kind : {"", "noqueue"}) {
        delta.qdisc.kind = kind;
        EXPECT_EQ(hold_counters(ending, devices, delta).size(), 1U) << kind;
    }
}

TEST_F(HeldCounters, AreOfTheDevicesOwnNamespace) {
    delta.netns_ino = made::delivered().record.netns_ino + 1;
    EXPECT_EQ(held("tx_packets").expected, 0U);
}

}  // namespace
}  // namespace sockray
