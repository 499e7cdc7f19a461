// What netfilter does with frames at the egress of their device: drops them out of a TX ring, gives them to another
// device.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

// A table of its own for the rule at the egress of one device.
class EgressRule {
  public:
    EgressRule(const std::string& device, const std::string& rule) {
        configure("nft add table netdev egress");
        configure("nft add chain netdev egress out '{ type filter hook egress device " + device + " priority 0; }'");
        configure("nft add rule netdev egress out " + rule);
    }
    ~EgressRule() { run({"nft", "delete", "table", "netdev", "egress"}); }
    EgressRule(const EgressRule&) = delete;
    EgressRule& operator=(const EgressRule&) = delete;
};

class Egress : public KernelTest {
  protected:
    // netfilter's expression `fwd` is a module of its own, which a guest need not have.
    static bool can_pass_on() { return run({"modprobe", "nft_fwd_netdev"}).status == 0; }
    static Traced trace_sender(const Arguments& options, const std::string& words, std::vector<Answer>& answers) {
        const std::string report = scratch("egress") + "/report";
        run({"rm", "-f", report});
        Traced traced = trace_command(options, {"sh", "-c", sender_line(report, "sender", words)});
        expect_sound(traced);
        answers = read_answers(report);
        return traced;
    }
};

// The kernel refuses the frame before __dev_direct_xmit, frees it, and keeps the ring's head at it: of the frames
// behind it none was touched.
TEST_F(Egress, that_drops_a_frame_of_a_losing_ring_past_the_qdisc_fails_that_one_and_no_other) {
    const VethPair pair("vloss");
    const EgressRule rule("vloss0", "drop");
    std::vector<Answer> answers;
    const Traced traced =
        trace_sender({}, "--bind vloss0 --method ring --bypass --losing --batch 8 --malformed 0,1 --count 2", answers);
    ASSERT_EQ(answers.size(), 2U);
    for (const Answer& answer : answers) EXPECT_EQ(answer.err, ENOBUFS);
    // Two were passed over in the first call, and the third refused: it is the first one of the second call.
    const std::vector<SendLine>& sends = traced.recording.sends;
    ASSERT_EQ(sends.size(), 4U) << shown(traced.run);
    for (std::size_t i = 0; i < sends.size(); i++) {
        SCOPED_TRACE(i);
        EXPECT_EQ(sends[i].outcome, "failed");
        if (i < 2) {
            EXPECT_NE(sends[i].reason.find("PACKET_LOSS is set"), std::string::npos) << sends[i].reason;
            continue;
        }
        EXPECT_EQ(sends[i].err, ENOBUFS);
        EXPECT_NE(sends[i].reason.find("netfilter at the egress of vloss0 dropped the frame"), std::string::npos)
            << sends[i].reason;
    }
}

// The other device's driver took it, and the sender was told that all is well.
TEST_F(Egress, that_passes_a_frame_on_is_told_and_counted_at_the_device_that_it_came_to) {
    if (!can_pass_on()) GTEST_SKIP() << "no module nft_fwd_netdev here";
    const VethPair pair("vfwd");
    const VethPair other("vout");
    const EgressRule rule("vfwd0", "fwd to vout0");
    std::vector<Answer> answers;
    const Traced traced = trace_sender({"--stages", "full"}, "--to vfwd0 --count 3", answers);
    const std::vector<SendLine>& sends = traced.recording.sends;
    expect_same_answers(sends, answers);
    ASSERT_EQ(sends.size(), 3U) << shown(traced.run);
    for (const SendLine& send : sends) {
        EXPECT_EQ(send.outcome, "delivered") << send.reason;
        EXPECT_EQ(send.ifname, "vfwd0");
    }
    EXPECT_EQ(device_count("vfwd0").tx_packets, 0U);
    EXPECT_EQ(device_count("vout0").tx_packets, 3U);
    EXPECT_NE(traced.run.out.find(R"("passed_on_to":"vout0")"), std::string::npos) << traced.run.out;
    // Held against the ledger there, and not at the device that was named.
    for (const Json& device : traced.recording.summary->at("devices")) {
        EXPECT_EQ(device.at("ifname"), "vout0");
        for (const Json& held : device.at("held")) EXPECT_EQ(held.at("cause"), "") << held;
    }
}

// mirred gives a clone to the other device and frees the frame: at once, or behind a queue that keeps the clone.
TEST_F(Egress, that_redirects_a_frame_by_mirred_is_told_by_what_becomes_of_its_clone) {
    const VethPair pair("vred");
    const VethPair other("vout");
    configure("tc qdisc add dev vred0 clsact");
    configure("tc filter add dev vred0 egress matchall action mirred egress redirect dev vout0");
    for (const std::string queue : {"", "tbf rate 800kbit burst 1600 limit 100000"}) {
        SCOPED_TRACE(queue);
        if (!queue.empty()) other.set_qdisc(queue);
        const std::uint64_t before = device_count("vout0").tx_packets;
        std::vector<Answer> answers;
        const Traced traced = trace_sender({}, "--to vred0 --count 20 --length 1000", answers);
        expect_same_answers(traced.recording.sends, answers);
        ASSERT_EQ(traced.recording.sends.size(), 20U) << shown(traced.run);
        for (const SendLine& send : traced.recording.sends) {
            EXPECT_EQ(send.outcome, "delivered") << send.reason;
            EXPECT_EQ(send.ifname, "vred0");
        }
        EXPECT_EQ(device_count("vred0").tx_packets, 0U);
        EXPECT_EQ(device_count("vout0").tx_packets - before, 20U);
        EXPECT_NE(traced.run.out.find(R"("passed_on_to":"vout0")"), std::string::npos) << traced.run.out;
    }
}

// What is mirrored is a frame of its own: the sender's goes out of its own device.
TEST_F(Egress, that_mirrors_a_frame_by_mirred_changes_nothing_of_its_send) {
    const VethPair pair("vmir");
    const VethPair other("vout");
    configure("tc qdisc add dev vmir0 clsact");
    configure("tc filter add dev vmir0 egress matchall action mirred egress mirror dev vout0");
    std::vector<Answer> answers;
    const Traced traced = trace_sender({}, "--to vmir0 --count 20", answers);
    expect_same_answers(traced.recording.sends, answers);
    EXPECT_EQ(traced.recording.total("delivered"), 20U) << shown(traced.run);
    EXPECT_EQ(device_count("vmir0").tx_packets, 20U);
    EXPECT_EQ(traced.run.out.find("passed_on_to"), std::string::npos) << traced.run.out;
    for (const Json& device : traced.recording.summary->at("devices")) EXPECT_EQ(device.at("ifname"), "vmir0");
}

// Past the qdisc the kernel tells what netfilter took as NET_XMIT_DROP (packet_direct_xmit), so the call fails although
// the frame left. Neither the driver nor the queue is to be blamed.
TEST_F(Egress, that_passes_a_frame_on_past_the_qdisc_fails_the_call_and_blames_no_driver) {
    if (!can_pass_on()) GTEST_SKIP() << "no module nft_fwd_netdev here";
    const VethPair pair("vfwd");
    const VethPair other("vout");
    const EgressRule rule("vfwd0", "fwd to vout0");
    for (const std::string words :
         {"--to vfwd0 --bypass --count 3", "--bind vfwd0 --method ring --bypass --losing --batch 4 --count 3"}) {
        SCOPED_TRACE(words);
        const std::uint64_t before = device_count("vout0").tx_packets;
        std::vector<Answer> answers;
        const Traced traced = trace_sender({}, words, answers);
        ASSERT_EQ(answers.size(), 3U);
        const std::vector<SendLine>& sends = traced.recording.sends;
        EXPECT_GE(sends.size(), 3U) << shown(traced.run);
        EXPECT_LE(sends.size(), 12U) << "more than the ring holds";
        std::size_t told = 0;
        for (const SendLine& send : sends) {
            EXPECT_EQ(send.ifname, "vfwd0");
            EXPECT_EQ(send.reason.find("driver of"), std::string::npos) << send.reason;
            if (send.outcome != "failed") continue;
            told++;
            EXPECT_EQ(send.err, ENOBUFS);
            EXPECT_NE(send.reason.find("passed the frame on to vout0"), std::string::npos) << send.reason;
        }
        std::size_t refused = 0;
        for (const Answer& answer : answers) refused += answer.ret < 0;
        EXPECT_EQ(told, refused);
        EXPECT_EQ(device_count("vout0").tx_packets - before, sends.size());
    }
}

}  // namespace
}  // namespace sockray::vm
