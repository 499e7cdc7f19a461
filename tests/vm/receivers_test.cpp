// What becomes of a frame on the other side of a veth, and at the taps of its own: who is offered it, and whether they
// had room, held against what the receiving sockets count.
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <memory>

#include "tests/vm/deaf_receiver.h"
#include "tests/vm/frames.h"

namespace sockray::vm {
namespace {

TEST_F(Frames, that_a_receiver_has_no_room_for_are_delivered_and_the_receiver_is_named) {
    const DeafReceiver receiver("veth1");
    const Traced traced = trace_command({"--stages", "full"}, sender("veth0", "30"));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 30U);
    std::uint64_t taken = 0;
    std::uint64_t full = 0;
    for (const SendLine& send : traced.recording.sends) {
        ASSERT_TRUE(send.stage("packet_rcv"));
        EXPECT_EQ(send.receivers, 1U);
        EXPECT_EQ(send.receiver_ino, receiver.ino());
        (send.received == "taken" ? taken : full)++;
        EXPECT_TRUE(send.received == "taken" || send.received == "full") << send.received;
    }
    const tpacket_stats stats = receiver.statistics();
    EXPECT_EQ(taken + full, stats.tp_packets);
    EXPECT_EQ(full, stats.tp_drops);
    EXPECT_GT(taken, 0U);
    EXPECT_GT(full, 0U);
}

// Frames of 1000 bytes: V2 has a place for two, V3 packs some into each of its blocks.
TEST_F(Frames, that_a_full_RX_ring_has_no_room_for_are_delivered_and_as_many_are_told_as_the_socket_counts) {
    const VethPair second("vthree");
    const std::map<std::string, std::unique_ptr<DeafReceiver>> receivers = [] {
        std::map<std::string, std::unique_ptr<DeafReceiver>> made;
        made["veth0"] = std::make_unique<DeafReceiver>("veth1", TPACKET_V2);
        made["vthree0"] = std::make_unique<DeafReceiver>("vthree1", TPACKET_V3);
        return made;
    }();
    const std::string words = sender_path() + " --length 1000 --count 30 --to ";
    const Traced traced = trace_command({"--stages", "full"}, {"sh", "-c", words + "veth0\n" + words + "vthree0"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 60U);
    for (const auto& [device, receiver] : receivers) {
        SCOPED_TRACE(device);
        std::uint64_t taken = 0, full = 0;
        for (const SendLine& send : traced.recording.sends) {
            if (send.ifname != device) continue;
            ASSERT_TRUE(send.stage("tpacket_rcv"));
            EXPECT_EQ(send.receivers, 1U);
            EXPECT_EQ(send.receiver_ino, receiver->ino());
            EXPECT_TRUE(send.received == "taken" || send.received == "full") << send.received;
            (send.received == "taken" ? taken : full)++;
        }
        const tpacket_stats stats = receiver->statistics();
        EXPECT_EQ(stats.tp_packets, 30U);
        EXPECT_EQ(full, stats.tp_drops);
        EXPECT_EQ(taken, stats.tp_packets - stats.tp_drops);
        if (device == "veth0") {
            EXPECT_EQ(taken, 2U);
        } else {
            EXPECT_GE(taken, 4U);
            EXPECT_LE(taken, 8U);
        }
    }
}

// The only receiver frees the frame, inside of tpacket_rcv: no frame is under way when that returns.
TEST_F(Frames, that_have_one_receiver_with_a_ring_name_it_within_the_send_and_behind_a_shaper) {
    if (const std::string missing = missing_tool({"tcpdump"}); !missing.empty())
        GTEST_SKIP() << missing << " is not in this guest";
    const VethPair slow("vslow");
    slow.set_qdisc("tbf rate 400kbit burst 1600 limit 20000");
    const auto start = [](const std::string& device) {
        return Process({"tcpdump", "-i", device, "-Z", "root", "-w", "/dev/null", "ether", "proto", "0x88b5"});
    };
    const Process at_once = start("veth1");
    const Process shaped = start("vslow1");
    ASSERT_TRUE(at_once.wait_for_err("listening") && shaped.wait_for_err("listening"));
    const std::string words = sender_path() + " --count 20 --length 1000 --to ";
    const Traced traced = trace_command({"--stages", "full"}, {"sh", "-c", words + "veth0\n" + words + "vslow0"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 40U);
    std::map<std::string, int> sends;
    for (const SendLine& send : traced.recording.sends) {
        sends[send.ifname]++;
        EXPECT_TRUE(send.stage("tpacket_rcv")) << send.ifname;
        EXPECT_TRUE(send.stage("skb_freed")) << send.ifname;
        EXPECT_EQ(send.receivers, 1U) << send.ifname;
        EXPECT_EQ(send.received, "taken") << send.ifname;
    }
    EXPECT_EQ(sends, (std::map<std::string, int>{{"veth0", 20}, {"vslow0", 20}}));
}

TEST_F(Frames, that_a_tap_on_the_sender_sees_too_are_one_delivery_each_and_no_drop) {
    if (const std::string missing = missing_tool({"tcpdump"}); !missing.empty())
        GTEST_SKIP() << missing << " is not in this guest";
    Process tap({"tcpdump", "-i", "veth0", "-Z", "root", "-w", "/dev/null", "ether", "proto", "0x88b5"});
    ASSERT_TRUE(tap.wait_for_err("listening"));
    const std::uint64_t before = device_count("veth0").tx_packets;
    const Traced traced = trace_command({"--stages", "full"}, sender("veth0", "200"));
    const std::uint64_t sent = device_count("veth0").tx_packets - before;
    tap.signal(SIGINT);
    const Completed seen = tap.finish();
    expect_sound(traced);
    EXPECT_EQ(sent, 200U);
    EXPECT_EQ(traced.recording.total("delivered"), 200U);
    EXPECT_EQ(traced.recording.total("dropped"), 0U);
    EXPECT_NE(seen.err.find("200 packets captured"), std::string::npos) << shown(seen);
}

TEST_F(Frames, that_go_past_the_taps_are_all_counted_and_tcpdump_on_the_same_interface_sees_none) {
    if (const std::string missing = missing_tool({"trafgen", "tcpdump"}); !missing.empty())
        GTEST_SKIP() << "there is no " << missing;
    Process tap({"tcpdump", "-i", "veth0", "-n", "-Z", "root", "--immediate-mode"});
    ASSERT_TRUE(tap.wait_for_err("listening on veth0"));
    const std::string folder = scratch("bypass");
    write_file(folder + "/frame.cfg",
               "{ fill(0xff, 6), 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0xb5, fill(0x41, 46) }\n");
    const std::string trafgen = "cd " + folder + " && trafgen --dev veth0 --conf frame.cfg --num 40 -P 1 --no-sock-mem";
    const std::string recorded = folder + "/past.pcapng";
    const Traced traced = trace_command({"-w", recorded}, {"sh", "-c", trafgen});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 40U);
    for (const SendLine& send : traced.recording.sends) EXPECT_TRUE(send.stage("__dev_direct_xmit"));
    const Completed words = sockray({"report", recorded});
    EXPECT_NE(words.out.find("past the qdisc and the taps"), std::string::npos) << shown(words);
    tap.signal(SIGINT);
    const Completed seen = tap.finish();
    EXPECT_NE(seen.err.find("0 packets captured"), std::string::npos) << shown(seen);
}

}  // namespace
}  // namespace sockray::vm
