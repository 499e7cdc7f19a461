// Which queue dropped a frame, as far as it is known: the device's own, one below it, that of a device below, or none.
#include "user/correlate/explain_queue.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "tests/unit/correlate_records.h"
#include "tests/unit/correlate_verdicts.h"

namespace sockray {
namespace {

using namespace sample;

constexpr std::uint32_t qdisc_drop = 5;
constexpr std::uint32_t tc_egress = 6;
constexpr std::uint32_t not_specified = 8;
constexpr std::uint32_t fq_horizon_limit = 9;
constexpr std::uint32_t full_ring = 10;
constexpr std::uint64_t at_rtnl_unlock = 0x1005;
constexpr std::uint64_t at_etf_dequeue = 0x1006;
constexpr std::uint64_t at_tun_net_xmit = 0x1007;
constexpr std::uint64_t at_queue_xmit = 0x1008;

sr_send dropped(sr_send send, const char* qdisc, std::uint32_t reason, std::uint64_t place) {
    set(send.qdisc, qdisc);
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = reason;
    send.drop_location = place;
    send.drop_ns = send.span[SR_SLOT_XMIT].end - 1;
    return send;
}

sr_send dropped_at_enqueue(const char* qdisc) {
    return dropped(not_at_the_driver(), qdisc, qdisc_drop, at_queue_xmit);
}

sr_send dropped_later(const char* qdisc, std::uint32_t reason, std::uint64_t place) {
    sr_send send = dropped(followed(), qdisc, reason, place);
    send.drop_ns = send.span[SR_SLOT_XMIT].end + 1000;
    return send;
}

// Of a device that lies on another one: its driver was given the frame.
sr_send dropped_below_its_driver(sr_send send, std::uint32_t reason) {
    return dropped(send, "noqueue", reason, at_queue_xmit);
}

std::string why(const sr_send& send) {
    return verdict_of(send).reason;
}

TEST(AQdisc, OfWhichAnotherIsAPartIsNotBlamedAlone) {
    for (const std::string kind : {"tbf", "htb", "prio", "netem", "red", "hfsc"})
        EXPECT_EQ(why(dropped_at_enqueue(kind.c_str())),
                  "the " + kind +
                      " qdisc of veth0, or one below it, dropped the frame (QDISC_DROP at __dev_queue_xmit+0x7d4)");
    for (const std::string kind : {"pfifo", "fq", "fq_codel", "pfifo_fast"})
        EXPECT_EQ(why(dropped_at_enqueue(kind.c_str())),
                  "the " + kind + " qdisc of veth0 dropped the frame (QDISC_DROP at __dev_queue_xmit+0x7d4)");
}

TEST(AQdisc, WithoutAQueueOfItsOwnDropsNothing) {
    for (const std::string kind : {"mq", "mqprio"})
        EXPECT_EQ(
            why(dropped_at_enqueue(kind.c_str())),
            "a qdisc below the " + kind + " qdisc of veth0 dropped the frame (QDISC_DROP at __dev_queue_xmit+0x7d4)");
}

TEST(AQdisc, ThatIsNoqueueIsNotBlamed) {
    EXPECT_EQ(why(dropped_at_enqueue("noqueue")),
              "veth0 has no carrier, or a qdisc of a device below veth0 dropped the frame (QDISC_DROP at "
              "__dev_queue_xmit+0x7d4)");
    EXPECT_EQ(why(dropped(not_at_the_driver(), "noqueue", not_specified, at_queue_xmit)),
              "a filter at the egress of veth0, or the kernel on the way to its driver, dropped the frame "
              "(NOT_SPECIFIED at __dev_queue_xmit+0x7d4)");
    EXPECT_EQ(why(dropped_at_enqueue("noop")),
              "veth0 has no carrier, and takes nothing in (QDISC_DROP at __dev_queue_xmit+0x7d4)");
}

TEST(AQdisc, ThatWasTakenAwayWithTheFrameInItIsSaidToBe) {
    const std::string behind =
        " when that was emptied (NOT_SPECIFIED at __rtnl_unlock+0x4e): the qdisc was replaced or changed, or the "
        "interface went down or away";
    EXPECT_EQ(why(dropped_later("tbf", not_specified, at_rtnl_unlock)),
              "the frame was still in the tbf qdisc of veth0" + behind);
    EXPECT_EQ(why(dropped_later("noqueue", not_specified, at_rtnl_unlock)),
              "the frame was still in a qdisc of a device below veth0" + behind);
}

TEST(AQdisc, ThatHadTheFrameLeavesNoFilterAtTheEgressToBlame) {
    EXPECT_EQ(why(dropped_later("etf", not_specified, at_etf_dequeue)),
              "the etf qdisc of veth0 dropped the frame (NOT_SPECIFIED at etf_dequeue_timesortedlist+0x150)");
    EXPECT_EQ(why(dropped(not_at_the_driver(), "fq", fq_horizon_limit, at_queue_xmit)),
              "the fq qdisc of veth0 dropped the frame (FQ_HORIZON_LIMIT at __dev_queue_xmit+0x7d4)");
    sr_send enqueued = dropped(followed(), "pfifo", not_specified, at_queue_xmit);
    pass(enqueued, SR_SLOT_ENQUEUE, Stage::enqueue, 1450, 1450);
    EXPECT_EQ(why(enqueued), "the pfifo qdisc of veth0 dropped the frame (NOT_SPECIFIED at __dev_queue_xmit+0x7d4)");
    EXPECT_EQ(why(dropped(not_at_the_driver(), "pfifo", not_specified, at_queue_xmit)),
              "the pfifo qdisc of veth0, or a filter at its egress, dropped the frame (NOT_SPECIFIED at "
              "__dev_queue_xmit+0x7d4)");
}

TEST(AQdisc, OfADeviceBelowIsNotTheDriversDoing) {
    EXPECT_EQ(why(dropped_below_its_driver(failed_in_driver(ENOBUFS), qdisc_drop)),
              "ENOBUFS: a qdisc of a device below veth0 dropped the frame (QDISC_DROP)");
    EXPECT_EQ(why(dropped_below_its_driver(failed_in_driver(ENOBUFS), tc_egress)),
              "ENOBUFS: a tc filter at the egress of a device below veth0 dropped the frame (TC_EGRESS)");
    sr_send bridge = dropped_below_its_driver(taken(), qdisc_drop);
    bridge.driver_hits = 0;
    const std::string sentence =
        "a qdisc of a device below veth0 dropped the frame, or that device has no carrier (QDISC_DROP at "
        "__dev_queue_xmit+0x7d4";
    EXPECT_EQ(why(bridge), sentence + ")");
    bridge.drop_in_driver = 1;
    EXPECT_EQ(why(bridge), sentence + ", inside dev_hard_start_xmit)");
    EXPECT_EQ(why(dropped_later("noqueue", qdisc_drop, at_queue_xmit)),
              "a qdisc of a device below veth0 dropped the frame (QDISC_DROP at __dev_queue_xmit+0x7d4)");
}

// It has a queue of its own, and met a driver that was busy.
TEST(AQdisc, OfTheDeviceItselfIsBlamedWhereItsDriverOnlyWasBusy) {
    sr_send send = dropped(taken(), "pfifo", qdisc_drop, at_queue_xmit);
    send.driver_hits = 0;
    send.driver_ret = 0x10;
    EXPECT_EQ(why(send), "the pfifo qdisc of veth0 dropped the frame (QDISC_DROP at __dev_queue_xmit+0x7d4)");
}

TEST(AQdisc, OfADeviceBelowKeepsWhatTheDeviceItselfCannot) {
    sr_send send = followed();
    set(send.qdisc, "noqueue");
    EXPECT_EQ(verdict_of(send_of(send, FrameEnd::queued)).reason,
              "still in a qdisc of a device below veth0 when tracing ended");
}

TEST(ADriver, ThatDroppedTheFrameIsNamedWithTheKernelsReasonAndPlace) {
    sr_send send = dropped(failed_in_driver(ENOBUFS), "fq_codel", full_ring, at_tun_net_xmit);
    EXPECT_EQ(why(send), "ENOBUFS: the driver of veth0 dropped the frame (FULL_RING at tun_net_xmit+0x2c5)");
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    EXPECT_EQ(why(send), "ENOBUFS: the driver of veth0 dropped the frame (FULL_RING at tun_net_xmit+0x2c5)");
}

}  // namespace
}  // namespace sockray
