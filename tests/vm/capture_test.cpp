// sockray capture on a kernel that can trace: every frame once, those of packet sockets with the story of their send.
#include "tests/vm/captures.h"

#include <sched.h>

#include <filesystem>

namespace sockray::vm {
namespace {

constexpr const char* trafgen_config =
    "{ fill(0xff, 6), 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0xb7, fill(0x41, 46) }\n";

// Past the taps, as it does where nothing else is said.
void send_by_trafgen(const std::string& config, int count) {
    write_file(config, trafgen_config);
    const Completed done = run(
        {"trafgen", "--dev", "veth0", "--conf", config, "--num", std::to_string(count), "-P", "1", "--no-sock-mem"});
    EXPECT_EQ(done.status, 0) << shown(done);
}

// Truth: tcpdump beside it, which has the same frames but those past the taps.
TEST_F(Captures, tell_every_frame_once_and_those_of_packet_sockets_with_their_story) {
    constexpr int count = 200;
    constexpr int past = 32;
    Process tcpdump({"tcpdump", "-i", "veth0", "-B", "8192", "-U", "-Z", "root", "-w", file("tcpdump.pcap")});
    ASSERT_TRUE(tcpdump.wait_for_err("listening"));
    // Both were ready when anything was sent, and both still are when all has been.
    const Completed done = capture({"-i", "veth0", "--json", "--fanout", "2", "-w", file("all.pcapng")}, [&](Process&) {
        send_both_ways(count);
        send_by_trafgen(file("trafgen.cfg"), past);
    });
    tcpdump.signal(SIGINT);
    tcpdump.finish();
    EXPECT_EQ(done.err.find("without the story"), std::string::npos) << done.err;
    EXPECT_EQ(done.err.find("gaps"), std::string::npos) << done.err;

    const Told told = told_by(done.out);
    expect_balance(told);
    EXPECT_EQ(told.sends.size(), count + past);
    EXPECT_EQ(told.sends_with("comm", "out"), count);
    EXPECT_EQ(told.sends_with("comm", "trafgen"), past);
    EXPECT_EQ(told.sends_with("outcome", "delivered"), count + past);
    EXPECT_EQ(told.sends_with("tapped", 1), count);
    EXPECT_EQ(told.frames_to("in"), count);
    EXPECT_EQ(told.frames_to("out"), count) << "UDP";
    EXPECT_EQ(told.capture.at("seen"), 3 * count);
    EXPECT_EQ(told.capture.at("untapped"), past);
    EXPECT_EQ(told.capture.at("lost").at("dropped"), 0);

    const Arguments not_trafgen{"not", "ether", "proto", "0x88b7"};
    const Arguments trafgen{"ether", "proto", "0x88b7"};
    EXPECT_EQ(frames_of(file("tcpdump.pcap")).size(), 3 * count);
    EXPECT_EQ(frames_of(file("all.pcapng"), not_trafgen), frames_of(file("tcpdump.pcap")));
    EXPECT_EQ(frames_of(file("all.pcapng"), trafgen).size(), past);
    EXPECT_EQ(frames_of(file("tcpdump.pcap"), trafgen).size(), 0U);

    const Completed report = sockray({"report", "--json", file("all.pcapng")});
    EXPECT_EQ(report.status, 0) << shown(report);
    EXPECT_EQ(report.err, "");
    const Told again = told_by(report.out);
    expect_balance(again);
    EXPECT_EQ(again.sends, told.sends);
    EXPECT_EQ(again.frames, told.frames);
    EXPECT_EQ(again.capture, told.capture);
    matrix_cell("captured",
                std::to_string(told.sends.size() + told.frames.size()) + "/" + std::to_string(3 * count + past));
}

// The device counts them while they leave: its counters are read when nothing is recorded any more.
TEST_F(Captures, of_a_process_that_ends_before_its_frames_have_left_hold_against_the_device) {
    const VethPair slow("vlate");
    slow.set_qdisc("tbf rate 400kbit burst 1600 limit 20000");
    const Told told = capture_of_process("vlate0", "--length 1000 --count 15", [] {});
    EXPECT_EQ(told.sends_with("outcome", "delivered"), 15U);
    const Json& device = told.summary.at("devices").at(0);
    EXPECT_EQ(device.at("tx_packets"), 15);
    for (const Json& held : device.at("held")) EXPECT_EQ(held.at("counted"), held.at("expected")) << held.dump();
}

// What was sent by UDP and what came in is no such send's.
TEST_F(Captures, of_a_name_a_process_or_an_outcome_tell_the_frames_of_these_sends_alone) {
    constexpr int count = 60;
    const Completed named = capture({"-i", "veth0", "--comm", "out", "--json", "-w", file("named.pcapng")},
                                    [&](Process&) { send_both_ways(count); });
    const Told by_name = told_by(named.out);
    expect_balance(by_name);
    EXPECT_EQ(by_name.sends_with("comm", "out"), count);
    EXPECT_EQ(by_name.sends.size(), count);
    EXPECT_TRUE(by_name.frames.empty());
    EXPECT_EQ(by_name.capture.at("seen"), 2 * count);
    EXPECT_EQ(by_name.capture.at("left_out"), count);
    EXPECT_EQ(frames_of(file("named.pcapng")).size(), count);

    const Told of_process =
        capture_of_process("veth0", "--count " + std::to_string(count), [&] { send("other", "--to veth0 --count 5"); });
    EXPECT_EQ(of_process.sends.size(), count);
    EXPECT_EQ(of_process.sends_with("comm", "one"), count);
    EXPECT_EQ(of_process.capture.at("left_out"), 5);

    const Completed failed = capture({"-i", "veth0", "--outcome", "failed", "--json"}, [&](Process&) {
        send("good", "--to veth0 --count 20");
        send("long", "--to veth0 --length 1515 --count 7");
    });
    const Told by_outcome = told_by(failed.out);
    expect_balance(by_outcome);
    EXPECT_EQ(by_outcome.sends_with("outcome", "failed"), 7U);
    EXPECT_EQ(by_outcome.sends.size(), 7U);
    EXPECT_EQ(by_outcome.capture.at("left_out"), 20);
    EXPECT_EQ(by_outcome.summary.at("left_out"), 20);
    EXPECT_EQ(by_outcome.summary.at("delivered"), 20) << "the sums are of all";
    const Json& device = by_outcome.summary.at("devices").at(0);
    EXPECT_EQ(device.at("tx_packets"), 20);
    for (const Json& held : device.at("held")) EXPECT_EQ(held.at("counted"), held.at("expected")) << held.dump();
}

TEST_F(Captures, in_another_network_namespace_are_of_its_interface) {
    RunOptions elsewhere;
    elsewhere.in_child = [] {
        if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
    };
    const Process holder({"sh", "-c",
                          "ip link set lo up; ip link add vns0 type veth peer name vns1; ip link set vns0 up; "
                          "ip link set vns1 up; exec sleep 600"},
                         elsewhere);
    const std::string process = std::to_string(holder.pid());
    for (int wait = 0;
         wait < 50 &&
         run({"sh", "-c", "nsenter -t " + process + " -n ip -o link show vns0 | grep -q LOWER_UP"}).status != 0;
         wait++)
        std::this_thread::sleep_for(milliseconds(100));
    const std::string command =
        "nsenter -t " + process + " -n " + sender_line(file("in"), "in", "--to vns0 --count 10");
    const Completed done =
        capture({"--netns", process, "-i", "vns0", "--json", "ether", "proto", "0x88b5"}, [&](Process&) {
            EXPECT_EQ(run({"sh", "-c", command}).status, 0);
        });
    const Told told = told_by(done.out);
    expect_balance(told);
    EXPECT_EQ(told.sends.size(), 10U) << shown(done);
    EXPECT_EQ(told.capture.at("ifname"), "vns0");
    const Completed missing = sockray({"capture", "--netns", "nosuch", "-i", "veth0"});
    EXPECT_EQ(missing.status, 2) << shown(missing);
    EXPECT_NE(missing.err.find("there is no network namespace 'nosuch'"), std::string::npos) << missing.err;
}

TEST_F(Captures, have_frames_that_a_qdisc_kept_and_those_that_it_dropped) {
    const VethPair slow("vslow");
    slow.set_qdisc("tbf rate 400kbit burst 1600 limit 20000");
    const Completed done = capture({"-i", "vslow0", "--json", "-w", file("slow.pcapng")}, [&](Process&) {
        send("out", "--to vslow0 --length 1000 --count 40");
        run({"sh", "-c", "until tc -s qdisc show dev vslow0 | grep -q 'backlog 0b 0p'; do sleep 0.1; done"});
    });
    const Told told = told_by(done.out);
    expect_balance(told);
    EXPECT_EQ(told.sends.size(), 40U);
    // A kprobe is skipped where the softirq that sends interrupts the program of another (docs/hooks.md).
    const std::size_t apart = told.frames.size();
    EXPECT_LE(apart, 5U);
    const std::string apart_words = apart == 1 ? "1 send and its frame are told apart"
                                               : std::to_string(apart) + " sends and their frames are told apart";
    EXPECT_EQ(done.err.find(apart_words) != std::string::npos, apart > 0) << done.err;
    const std::size_t failed = told.sends_with("outcome", "failed");
    EXPECT_GT(failed, 5U);
    EXPECT_EQ(told.sends_with("outcome", "delivered"), 40 - failed);
    EXPECT_EQ(told.sends_with("tapped", 1), 40 - failed - apart);
    EXPECT_EQ(told.capture.at("sent"), 40 - failed);
    EXPECT_EQ(told.capture.at("untapped"), failed);
    EXPECT_EQ(frames_of(file("slow.pcapng")).size(), 40U);
    const Completed words = run({"sh", "-c", "grep -ac 'outcome=failed' " + file("slow.pcapng")});
    EXPECT_GE(std::stoul("0" + words.out), 1U);
}

TEST_F(Captures, follow_as_many_frames_at_once_as_they_are_told_to) {
    const VethPair slow("vmany");
    slow.set_qdisc("netem delay 200ms");
    const auto unknown_with = [&](const char* in_flight) {
        const Told told = told_by(capture({"-i", "vmany0", "--json", "--in-flight", in_flight}, [&](Process&) {
                                      send("out", "--to vmany0 --count 12");
                                  }).out);
        expect_balance(told);
        EXPECT_EQ(told.sends.size(), 12U);
        EXPECT_EQ(told.summary.at("frames").at("map_full"), told.sends_with("outcome", "unknown"));
        return told.sends_with("outcome", "unknown");
    };
    EXPECT_GT(unknown_with("4"), 0U);
    EXPECT_EQ(unknown_with("64"), 0U);
}

TEST_F(Captures, tell_what_the_filter_selects_of_received_frames_and_of_sends) {
    const auto both = [&](Process&) {
        send_both_ways(20);
        send("past", "--to veth0 --bypass --count 10");
    };
    const Told packets =
        told_by(capture({"-i", "veth0", "--json", "ether", "proto", "0x88b5", "and", "outbound"}, both).out);
    expect_balance(packets);
    EXPECT_EQ(packets.sends_with("comm", "out"), 20U);
    EXPECT_EQ(packets.sends_with("comm", "past"), 10U);
    EXPECT_EQ(packets.sends.size(), 30U);
    EXPECT_TRUE(packets.frames.empty());
    EXPECT_EQ(packets.capture.at("seen"), 20);
    EXPECT_EQ(packets.capture.at("untapped"), 10);

    const Told udp = told_by(capture({"-i", "veth0", "--json", "udp"}, both).out);
    expect_balance(udp);
    EXPECT_TRUE(udp.sends.empty());
    EXPECT_EQ(udp.frames_to("out"), 20U);
    EXPECT_EQ(udp.frames.size(), 20U);
}

// While it is stopped nobody reads, and its ring is full after a while.
TEST_F(Captures, count_what_was_lost_and_write_parts_that_open_alone) {
    const Completed done =
        capture({"-i", "veth0", "--json", "--ring", "64K", "-w", file("part"), "-C", "1"}, [&](Process& process) {
            process.signal(SIGSTOP);
            send("out", "--to veth0 --length 1000 --count 1200");
            process.signal(SIGCONT);
            settle();
            send("out", "--to veth0 --length 1000 --count 800 --gap-us 1000");
        });
    const Told told = told_by(done.out);
    expect_balance(told);
    const std::uint64_t lost = told.capture.at("lost").at("dropped");
    EXPECT_GT(lost, 100U);
    EXPECT_EQ(told.capture.at("seen"), 2000);
    EXPECT_EQ(told.sends.size() + told.frames.size(), 2000U);
    EXPECT_EQ(told.capture.at("untapped"), lost);
    Arguments report{"report", "--json"};
    std::size_t frames = 0;
    std::size_t parts = 0;
    for (; parts < 20; parts++) {
        const std::string part = file("part") + (parts ? std::to_string(parts) : "");
        if (!std::filesystem::exists(part)) break;
        frames += frames_of(part).size();
        report.push_back(part);
    }
    EXPECT_GE(parts, 2U);
    EXPECT_EQ(frames, 2000U);
    const Completed whole = sockray(report);
    EXPECT_EQ(whole.err, "");
    EXPECT_EQ(told_by(whole.out).capture, told.capture);
}

TEST_F(Captures, go_on_without_the_story_where_it_is_not_allowed_and_say_so) {
    const std::string none = "without the story of their sends: ";
    for (const char* interface : {"veth0", "any"}) {
        const Completed done = capture({"-i", interface, "--json"}, [&](Process&) { send_both_ways(10); },
                                       {"setpriv", "--bounding-set", "-all,+net_raw,+dac_override"});
        EXPECT_NE(done.err.find(none), std::string::npos) << done.err;
        const Told told = told_by(done.out);
        EXPECT_TRUE(told.sends.empty());
        EXPECT_GE(told.frames.size(), 30U);
    }
}

}  // namespace
}  // namespace sockray::vm
