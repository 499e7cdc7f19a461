// The rules on time: each with records that it must find and such that it must not.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/findings_session.h"

namespace sockray {
namespace {

using made::evidence;
using made::says;
using made::Session;

// A send of 10 us and `ns` more, which it slept in its allocation.
Send slept(std::uint64_t ns, bool traced = true) {
    Send send = made::delivered();
    sr_send& record = send.record;
    for (const int slot : {SR_SLOT_ENTRY, SR_SLOT_INNER, SR_SLOT_SENDMSG, SR_SLOT_ALLOC}) record.span[slot].end += ns;
    for (const int slot : {SR_SLOT_XMIT, SR_SLOT_DRIVER}) {
        record.span[slot].start += ns;
        record.span[slot].end += ns;
    }
    const std::uint64_t end = record.span[SR_SLOT_ALLOC].end;
    if (traced) made::pass(record, SR_SLOT_WAIT, Stage::wait, end - ns, end);
    return send;
}

Send would_block() {
    Send send = made::failed();
    send.record.ret = -EAGAIN;
    send.record.sndbuf = 4608;
    return send;
}

TEST(SendBufferRule, FindsSendsThatSleptForRoom) {
    Session session;
    session.add(22, made::delivered());
    session.add(78, slept(40'000'000));
    session.end();
    const Finding* finding = session.found("send-buffer");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title,
              "78 of 100 sends (78 %) slept for room in their send buffer, 40.0 ms in the median: > 99.9 % "
              "of all time in the kernel");
    EXPECT_TRUE(says(evidence(finding), "from schedule_timeout to the end of sock_alloc_send_pskb"))
        << evidence(finding);
    EXPECT_GT(finding->cost, 0.99);
    EXPECT_TRUE(says(finding->advice, "SO_SNDBUF"));
}

TEST(SendBufferRule, TakesLongAllocationsWhereTheSleepItselfWasNotTraced) {
    Session session(made::plan_without(Stage::wait));
    session.add(100, slept(40'000'000, false));
    session.end();
    EXPECT_TRUE(says(evidence(session.found("send-buffer")), "schedule_timeout was not traced"))
        << evidence(session.found("send-buffer"));
    Session traced;
    traced.add(100, slept(40'000'000, false));
    traced.end();
    EXPECT_FALSE(traced.found("send-buffer"));
}

TEST(SendBufferRule, LeavesAFewLongAllocationsOfManyAlone) {
    Session session(made::plan_without(Stage::wait));
    session.add(10'000, made::delivered());
    session.add(10, slept(40'000'000, false));
    session.end();
    EXPECT_FALSE(session.found("send-buffer"));
}

TEST(SendBufferRule, FindsSendsThatDidNotWait) {
    Session session;
    session.add(10, made::delivered());
    session.add(10, would_block());
    session.end();
    const Finding* finding = session.found("send-buffer");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "10 of 20 sends (50 %) found no room in their send buffer");
    EXPECT_TRUE(says(evidence(finding), "sk_sndbuf was 4608 bytes")) << evidence(finding);
    EXPECT_DOUBLE_EQ(finding->cost, 0.5);
}

TEST(SendBufferRule, FindsNothingInAShortSleepNowAndThen) {
    Session session;
    session.add(1000, made::delivered());
    session.add(3, slept(50'000));
    session.end();
    EXPECT_FALSE(session.found("send-buffer"));
}

Send copied(std::uint64_t ns) {
    Send send = made::delivered();
    made::pass(send.record, SR_SLOT_COPY, Stage::copy, 1'002'900, 1'002'900 + ns);
    return send;
}

TEST(CopiesRule, FindsCopiesThatTakeAQuarterOfTheTimeOrMore) {
    Session session;
    session.add(100, copied(6'000));
    session.end();
    const Finding* finding = session.found("copies");
    ASSERT_TRUE(finding);
    EXPECT_NEAR(finding->cost, 0.6, 1e-9);
    EXPECT_EQ(finding->title, "copying 100 frames took 60 % of all time in the kernel, 6.00 us in the median");
}

TEST(CopiesRule, FindsNothingWhereCopiesAreShort) {
    Session session;
    session.add(100, copied(500));
    session.end();
    EXPECT_FALSE(session.found("copies"));
}

// Calls of 10 us of which 1.8 us lie around packet_sendmsg, with a rest of `gap` ns between them.
void add_calls(Session& session, int calls, std::uint64_t gap, std::uint64_t len = 42) {
    for (int i = 0; i < calls; i++) {
        Send send = made::rested(static_cast<std::uint64_t>(i), gap);
        send.record.len = len;
        session.add(send);
    }
}

TEST(SingleCallsRule, FindsSmallFramesSentBackToBack) {
    Session session;
    add_calls(session, 2000, 500);
    session.end();
    const Finding* finding = session.found("single-calls");
    ASSERT_TRUE(finding);
    EXPECT_NEAR(finding->cost, 0.18, 1e-9);
    EXPECT_TRUE(says(evidence(finding), "1999 of 2000 calls (> 99.9 %) came back to back")) << evidence(finding);
    EXPECT_TRUE(says(finding->advice, "sendmmsg()"));
}

TEST(SingleCallsRule, LeavesLongFramesRestsAndFewCallsAlone) {
    Session longer;
    add_calls(longer, 2000, 500, 1514);
    longer.end();
    EXPECT_FALSE(longer.found("single-calls"));
    Session resting;
    add_calls(resting, 2000, 50'000);
    resting.end();
    EXPECT_FALSE(resting.found("single-calls"));
    Session few;
    add_calls(few, 500, 500);
    few.end();
    EXPECT_FALSE(few.found("single-calls"));
}

TEST(SingleCallsRule, LeavesSendmmsgAlone) {
    Session session;
    for (std::uint64_t i = 0; i < 2000; i++) {
        Send send = made::rested(i, 500);
        send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
        session.add(send);
    }
    session.end();
    EXPECT_FALSE(session.found("single-calls"));
}

TEST(TxRingRule, FindsACallThatStaysForTheEndOfItsFrames) {
    Session session;
    Send last = made::ring();
    last.record.span[SR_SLOT_SENDMSG].end += 5'000'000;
    last.record.span[SR_SLOT_ENTRY].end += 5'000'000;
    session.add(10, last);
    session.end();
    const Finding* finding = session.found("tx-ring-full");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "calls on a TX ring waited for the end of its frames")) << finding->title;
    EXPECT_TRUE(says(finding->cause, "whatever the size of the ring")) << finding->cause;
    EXPECT_FALSE(says(finding->advice, "SO_SNDBUF")) << finding->advice;
    EXPECT_TRUE(says(finding->advice, "MSG_DONTWAIT"));
}

TEST(TxRingRule, FindsFramesThatSleptForTheSendBufferAndLeavesThemToNoOtherRule) {
    Session session;
    Send slow = slept(30'000'000);
    slow.record.flags |= SR_SEND_TX_RING;
    slow.record.stage[SR_SLOT_BODY] = SR_STAGE_TPACKET_SND;
    session.add(10, slow);
    session.end();
    EXPECT_TRUE(says(evidence(session.found("tx-ring-full")), "10 frames slept for the send buffer"))
        << evidence(session.found("tx-ring-full"));
    EXPECT_FALSE(session.found("send-buffer"));
}

TEST(TxRingRule, FindsCallsThatFoundNoFrame) {
    Session session;
    session.ending.ledger.ring_idle = 90;
    session.add(10, made::ring());
    session.end();
    const Finding* finding = session.found("tx-ring-idle");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "90 of 100 calls on a TX ring (90 %) found no frame in it");
    EXPECT_LT(finding->cost, 0.1);
}

TEST(TxRingRule, FindsNothingInARingThatIsFilledAndSent) {
    Session session;
    session.ending.ledger.ring_idle = 1;
    session.add(100, made::ring());
    session.end();
    EXPECT_FALSE(session.found("tx-ring-full"));
    EXPECT_FALSE(session.found("tx-ring-idle"));
}

// `by_first` sends of one thread back to back, ten of another.
void add_threads(Session& session, std::uint64_t by_first, std::uint64_t gap, std::uint64_t by_second) {
    for (std::uint64_t i = 0; i < by_first; i++) session.add(made::rested(i, gap));
    for (std::uint64_t i = 0; i < by_second; i++) {
        Send other = made::rested(i, gap);
        other.record.tid = 900;
        session.add(other);
    }
}

TEST(OneThreadRule, FindsABusyThreadBesideIdleOnes) {
    Session session;
    add_threads(session, 2000, 1000, 20);
    session.end();
    const Finding* finding = session.found("one-thread");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "one of 2 threads carried 2000 of 2020 sends (99 %)")) << finding->title;
    EXPECT_TRUE(says(evidence(finding), "thread 900: 20 sends")) << evidence(finding);
}

TEST(OneThreadRule, LeavesASingleThreadAnIdleOneAndSharedWorkAlone) {
    const struct {
        std::uint64_t first, gap, second;
    } cases[] = {{2000, 1000, 0}, {2000, 100'000, 20}, {1000, 1000, 1000}};
    for (const auto& one : cases) {
        Session session;
        add_threads(session, one.first, one.gap, one.second);
        session.end();
        EXPECT_FALSE(session.found("one-thread")) << one.first << " " << one.gap << " " << one.second;
    }
}

// Sends of two threads back to back, of each hundred `elsewhere` by queue 2 and the others by queue 1.
void add_queues(Session& session, std::uint32_t tx_queues, std::uint64_t elsewhere, std::uint64_t threads = 2,
                std::uint64_t gap = 1000) {
    for (std::uint64_t i = 0; i < 2000; i++) {
        Send send = made::rested(i, gap);
        send.record.tid = static_cast<std::uint32_t>(900 + i % threads);
        send.record.tx_queue = i % 100 < elsewhere ? 3 : 2;
        session.add(send);
    }
    DeviceDelta device;
    device.ifname = "veth0";
    device.netns_ino = made::delivered().record.netns_ino;
    device.ifindex = made::delivered().record.ifindex;
    device.tx_packets = 2000;
    device.tx_queues = tx_queues;
    session.ending.devices = {device};
    session.end();
}

TEST(OneQueueRule, FindsAQueueThatSeveralThreadsShareBesideIdleOnes) {
    Session session;
    add_queues(session, 4, 5);
    const Finding* finding = session.found("one-queue");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "one of 4 transmit queues of veth0 carried 1900 of 2000 sends (95 %)"))
        << finding->title;
    EXPECT_TRUE(says(evidence(finding), "queue 1: 1900 sends, queue 2: 100 sends; 2 others had none"))
        << evidence(finding);
    EXPECT_TRUE(says(evidence(finding), "2 threads sent through veth0")) << evidence(finding);
    EXPECT_FALSE(session.found("one-thread"));
}

TEST(OneQueueRule, FindsItByTheQueuesThatWereSeenWhereTheDeviceWasNotAsked) {
    Session session;
    add_queues(session, 0, 5);
    const Finding* finding = session.found("one-queue");
    ASSERT_TRUE(finding);
    EXPECT_FALSE(says(evidence(finding), "had none")) << "no other is known of";
}

TEST(OneQueueRule, LeavesASingleQueueASingleThreadAnIdleOneAndSharedWorkAlone) {
    const struct {
        std::uint32_t tx_queues;
        std::uint64_t elsewhere, threads, gap;
    } cases[] = {{1, 0, 2, 1000}, {4, 0, 1, 1000}, {4, 0, 2, 100'000}, {4, 40, 2, 1000}};
    for (const auto& one : cases) {
        Session session;
        add_queues(session, one.tx_queues, one.elsewhere, one.threads, one.gap);
        EXPECT_FALSE(session.found("one-queue")) << one.tx_queues << " " << one.elsewhere << " " << one.threads;
    }
}

// `extra` ns more behind the driver, or before packet_snd.
Send slower(std::uint64_t number, std::uint64_t extra, bool behind_driver) {
    Send send = made::rested(number);
    sr_send& record = send.record;
    for (const int slot : {SR_SLOT_ENTRY, SR_SLOT_INNER, SR_SLOT_SENDMSG, SR_SLOT_XMIT}) record.span[slot].end += extra;
    if (behind_driver) return send;
    for (const int slot : {SR_SLOT_XMIT, SR_SLOT_DRIVER}) record.span[slot].start += extra;
    record.span[SR_SLOT_DRIVER].end += extra;
    record.span[SR_SLOT_ALLOC].end += extra;
    return send;
}

void add_tail(Session& session, bool behind_driver, bool received = false) {
    for (std::uint64_t i = 0; i < 2000; i++) {
        Send send = slower(i, i % 50 == 0 ? 200'000 + i : 0, behind_driver);
        const std::uint64_t driver_end = send.record.span[SR_SLOT_DRIVER].end;
        if (received && i % 50 == 0)
            made::pass(send.record, SR_SLOT_RECEIVE, Stage::packet_rcv, driver_end + 100, driver_end + 100);
        session.add(send);
    }
}

TEST(SoftirqRule, FindsATailThatLiesAroundTheDriver) {
    Session session;
    add_tail(session, true);
    session.end();
    const Finding* finding = session.found("softirq-tail");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "100 % of the difference lies in __dev_queue_xmit")) << finding->title;
    EXPECT_EQ(finding->sends.size(), 3U);
    EXPECT_TRUE(says(evidence(finding), "inferred from where the time lies")) << evidence(finding);
}

// A tail of any length: each of its sends is counted.
TEST(SoftirqRule, CountsEverySendOfALongTail) {
    Session session;
    for (std::uint64_t i = 0; i < 100'000; i++) session.add(slower(i, i % 50 == 0 ? 200'000 : 0, true));
    session.end();
    const Finding* finding = session.found("softirq-tail");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(
        says(evidence(finding), "2000 sends took p99 or longer: 400 ms longer than the median in all, 400 ms of"))
        << evidence(finding);
    EXPECT_EQ(finding->more_sends, 1997U);
    EXPECT_NEAR(finding->cost, 2000.0 * 200'000 / (100'000.0 * 10'000 + 2000.0 * 200'000), 0.01);
}

TEST(SoftirqRule, CountsTheSlowSendsInWhichASoftirqIsKnownToHaveRun) {
    Session session;
    add_tail(session, true, true);
    session.end();
    const Finding* finding = session.found("softirq-tail");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(evidence(finding), "of them a packet socket was offered the frame in between"))
        << evidence(finding);
    EXPECT_FALSE(says(evidence(finding), "inferred"));
}

TEST(SoftirqRule, LeavesATailThatLiesElsewhereAndSmoothSendsAlone) {
    Session elsewhere;
    add_tail(elsewhere, false);
    elsewhere.end();
    EXPECT_FALSE(elsewhere.found("softirq-tail"));
    Session smooth;
    for (std::uint64_t i = 0; i < 2000; i++) smooth.add(slower(i, i % 50 == 0 ? 20'000 : 0, true));
    smooth.end();
    EXPECT_FALSE(smooth.found("softirq-tail"));
}

TEST(SoftirqRule, FindsReceiversThatRunInsideOfTheSend) {
    Session session;
    for (std::uint64_t i = 0; i < 100; i++) {
        Send send = slower(i, 20'000, true);
        const std::uint64_t driver_end = send.record.span[SR_SLOT_DRIVER].end;
        made::pass(send.record, SR_SLOT_RECEIVE, Stage::tpacket_rcv, driver_end + 100, driver_end + 100);
        send.record.receivers = 1;
        session.add(send);
    }
    session.end();
    const Finding* finding = session.found("receiver-inside");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "100 of 100 sends (100 %) did the receiver's work")) << finding->title;
    EXPECT_TRUE(says(evidence(finding), "tpacket_rcv 100")) << evidence(finding);
}

TEST(SoftirqRule, LeavesReceiversBehindTheSendAlone) {
    Session session;
    session.add(100, made::followed());
    session.end();
    EXPECT_FALSE(session.found("receiver-inside"));
}

}  // namespace
}  // namespace sockray
