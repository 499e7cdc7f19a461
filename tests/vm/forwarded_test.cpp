// Frames that the other end sends on at once, past a qdisc: their receiver's softirq runs before __dev_direct_xmit
// returns, and hands on the very skb that came. What becomes of it there is no end of the send.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

constexpr const char* last_hop = "02:00:00:00:00:99";

// vin0 - vin1, which sends on what it gets through vout0, whose queue has room for four frames.
class Forwarded : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) return;
        in_.emplace("vin");
        out_.emplace("vout");
        out_->set_qdisc("netem delay 60s limit 4");
    }

    static void expect_delivered(const std::string& destination) {
        for (const bool bypass : {true, false}) {
            SCOPED_TRACE(bypass ? "past the qdisc" : "through it");
            const std::uint64_t before = device_count("vin0").tx_packets;
            Arguments words{"run", "-i",        "vin0",      "-c",    "10",       "--json", "--no-calibrate", "--frame",
                            "udp", "--dst-mac", destination, "--src", "10.1.0.2", "--dst",  "10.2.0.2"};
            if (bypass) words.emplace_back("--bypass");
            const Traced traced = read_back(sockray(words));
            expect_sound(traced);
            EXPECT_EQ(traced.recording.total("delivered"), 10U) << shown(traced.run);
            EXPECT_EQ(device_count("vin0").tx_packets - before, 10U);
        }
        const Completed queue = run({"tc", "-s", "qdisc", "show", "dev", "vout0"});
        // 16 of ours, and what a bridge may send of its own.
        const std::size_t dropped = queue.out.find("dropped ");
        ASSERT_NE(dropped, std::string::npos) << queue.out;
        EXPECT_GE(std::stoul(queue.out.substr(dropped + 8)), 16U) << "they have not come there: " << queue.out;
    }

    std::optional<VethPair> in_, out_;
};

TEST_F(Forwarded, frames_past_the_qdisc_that_their_receiver_routes_into_a_full_queue_are_delivered) {
    configure("ip addr add 10.1.0.1/24 dev vin1 && ip addr add 10.2.0.1/24 dev vout0");
    configure("ip neigh add 10.2.0.2 lladdr " + std::string(last_hop) + " dev vout0");
    configure(
        "cd /proc/sys/net/ipv4 && echo 1 > ip_forward && echo 0 > conf/all/rp_filter && echo 0 > conf/vin1/rp_filter");
    const std::string router = "02:00:00:00:00:99";
    configure("ip link set vin1 address " + router);
    expect_delivered(router);
    configure("echo 0 > /proc/sys/net/ipv4/ip_forward");
}

TEST_F(Forwarded, frames_past_the_qdisc_that_a_bridge_puts_into_a_full_queue_are_delivered) {
    if (run({"modprobe", "bridge"}).status != 0) GTEST_SKIP() << "this guest has no bridges";
    configure("ip link add vbridge0 type bridge && ip link set vbridge0 up");
    configure("ip link set vin1 master vbridge0 && ip link set vout0 master vbridge0");
    expect_delivered(last_hop);
    configure("ip link del vbridge0");
}

}  // namespace
}  // namespace sockray::vm
