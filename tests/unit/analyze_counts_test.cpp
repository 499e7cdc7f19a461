// Reasons, Senders and Devices: bounded tables of what happened how often.
#include <gtest/gtest.h>

#include "tests/unit/analyze_records.h"
#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/analyze/senders.h"

namespace sockray {
namespace {

TEST(Reasons, CountEachReasonOfEachOutcome) {
    Reasons reasons;
    reasons.add(made::delivered());
    for (int i = 0; i < 3; i++) reasons.add(made::failed());
    reasons.add(made::dropped());
    ASSERT_EQ(reasons.all().size(), 2U);
    EXPECT_EQ(reasons.all()[0].sends, 3U);
    EXPECT_EQ(reasons.all()[0].err, 100);
    EXPECT_EQ(reasons.all()[0].text, "ENETDOWN: veth0 is down");
    EXPECT_EQ(reasons.all()[1].outcome, Outcome::dropped);
    EXPECT_EQ(reasons.all()[1].err, 0);
}

TEST(Reasons, AreTheSameOfFramesOfEveryLength) {
    Reasons reasons;
    for (const int length : {2000, 1515, 9000}) {
        Send send = made::failed();
        send.record.ret = -90;
        send.reason = "EMSGSIZE: " + std::to_string(length) + " bytes, veth0 takes at most 1514 (MTU 1500 + 14)";
        reasons.add(send);
    }
    reasons.add(made::failed());
    ASSERT_EQ(reasons.all().size(), 2U);
    EXPECT_EQ(reasons.all()[0].sends, 3U);
    EXPECT_EQ(reasons.all()[0].text, "EMSGSIZE: 1515 to 9000 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
    ASSERT_EQ(reasons.most(1).size(), 1U);
    EXPECT_EQ(reasons.most(1)[0]->err, 90);
}

TEST(Reasons, CountWhatIsBeyondTheirBound) {
    Reasons reasons;
    for (std::size_t i = 0; i < Reasons::kept + 10; i++) {
        Send send = made::failed();
        send.reason = std::to_string(i);
        reasons.add(send);
    }
    EXPECT_EQ(reasons.all().size(), Reasons::kept);
    EXPECT_EQ(reasons.others(Outcome::failed), 10U);
    EXPECT_EQ(reasons.others(Outcome::dropped), 0U);
}

TEST(Senders, AreToldApartByTaskDeviceAndWayIn) {
    Senders senders;
    senders.add(made::delivered());
    senders.add(made::failed());
    Send other_device = made::delivered();
    made::set(other_device.record.ifname, "veth1");
    senders.add(other_device);
    Send other_entry = made::delivered();
    other_entry.record.flags &= ~SR_SEND_ADDRESS;
    senders.add(other_entry);
    Send renamed = made::delivered();
    made::set(renamed.record.comm, "arping2");
    senders.add(renamed);
    senders.add(made::delivered());

    ASSERT_EQ(senders.all().size(), 4U);
    EXPECT_EQ(senders.all()[0].sends, 3U);
    EXPECT_EQ(senders.all()[0].bytes, 126U);
    EXPECT_EQ(senders.all()[0].outcomes[static_cast<std::size_t>(Outcome::delivered)], 2U);
    EXPECT_EQ(senders.all()[2].entry, "send");
}

TEST(Senders, CountTheBytesOfATxRingsFramesThatFailedOrHaveNoReturnToo) {
    Senders senders;
    Send frame = made::ring_of_many(0);
    frame.record.len = 1000;
    frame.record.ret = 1000;
    senders.add(frame);
    frame.outcome = Outcome::failed;  // handed on, and refused by the qdisc
    frame.record.ret = -105;
    senders.add(frame);
    frame.outcome = Outcome::unknown;
    frame.record.ret = 0;
    senders.add(frame);
    ASSERT_EQ(senders.all().size(), 1U);
    EXPECT_EQ(senders.all()[0].bytes, 3000U);
}

TEST(Senders, CountWhatIsBeyondTheirBound) {
    Senders senders;
    for (std::uint32_t pid = 1; pid <= Senders::kept + 7; pid++) {
        Send send = made::delivered();
        send.record.pid = pid;
        senders.add(send);
    }
    senders.add(made::delivered());
    EXPECT_EQ(senders.all().size(), Senders::kept);
    EXPECT_EQ(senders.other_sends(), 8U);
}

TEST(Devices, CountOneFrameForADeliveredSendAndEveryFrameOfATxRing) {
    Devices devices;
    devices.add(made::delivered(), made::Names());
    devices.add(made::dropped(), made::Names());
    for (std::uint32_t frame = 0; frame < 16; frame++) devices.add(made::ring_of_many(frame), made::Names());
    EXPECT_EQ(devices.of("veth0").frames_delivered, 17U);
    EXPECT_EQ(devices.all()[0].sends, 18U);
    EXPECT_EQ(devices.of("veth1").frames_delivered, 0U);
}

TEST(Devices, CountEverySegmentOfAFrameThatADriverTook) {
    Devices devices;
    Send whole = made::followed();
    whole.record.segments = whole.record.driver_hits = 12;
    Send part = whole;
    part.outcome = Outcome::dropped;
    part.record.driver_hits = 7;
    part.record.drops = 5;
    devices.add(whole, made::Names());
    devices.add(part, made::Names());
    EXPECT_EQ(devices.of("veth0").frames_delivered, 19U);
    EXPECT_EQ(devices.all()[0].sends, 2U);
}

TEST(Devices, CountNoFrameOfASendWhoseFrameIsStillQueued) {
    Devices devices;
    Send queued = made::followed();
    queued.outcome = Outcome::queued;
    queued.record.driver_hits = 0;
    devices.add(queued, made::Names());
    EXPECT_EQ(devices.of("veth0").frames_delivered, 0U);
}

TEST(Devices, AreToldApartByNetworkNamespace) {
    Devices devices;
    Send elsewhere = made::delivered();
    elsewhere.record.netns_ino = 5;
    devices.add(made::delivered(), made::Names());
    devices.add(elsewhere, made::Names());
    EXPECT_EQ(devices.of("veth0").frames_delivered, 2U);
    EXPECT_EQ(devices.of("veth0", 5).frames_delivered, 1U);
}

}  // namespace
}  // namespace sockray
