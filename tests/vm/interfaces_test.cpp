// Sends and frames of an interface that goes down, or is deleted, or whose namespace is, while they go on.
#include <gtest/gtest.h>

#include <thread>

#include "tests/vm/frames.h"

namespace sockray::vm {
namespace {

TEST_F(Frames, in_the_queue_of_an_interface_that_goes_down_are_dropped) {
    const VethPair pair("vdie");
    pair.set_qdisc("netem delay 60s");
    const Traced traced = trace_while({}, [&] {
        run(sender("vdie0", "9"));
        configure("ip link set vdie0 down");
        std::this_thread::sleep_for(milliseconds(500));
    });
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("dropped"), 9U);
    EXPECT_EQ(device_count("vdie0").tx_packets, 0U);
    for (const SendLine& send : traced.recording.sends) {
        EXPECT_EQ(send.ret, 60);
        EXPECT_FALSE(send.drop_reason.empty());
    }
}

TEST_F(Frames, in_the_queue_of_an_interface_that_is_deleted_are_dropped) {
    configure("ip link add vgone0 type veth peer name vgone1");
    configure("ip link set vgone1 up");
    configure("ip link set vgone0 up");
    configure("tc qdisc add dev vgone0 root netem delay 60s");
    const Traced traced = trace_while({}, [&] {
        run(sender("vgone0", "9"));
        configure("ip link del vgone0");
        std::this_thread::sleep_for(milliseconds(500));
    });
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("dropped"), 9U);
}

// A frame holds its socket, and the socket its namespace: what is deleted while a qdisc has frames goes when they have
// gone.
TEST_F(Frames, in_a_namespace_that_is_deleted_keep_it_and_are_delivered_and_later_sends_go_on) {
    const Traced traced = trace_while({}, [&] {
        configure("ip netns add gone");
        configure("ip -n gone link add in0 type veth peer name in1");
        configure("ip -n gone link set in1 up");
        configure("ip -n gone link set in0 up");
        run({"ip", "netns", "exec", "gone", "tc", "qdisc", "add", "dev", "in0", "root", "netem", "delay", "1s"});
        Arguments inside{"ip", "netns", "exec", "gone"};
        for (const std::string& word : sender("in0", "5")) inside.push_back(word);
        run(inside);
        configure("ip netns del gone");
        std::this_thread::sleep_for(milliseconds(2500));  // the kernel takes it apart in the background
        run(sender("veth0", "3"));
    });
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 5U + 3U) << shown(traced.run);
}

}  // namespace
}  // namespace sockray::vm
