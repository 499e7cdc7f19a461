// Sends and frames of an interface that goes down, or is deleted, or whose namespace is, while they go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/vm/deaf_receiver.h"
#include "tests/vm/frames.h"

namespace sockray::vm {
namespace {

// A run on this interface, and what befalls it once the device has counted some of its sends. It goes on until
// `befalls` returns: a guest on a busy machine takes its time.
Traced run_while(const std::string& device, const std::string& method, const std::function<void(Process&)>& befalls) {
    Process process = start_sockray(
        {"run", "-i", device, "--json", "--no-calibrate", "-c", "1000000", "--rate", "200", "--method", method});
    while (process.running() && device_count(device).tx_packets < 20) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_TRUE(process.running());
    befalls(process);
    process.signal(SIGINT);
    return read_back(process.finish());
}

std::uint64_t with_error(const Traced& traced, int err) {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(traced.recording.sends, [err](const SendLine& send) { return send.err == err; }));
}

// drivers/net/veth.c, veth_xmit: between the end of the other end of a pair that is deleted, and its own, the driver
// takes frames for nobody.
bool has_no_other_end(const SendLine& send) {
    return send.reason.find("the driver of vdel0 dropped the frame") != std::string::npos;
}

// By its own sends, what the kernel told them, the device and the receiver at its other end.
void expect_all_told(const Traced& traced, const DeafReceiver& receiver) {
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("correlated"), recording.total("driven"));
    EXPECT_EQ(recording.total("attempted"), recording.total("driven"));
    EXPECT_EQ(recording.total("contradicted"), 0U);
    EXPECT_EQ(recording.all_lost(), 0U);
    EXPECT_GE(recording.total("delivered"), 20U);
    EXPECT_EQ(recording.total("delivered"), receiver.statistics().tp_packets);
    for (const SendLine& send : recording.sends)
        if (send.outcome == "failed") {
            EXPECT_TRUE(send.err == ENETDOWN || send.err == ENXIO || (send.err == ENOBUFS && has_no_other_end(send)))
                << send.err.value_or(0) << ": " << send.reason;
        }
    // net/core/dev.c, __dev_close_many: first its queues are taken away, and a grace period later it is down. What is
    // sent between is dropped, and its sender told that all is well.
    for (const SendLine& send : recording.sends)
        if (send.outcome == "dropped" && !has_no_other_end(send)) {
            EXPECT_EQ(send.ret, static_cast<std::int64_t>(send.len));
            EXPECT_NE(send.reason.find("has no carrier, and takes nothing in"), std::string::npos) << send.reason;
            EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
        }
    EXPECT_EQ(recording.total("queued") + recording.total("unknown"), 0U);
}

// `method` of a run on an interface that goes down and comes up again.
void expect_down_between(const std::string& method) {
    const VethPair pair("vmid");
    const DeafReceiver receiver("vmid1");
    const Traced traced = run_while("vmid0", method, [](Process& process) {
        configure("ip link set vmid0 down");
        EXPECT_TRUE(process.wait_for_out("ENETDOWN: vmid0 is down"));
        const std::uint64_t before = device_count("vmid0").tx_packets;
        configure("ip link set vmid0 up");
        while (process.running() && device_count("vmid0").tx_packets < before + 20)
            std::this_thread::sleep_for(milliseconds(5));
    });
    expect_all_told(traced, receiver);
    EXPECT_EQ(traced.recording.total("delivered"), device_count("vmid0").tx_packets);
    EXPECT_EQ(traced.recording.total("failed"), with_error(traced, ENETDOWN));
    std::uint64_t turns = 0;  // from delivered to failed, and back
    int last = 0;
    for (const SendLine& send : traced.recording.sends_of("sockray")) {
        if (send.outcome == "failed") {
            EXPECT_EQ(send.reason, "ENETDOWN: vmid0 is down");
            EXPECT_EQ(send.end_stage, "packet_snd");
        }
        const int err = static_cast<int>(send.err.value_or(0));
        turns += err != last;
        last = err;
    }
    EXPECT_EQ(turns, 2U);
}

// `method` of a run on an interface that is deleted: the last sends fail with ENXIO, for this reason.
void expect_gone_at_the_end(const std::string& method, const std::string& reason) {
    const VethPair pair("vdel");
    const DeafReceiver receiver("vdel1");
    const Traced traced = run_while("vdel0", method, [](Process& process) {
        configure("ip link del vdel0");
        EXPECT_TRUE(process.wait_for_out("ENXIO: "));
    });
    expect_all_told(traced, receiver);
    bool gone = false;
    for (const SendLine& send : traced.recording.sends_of("sockray")) {
        if (send.err == ENXIO) {
            gone = true;
            EXPECT_TRUE(send.reason.starts_with(reason)) << send.reason;
            EXPECT_EQ(send.end_stage, "packet_snd");
        } else {
            EXPECT_FALSE(gone) << "behind the first ENXIO: " << send.outcome << " " << send.reason;
        }
    }
    EXPECT_TRUE(gone);
    const Json device = traced.recording.summary->at("devices").at(0);
    EXPECT_EQ(device.at("gone"), true);
    EXPECT_TRUE(device.at("tx_packets").is_null());
    EXPECT_TRUE(device.at("held").empty());
}

TEST_F(Frames, of_a_run_whose_interface_goes_down_and_comes_up_again_fail_with_ENETDOWN_meanwhile) {
    expect_down_between("sendto");
}

TEST_F(Frames, of_a_run_whose_interface_is_deleted_fail_with_ENETDOWN_and_then_with_ENXIO) {
    expect_gone_at_the_end("sendto", "ENXIO: there is no interface with index ");
}

TEST_F(Frames, of_a_bound_socket_whose_interface_goes_down_and_comes_up_again_fail_with_ENETDOWN_meanwhile) {
    expect_down_between("send");
}

TEST_F(Frames, of_a_bound_socket_whose_interface_is_deleted_fail_with_ENXIO_that_says_so) {
    expect_gone_at_the_end("send", "ENXIO: the interface that the socket was bound to is gone");
}

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
