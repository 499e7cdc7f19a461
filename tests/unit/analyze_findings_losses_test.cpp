// The rules on frames that were lost or hidden: each with records that it must find and such that it must not.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/findings_session.h"

namespace sockray {
namespace {

using made::evidence;
using made::says;
using made::Session;

Send refused(int err) {
    Send send = made::failed();
    send.record.ret = -err;
    send.reason = "an errno";
    return send;
}

Send refused_by_qdisc() {
    Send send = made::delivered();
    send.outcome = Outcome::failed;
    send.end_stage = Stage::queue_xmit;
    send.record.ret = -ENOBUFS;
    send.record.xmit_ret = 1;
    send.record.driver_hits = 0;
    send.record.flags |= SR_SEND_DROP | SR_SEND_EXPLAINED;
    send.record.drop_reason = 17;
    send.record.qdisc_len = 30;
    made::set(send.record.qdisc, "tbf");
    made::unpass(send.record, {SR_SLOT_DRIVER});
    return send;
}

Send dropped_by_driver() {
    Send send = made::dropped();
    send.end_stage = Stage::start_xmit;
    send.record.drop_in_driver = 1;
    send.record.drop_reason = 9;
    made::pass(send.record, SR_SLOT_DRIVER, Stage::start_xmit, 1'005'000, 1'008'500);
    return send;
}

// Ten good ones, ten of these; the finding of that rule, or nullptr.
const Finding* found_in(Session& session, const std::string& rule, const Send& send) {
    session.add(10, made::delivered());
    session.add(10, send);
    session.end();
    return session.found(rule);
}

TEST(QdiscRule, FindsWhatTheQueueRefusedAndWhatItDropped) {
    Session session;
    session.add(5, refused_by_qdisc());
    session.add(5, made::delivered());
    Send dropped = made::dropped();
    made::set(dropped.record.qdisc, "tbf");
    session.add(10, dropped);
    session.end();
    const Finding* finding = session.found("qdisc-drops");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "15 of 20 sends (75 %) did not get past the tbf qdisc of veth0");
    EXPECT_TRUE(says(evidence(finding), "refused: 5;")) << evidence(finding);
    EXPECT_TRUE(says(evidence(finding), "dropped: 10 by kfree_skb")) << evidence(finding);
    EXPECT_TRUE(says(evidence(finding), "at most 30 frames")) << evidence(finding);
    EXPECT_TRUE(says(finding->advice, "tc -s qdisc show dev veth0")) << finding->advice;
}

TEST(QdiscRule, LeavesDropsByFiltersAndDriversAlone) {
    for (const Send& other : {dropped_by_driver(), refused(EMSGSIZE)}) {
        Session session;
        EXPECT_FALSE(found_in(session, "qdisc-drops", other));
    }
}

TEST(InterfaceRule, FindsADropWithoutAnyQueueToBeAMissingCarrier) {
    Session session;
    Send dropped = made::dropped();
    made::set(dropped.record.qdisc, "noqueue");
    const Finding* finding = found_in(session, "no-carrier", dropped);
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "10 of 20 sends (50 %) were dropped because the interface has no carrier");
    EXPECT_FALSE(session.found("qdisc-drops"));
}

TEST(InterfaceRule, TellsAnInterfaceThatIsDownFromOneThatIsNotThere) {
    Session down;
    EXPECT_TRUE(found_in(down, "interface-down", refused(ENETDOWN)));
    EXPECT_FALSE(down.found("interface-gone"));
    for (const int err : {ENXIO, ENODEV}) {
        Session gone;
        EXPECT_TRUE(found_in(gone, "interface-gone", refused(err))) << err;
        EXPECT_FALSE(gone.found("interface-down"));
    }
}

TEST(InterfaceRule, FindsNothingWhereOnlyOthersFailed) {
    Session session;
    found_in(session, "", refused(EMSGSIZE));
    for (const char* rule : {"interface-down", "interface-gone", "no-carrier"}) EXPECT_FALSE(session.found(rule));
}

TEST(DriverRule, FindsABusyDriverPastTheQdiscAndAStoppedQueue) {
    Send busy = made::delivered();
    busy.outcome = Outcome::failed;
    busy.record.ret = -ENOBUFS;
    busy.record.xmit_ret = 0x10;
    busy.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    made::unpass(busy.record, {SR_SLOT_DRIVER});
    Session session;
    const Finding* finding = found_in(session, "stopped-queue", busy);
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(evidence(finding), "10 of them past the qdisc")) << evidence(finding);

    Send stopped = made::delivered();
    stopped.outcome = Outcome::failed;
    stopped.record.ret = -ENETDOWN;
    made::unpass(stopped.record, {SR_SLOT_DRIVER});
    Session second;
    EXPECT_TRUE(found_in(second, "stopped-queue", stopped));
}

TEST(DriverRule, FindsWhatTheDriverDropped) {
    Session session;
    const Finding* finding = found_in(session, "driver-drops", dropped_by_driver());
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(evidence(finding), "by reason: reason 9 10")) << evidence(finding);
    EXPECT_FALSE(session.found("stopped-queue"));
}

TEST(DriverRule, FindsNothingInDropsByAQueue) {
    Session session;
    found_in(session, "", made::dropped());
    EXPECT_FALSE(session.found("driver-drops"));
    EXPECT_FALSE(session.found("stopped-queue"));
}

TEST(FrameLengthRule, NamesTheLongestAndTheLimit) {
    Send longer = refused(EMSGSIZE);
    longer.record.flags |= SR_SEND_DEVICE;
    longer.record.len = 1515;
    longer.record.mtu = 1500;
    longer.record.hard_header_len = 14;
    Session session;
    const Finding* finding = found_in(session, "frame-length", longer);
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(evidence(finding), "longest had 1515 bytes")) << evidence(finding);
    EXPECT_TRUE(says(evidence(finding), "veth0 (MTU 1500 + 14) 10")) << evidence(finding);
}

TEST(FrameLengthRule, LeavesTheFramesOfATxRingToTheRingsRule) {
    Send frame = refused(EMSGSIZE);
    frame.record.flags |= SR_SEND_TX_RING;
    Session session;
    EXPECT_FALSE(found_in(session, "frame-length", frame));
    EXPECT_TRUE(session.found("ring-format"));
}

TEST(RingFormatRule, FindsFramesThatWerePassedOverAndSuchThatEndedTheirCall) {
    Send passed_over = made::ring();
    passed_over.outcome = Outcome::failed;
    passed_over.record.flags |= SR_SEND_SKIPPED;
    passed_over.record.ret = 0;
    Session session;
    session.add(10, made::ring());
    session.add(4, passed_over);
    Send ended = made::ring();
    ended.outcome = Outcome::failed;
    ended.record.ret = -EINVAL;
    session.add(2, ended);
    session.end();
    const Finding* finding = session.found("ring-format");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "6 of 16 frames of a TX ring (38 %) were not well-formed");
    EXPECT_TRUE(says(evidence(finding), "4 passed over")) << evidence(finding);
    EXPECT_TRUE(says(evidence(finding), "2 ended their call")) << evidence(finding);
}

TEST(RingFormatRule, FindsNothingInARingOfGoodFrames) {
    Session session;
    EXPECT_FALSE(found_in(session, "ring-format", made::ring()));
}

TEST(BypassRule, FindsFramesThatTapsDoNotSee) {
    Session session;
    const Finding* finding = found_in(session, "bypass", made::ring());  // by __dev_direct_xmit
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "10 of 20 sends (50 %) left past the qdisc and the taps");
    EXPECT_TRUE(says(evidence(finding), "arping[812] 10")) << evidence(finding);
}

TEST(BypassRule, FindsNothingWhereAllWentThroughTheQdisc) {
    Session session;
    EXPECT_FALSE(found_in(session, "bypass", made::delivered()));
}

Send received(std::uint32_t how) {
    Send send = made::followed();
    send.record.received = how;
    return send;
}

TEST(ReceiverFullRule, NamesTheSocketThatHadNoRoom) {
    Session session;
    session.add(30, received(SR_RECEIVED_FULL));
    session.add(10, received(SR_RECEIVED_TAKEN));
    session.end();
    const Finding* finding = session.found("receiver-full");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "30 of 40 frames that a packet socket of this machine was offered (75 %) found it full");
    EXPECT_TRUE(says(evidence(finding), "socket inode 777 30")) << evidence(finding);
}

TEST(ReceiverFullRule, LooksAtEachReceiverAndCountsTheFrameOnce) {
    Session session;
    Send send = received(SR_RECEIVED_FULL);
    send.also_received = {{801, 1, SR_RECEIVED_TAKEN, SR_STAGE_PACKET_RCV},
                          {802, 1, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV}};
    session.add(10, send);
    session.end();
    const Finding* finding = session.found("receiver-full");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "10 of 10 frames")) << finding->title;
    EXPECT_TRUE(says(evidence(finding), "socket inode 802 10")) << evidence(finding);
    EXPECT_FALSE(says(evidence(finding), "801")) << evidence(finding);
}

TEST(ReceiverFullRule, FindsNothingWhereReceiversTookOrFilteredTheFrames) {
    for (const std::uint32_t how : {SR_RECEIVED_TAKEN, SR_RECEIVED_FILTERED}) {
        Session session;
        EXPECT_FALSE(found_in(session, "receiver-full", received(how)));
    }
}

Send with_protocol(std::uint16_t protocol) {
    Send send = made::delivered();
    send.record.protocol = htons(protocol);
    return send;
}

TEST(ReceivesAllRule, FindsASenderWhoseSocketReceivesEveryFrame) {
    Session session;
    session.add(200, with_protocol(3));
    session.end();
    const Finding* finding = session.found("receives-all");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "200 of 200 sends (100 %) came from sockets that also receive every frame"));
    EXPECT_TRUE(says(finding->advice, "socket(AF_PACKET, SOCK_RAW, 0)"));
}

TEST(ReceivesAllRule, SaysWhatCameBackToTheSameProcess) {
    Session session;
    Send back = with_protocol(3);
    back.record.receivers = 1;
    back.record.received = SR_RECEIVED_FULL;
    back.record.received_ino = back.record.socket_ino;
    session.add(200, back);
    session.end();
    EXPECT_TRUE(
        says(evidence(session.found("receives-all")),
             "200 of 200 sends (100 %) came back to a socket of the same process, 200 of them to one whose buffer "
             "was full"))
        << evidence(session.found("receives-all"));
}

TEST(ReceivesAllRule, LeavesAFewSendsAndSocketsOfOneProtocolAlone) {
    Session few;
    few.add(50, with_protocol(3));
    few.end();
    EXPECT_FALSE(few.found("receives-all"));
    for (const std::uint16_t protocol : {0, 0x0806}) {
        Session one;
        one.add(500, with_protocol(protocol));
        one.end();
        EXPECT_FALSE(one.found("receives-all")) << protocol;
    }
}

TEST(OtherLossesRule, FindsWhatHasNoRuleOfItsOwn) {
    Session session;
    const Finding* finding = found_in(session, "other-losses", refused(EINVAL));
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "10 of 20 sends (50 %) were refused or dropped: an errno");
}

TEST(OtherLossesRule, FindsNothingWhereAnotherRuleSaysIt) {
    Session session;
    EXPECT_FALSE(found_in(session, "other-losses", refused(ENETDOWN)));
}

TEST(TracingLossRule, SaysByCauseWhatIsMissing) {
    Session session;
    session.add(80, made::delivered());
    session.ending.ledger.sends.seen = 100;
    session.ending.ledger.sends.lost.no_room = 15;
    session.ending.ledger.sends.lost.missed = 5;
    session.ending.ledger.partial = 3;
    session.end();
    const Finding* finding = session.found("tracing-loss");
    ASSERT_TRUE(finding);
    EXPECT_DOUBLE_EQ(finding->cost, 0.2);
    for (const char* words : {"15 records of sends found no room", "5 sends whose hooks", "3 sends lack"})
        EXPECT_TRUE(says(evidence(finding), words)) << words << "\n" << evidence(finding);
}

TEST(TracingLossRule, SpeaksOfOneWhereItIsOne) {
    Session session;
    session.ending.ledger.sends = {2, 1, {1, 1, 0, 0}};
    session.end();
    EXPECT_TRUE(says(evidence(session.found("tracing-loss")), "1 record of a send found no room"));
    EXPECT_TRUE(says(evidence(session.found("tracing-loss")), "1 send whose hooks"));
}

TEST(TracingLossRule, FindsNothingWhereNothingWasLost) {
    Session session;
    EXPECT_FALSE(found_in(session, "tracing-loss", made::delivered()));
}

TEST(DeviceCountersRule, IsSilentWhereNotAllFilesAreThere) {
    Session session;
    session.add(1000, made::delivered());
    session.ending.missing.before = 1;
    session.ending.devices = {{.ifname = "veth0", .tx_packets = 10, .tx_dropped = 500}};
    session.end();
    EXPECT_FALSE(session.found("device-counters"));
}

TEST(DeviceCountersRule, FindsADeviceThatCountsLessThanItsDriverTook) {
    Session session;
    session.ending.devices = {{"veth0", 15, 0, 0, 0, 0}};
    const Finding* finding = found_in(session, "device-counters", made::delivered());
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "veth0 counted 5 frames fewer than the 20 that its driver took");
}

TEST(DeviceCountersRule, FindsDropsThatTheLedgerDoesNotKnowOf) {
    Session session;
    session.ending.devices = {{"veth0", 10, 0, 14, 0, 0}};  // ten by the driver, four of somebody
    const Finding* finding = found_in(session, "device-counters", dropped_by_driver());
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "veth0 counted 4 drops and errors more than sends were lost on it");
}

// A delivered send of many segments does not make up for one that was lost.
TEST(DeviceCountersRule, TakesLostSendsForExplainedWhateverTheOthersWereCutInto) {
    Session session;
    Send segmented = made::delivered();
    segmented.record.segments = segmented.record.driver_hits = 4;
    session.add(10, segmented);
    session.ending.devices = {{"veth0", 50, 0, 10, 0, 0}};
    EXPECT_FALSE(found_in(session, "device-counters", dropped_by_driver()));
}

TEST(TracingLossRule, TellsRecordsOfFramesThatMadeNoSense) {
    Session session;
    session.ending.ledger.frames.seen = session.ending.ledger.frames.rejected = 2;
    session.add(10, made::delivered());
    session.end();
    ASSERT_TRUE(session.found("tracing-loss"));
    EXPECT_TRUE(says(evidence(session.found("tracing-loss")), "2 records of frames' ends that make no sense"));
}

TEST(DeviceCountersRule, FindsNothingWhereBothAgreeOrOthersSentToo) {
    Session same;
    same.ending.devices = {{"veth0", 10, 0, 10, 0, 0}};
    EXPECT_FALSE(found_in(same, "device-counters", dropped_by_driver()));
    Session more;
    more.ending.devices = {{"veth0", 2000, 0, 0, 0, 0}};
    EXPECT_FALSE(found_in(more, "device-counters", made::delivered()));
}

}  // namespace
}  // namespace sockray
