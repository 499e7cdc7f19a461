// sockray capture where a frame comes by several taps: on loopback, and on any.
#include "tests/vm/captures.h"

namespace sockray::vm {
namespace {

constexpr int count = 40;

void expect_told(const Completed& done, const Told& told, std::size_t sends) {
    EXPECT_EQ(done.err.find("without the story"), std::string::npos) << done.err;
    EXPECT_EQ(done.err.find("gaps"), std::string::npos) << done.err;
    expect_balance(told);
    EXPECT_EQ(told.sends.size(), sends);
    EXPECT_EQ(told.sends_with("outcome", "delivered"), sends);
    EXPECT_EQ(told.sends_with("tapped", 1), sends);
    EXPECT_EQ(told.capture.at("untapped"), 0);
    EXPECT_EQ(told.capture.at("lost").at("dropped"), 0);
}

// Truth: tcpdump, which has on loopback what is received.
TEST_F(Captures, on_loopback_tell_each_send_and_what_is_received_of_it) {
    Process tcpdump(
        {"tcpdump", "-i", "lo", "-U", "-Z", "root", "-w", file("tcpdump.pcap"), "ether proto 0x88b5 or udp"});
    ASSERT_TRUE(tcpdump.wait_for_err("listening"));
    const Completed done =
        capture({"-i", "lo", "--json", "-w", file("lo.pcapng"), "ether proto 0x88b5 or udp"}, [&](Process&) {
            send("out", "--to lo --gap-us 500 --count " + std::to_string(count));
            send_udp(count, "127.0.0.1");
        });
    tcpdump.signal(SIGINT);
    tcpdump.finish();
    const Told told = told_by(done.out);
    expect_told(done, told, count);
    EXPECT_EQ(told.frames_to("in"), 2 * count);
    EXPECT_EQ(told.frames_to("out"), 0U);
    EXPECT_EQ(told.capture.at("seen"), 4 * count);
    EXPECT_EQ(told.capture.at("left_out"), count) << "UDP, as it was sent";
    for (const Json& send : told.sends) EXPECT_EQ(send.at("ifname"), "lo");

    Lines expected = frames_of(file("tcpdump.pcap"));
    EXPECT_EQ(expected.size(), 2 * count);
    const Lines sent = frames_of(file("tcpdump.pcap"), {"ether", "proto", "0x88b5"});
    expected.insert(expected.end(), sent.begin(), sent.end());
    std::ranges::sort(expected);
    EXPECT_TRUE(frames_of(file("lo.pcapng")) == expected);
    const Completed report = sockray({"report", "--json", file("lo.pcapng")});
    EXPECT_EQ(report.err, "");
    EXPECT_EQ(told_by(report.out).capture, told.capture);
    EXPECT_EQ(told_by(report.out).frames, told.frames);

    const Told named = told_by(capture({"-i", "lo", "--comm", "out", "--json"}, [&](Process&) {
                                   send("out", "--to lo --count 10");
                                   send("other", "--to lo --count 10");
                               }).out);
    expect_balance(named);
    EXPECT_EQ(named.sends_with("comm", "out"), 10U);
    EXPECT_EQ(named.sends_with("tapped", 1), 10U);
    EXPECT_EQ(named.sends.size() + named.frames.size(), 10U);
}

// A VLAN's frames come by its own taps, by those of the device below, and by those of the other end.
TEST_F(Captures, on_any_tell_each_send_with_the_first_device_that_its_frame_passes) {
    const VethPair pair("vany");
    configure("ip link add link vany0 name vany0.7 type vlan id 7");
    configure("ip link set vany0.7 up");
    const std::string words = " --gap-us 500 --count " + std::to_string(count);
    const Completed done =
        capture({"-i", "any", "--json", "-w", file("any.pcapng"), "ether proto 0x88b5"}, [&](Process&) {
            send("plain", "--to vany0" + words);
            send("tagged", "--to vany0.7" + words);
            send("local", "--to lo" + words);
        });
    const Told told = told_by(done.out);
    expect_told(done, told, 3 * count);
    for (const auto& [name, device] : {std::pair{"plain", "vany0"}, {"tagged", "vany0.7"}, {"local", "lo"}})
        EXPECT_EQ(
            std::ranges::count_if(
                told.sends, [&](const Json& one) { return one.at("comm") == name && one.at("ifname") == device; }),
            count)
            << name;
    EXPECT_EQ(told.frames_to("out"), count) << "the VLAN's, on the device below";
    EXPECT_EQ(told.frames_to("in"), 3 * count);
    EXPECT_EQ(told.capture.at("seen"), 7 * count);
    EXPECT_EQ(told.capture.at("left_out"), 0);
    EXPECT_EQ(told.capture.at("ifname"), "any");

    const Completed report = sockray({"report", "--json", file("any.pcapng")});
    EXPECT_EQ(report.err, "");
    const Told again = told_by(report.out);
    expect_balance(again);
    EXPECT_EQ(again.sends, told.sends);
    EXPECT_EQ(again.frames, told.frames);
    EXPECT_EQ(again.capture, told.capture);
    configure("ip link del vany0.7");
}

// They come by the taps behind the return of their sends, and in softirqs too.
TEST_F(Captures, on_any_join_frames_that_a_qdisc_kept) {
    const VethPair slow("vkept");
    slow.set_qdisc("tbf rate 4mbit burst 1600 limit 200000");
    const Completed done = capture({"-i", "any", "--json", "ether proto 0x88b5"}, [&](Process&) {
        send("out", "--to vkept0 --length 1000 --count " + std::to_string(count));
        std::this_thread::sleep_for(milliseconds(600));
    });
    const Told told = told_by(done.out);
    expect_told(done, told, count);
    EXPECT_EQ(told.frames_to("out"), 0U);
    EXPECT_EQ(told.frames_to("in"), count);
}

}  // namespace
}  // namespace sockray::vm
