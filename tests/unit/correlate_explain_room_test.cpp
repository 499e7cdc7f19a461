// Why there was no room for a frame, in a sentence: ENOBUFS, EAGAIN, and a signal meanwhile.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "tests/unit/correlate_records.h"
#include "user/correlate/explain.h"

namespace sockray {
namespace {

using namespace sample;

std::string why(const sr_send& send) {
    return explain_failure(send, Names());
}

// ---- ENOBUFS

TEST(Enobufs, OfTheQdiscNamesTheDropReason) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 5;
    EXPECT_EQ(why(send), "ENOBUFS: the qdisc of veth0 dropped the frame (QDISC_DROP)");
}

TEST(Enobufs, OfAFilterAtTheEgressNamesTheFilterByItsDropReason) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 6;
    EXPECT_EQ(why(send), "ENOBUFS: a tc filter at the egress of veth0 dropped the frame (TC_EGRESS)");
    send.drop_reason = 7;
    EXPECT_EQ(why(send), "ENOBUFS: netfilter at the egress of veth0 dropped the frame (NETFILTER_DROP)");
}

TEST(Enobufs, OfAReasonThatTellsNothingNamesBothThatItMayHaveBeen) {
    EXPECT_EQ(why(failed_in_xmit(ENOBUFS)),
              "ENOBUFS: the qdisc of veth0, or a filter at its egress, dropped the frame");
    sr_send send = failed_in_xmit(ENOBUFS);
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 2;
    EXPECT_EQ(why(send), "ENOBUFS: the qdisc of veth0, or a filter at its egress, dropped the frame (reason 2)");
}

TEST(Enobufs, OfTheQdiscNamesItsKindWhereThatIsKnown) {
    sr_send send = failed_in_xmit(ENOBUFS);
    set(send.qdisc, "tbf");
    EXPECT_EQ(why(send), "ENOBUFS: the tbf qdisc of veth0, one below it, or a filter at its egress, dropped the frame");
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 5;
    EXPECT_EQ(why(send), "ENOBUFS: the tbf qdisc of veth0, or one below it, dropped the frame (QDISC_DROP)");
}

TEST(Enobufs, OfTheDriverNamesTheDriver) {
    EXPECT_EQ(why(failed_in_driver(ENOBUFS)), "ENOBUFS: the driver of veth0 dropped the frame");
}

TEST(Enobufs, PastTheQdiscIsABusyQueueByTheReturnOfDirectXmit) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    send.xmit_ret = 0x10;  // NETDEV_TX_BUSY
    EXPECT_EQ(why(send), "ENOBUFS: the driver of veth0 is busy, or had stopped its queue for a moment");
    for (const std::uint32_t stopped : {1U, 2U, 4U, 3U}) {  // the driver's stop, the stack's, frozen
        send.queue_state = stopped;
        EXPECT_EQ(why(send), "ENOBUFS: the queue of veth0 is stopped") << stopped;
    }
    send.queue_state = 8;
    EXPECT_EQ(why(send), "ENOBUFS: the driver of veth0 is busy, or had stopped its queue for a moment");
}

sr_send dropped_past_the_qdisc(std::uint64_t location) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 2;
    send.drop_location = location;
    return send;
}

TEST(Enobufs, PastTheQdiscIsALackOfCarrierWhereTheNoopQdiscIsAtWork) {
    sr_send send = dropped_past_the_qdisc(0x1001);
    set(send.qdisc, "noop");
    EXPECT_EQ(why(send), "ENOBUFS: veth0 has no carrier, and takes nothing in (reason 2)");
}

TEST(Enobufs, PastTheQdiscIsTheDriverWhereTheFrameWasFreedThere) {
    EXPECT_EQ(why(dropped_past_the_qdisc(0x1004)),
              "ENOBUFS: the driver of veth0 dropped the frame (reason 2 at __dev_forward_skb2+0x11a)");
    sr_send below = dropped_past_the_qdisc(0x1001);  // a device below the first one
    below.drop_in_driver = 1;
    EXPECT_EQ(why(below), "ENOBUFS: the driver of veth0 dropped the frame (reason 2 at __dev_direct_xmit+0x1c4)");
    sr_send consumed = dropped_past_the_qdisc(0);
    consumed.flags &= ~SR_SEND_DROP;
    EXPECT_EQ(why(consumed), "ENOBUFS: the driver of veth0 dropped the frame");
}

TEST(Enobufs, PastTheQdiscIsNoDriversDoingWhereTheFrameWasFreedBeforeOne) {
    for (const std::uint64_t location : {0x1001, 0x1002, 0x1003})
        EXPECT_EQ(why(dropped_past_the_qdisc(location)),
                  "ENOBUFS: the frame was dropped before the driver of veth0 had it (reason 2): the carrier was lost a "
                  "moment ago, or the device does not take the frame as it is, and past the qdisc nothing cuts it up");
}

TEST(Enobufs, OfSockPacketBeforeTheQdiscIsAFullSendBuffer) {
    sr_send send = refused(ENOBUFS);
    make_spkt(send);
    send.wmem_alloc = 213001;
    EXPECT_EQ(why(send), "ENOBUFS: the send buffer was full (213000 of 212992 bytes in use at the return)");
}

TEST(Enobufs, WithoutAFrameIsALackOfMemory) {
    EXPECT_EQ(why(failed_at_alloc(ENOBUFS)), "ENOBUFS: no memory for a frame of 60 bytes");
    sr_send of_ring = failed_at_alloc(ENOBUFS);
    of_ring.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(why(of_ring), "ENOBUFS: no memory for a frame of the ring");
}

TEST(Enobufs, OfAFrameThatNetfilterDroppedPastTheQdiscDoesNotBlameTheMemory) {
    const std::string netfilter = "ENOBUFS: netfilter at the egress of veth0 dropped the frame (NETFILTER_DROP)";
    sr_send send = dropped_by_netfilter();
    EXPECT_EQ(why(send), netfilter);
    set(send.qdisc, "noop");  // it was dropped before anybody asked for the carrier
    EXPECT_EQ(why(send), netfilter);
    send.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(why(send), netfilter);
}

TEST(Enobufs, OfAFrameThatNetfilterPassedOnBlamesNeitherTheDriverNorTheQueue) {
    sr_send send = failed_in_driver(ENOBUFS);
    send.flags |= SR_SEND_PASSED_ON;
    set(send.passed_on_to, "vout0");
    const std::string passed =
        "ENOBUFS: a filter at the egress of veth0 (netfilter, tc) passed the frame on to vout0, ";
    EXPECT_EQ(why(send), passed + "and past the qdisc the kernel tells that as a drop");
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 5;
    EXPECT_EQ(why(send), passed + "where it was dropped (QDISC_DROP)");
}

// The hook on __dev_queue_xmit was skipped, or a filter took the frame without dropping it.
TEST(Enobufs, BehindTheAllocationIsNoLackOfMemoryWhateverWasSeen) {
    EXPECT_EQ(why(failed_behind_alloc(ENOBUFS)),
              "ENOBUFS: the qdisc of veth0, or a filter at its egress, dropped the frame");
}

// ---- waiting for the send buffer

TEST(Eagain, SaysHowFullTheSendBufferIs) {
    sr_send send = failed_at_alloc(EAGAIN);
    send.msg_flags = MSG_DONTWAIT;
    send.wmem_alloc = 213001;
    EXPECT_EQ(
        why(send),
        "EAGAIN: the send buffer was full (213000 of 212992 bytes in use at the return), and the call does not wait");
}

TEST(Eagain, OfACallThatWaitsIsATimeoutThatRanOut) {
    sr_send send = failed_at_alloc(EAGAIN);
    send.wmem_alloc = 213001;
    EXPECT_EQ(
        why(send),
        "EAGAIN: the send buffer was full (213000 of 212992 bytes in use at the return), and SO_SNDTIMEO ran out");
}

// Whether the program is told is not known: io_uring tries a request first without waiting, whatever it asked for.
TEST(Eagain, OfIoUringMayBeItsOwnFirstTry) {
    sr_send send = failed_at_alloc(EAGAIN);
    unpass(send, SR_SLOT_ENTRY);
    send.syscall = SYS_io_uring_enter;
    send.msg_flags = MSG_DONTWAIT;
    EXPECT_EQ(
        why(send),
        "EAGAIN: the send buffer was full (0 of 212992 bytes in use at the return): io_uring's first try does not "
        "wait; unless the request asked for that itself, io_uring tries again, as another send");
    send.msg_flags = 0;  // a worker's, that waited
    EXPECT_EQ(why(send),
              "EAGAIN: the send buffer was full (0 of 212992 bytes in use at the return), and SO_SNDTIMEO ran out");
}

TEST(Eintr, AndErestartsysAreTheSameSignal) {
    EXPECT_EQ(why(failed_at_alloc(EINTR)),
              "EINTR: a signal came while the call waited: the send buffer was full (0 of 212992 bytes in use at the "
              "return)");
    EXPECT_EQ(why(failed_at_alloc(512)),
              "ERESTARTSYS: a signal came while the call waited: the send buffer was full (0 of 212992 bytes in use at "
              "the return); the program sees EINTR, or the call begins again, as another send");
}

TEST(Eintr, OfAKilledThreadIsSeenByNobody) {
    sr_send send = failed_at_alloc(512);
    send.flags |= SR_SEND_KILLED;
    EXPECT_EQ(
        why(send),
        "ERESTARTSYS: the thread was killed, by a fatal signal or with its process, while the call waited: the send "
        "buffer was full (0 of 212992 bytes in use at the return)");
}

}  // namespace
}  // namespace sockray
