// What is selected by expression, network namespace and outcome, and that what is not leaves the sums whole.
#include <gtest/gtest.h>

#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Filter : public KernelTest {};

Arguments words(const Arguments& first, const Arguments& more) {
    Arguments all = first;
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::size_t frames_in(const std::string& file) {
    const Completed dump = run({"tcpdump", "-n", "-t", "-Z", "root", "-r", file});
    EXPECT_EQ(dump.status, 0) << shown(dump);
    std::istringstream lines(dump.out);
    std::size_t frames = 0;
    for (std::string line; std::getline(lines, line);)
        if (!line.empty() && line[0] != '\t') frames++;  // the bytes of what it does not know stand indented below
    return frames;
}

// The hooks that come and go in the least time, where it is the filter that is looked at.
Arguments quickly(const Arguments& how) {
    return words({"--backend", has_fprobe() ? "kprobe-multi" : "kprobe"}, how);
}

// 200 frames of 64 to 163 bytes, twice each: 128 of them are longer than 99 bytes.
Traced drive_sizes(const Arguments& how) {
    return drive(words({"-c", "200", "--size", "64-163", "len", ">", "99"}, how));
}

void expect_the_long_ones(const Traced& traced) {
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    EXPECT_EQ(recording.total("driven"), 200U);
    EXPECT_EQ(recording.total("attempted"), 128U);
    EXPECT_EQ(recording.total("filtered"), 72U);
    EXPECT_EQ(recording.total("filter_unjudged"), 0U);
    EXPECT_EQ(recording.total("delivered"), 128U);
    EXPECT_EQ(recording.total("correlated"), 128U);
    EXPECT_EQ(recording.all_lost(), 0U);
    std::vector<std::uint64_t> numbers;
    for (const SendLine& send : recording.sends) {
        EXPECT_GT(send.len, 99U);
        numbers.push_back(send.cookie.value_or(0));
    }
    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

TEST_F(Filter, by_length_selects_exactly_the_frames_that_match_by_every_way_to_send) {
    const std::vector<Arguments> ways = {{"--method", "sendto"},
                                         {"--method", "sendmmsg", "--batch", "7"},
                                         {"--method", "write"},
                                         {"--method", "ring-v1", "--batch", "9"},
                                         {"--method", "ring-v2", "--batch", "200"},
                                         {"--method", "ring-v3", "--batch", "16"},
                                         {"--method", "ring-v3", "--batch", "16", "--bypass"},
                                         {"--bypass"},
                                         {"--vnet-hdr"},
                                         {"--socket", "packet"},
                                         {"--stages", "full"},
                                         {"--stages", "full", "--method", "ring-v3"}};
    for (const Arguments& way : ways) {
        SCOPED_TRACE(way.front() + " " + way.back());
        expect_the_long_ones(drive_sizes(quickly(way)));
    }
}

TEST_F(Filter, by_length_selects_the_same_with_every_kind_of_hook) {
    for (const char* backend : {"kprobe", "kprobe-multi", "fentry"}) {
        SCOPED_TRACE(backend);
        if (backend == std::string("kprobe-multi") && !has_fprobe()) continue;  // CONFIG_FPROBE: backends_test.cpp
        expect_the_long_ones(drive_sizes({"--backend", backend}));
        expect_the_long_ones(drive_sizes({"--backend", backend, "--method", "ring-v2"}));
    }
}

std::uint64_t matched(const Arguments& expression, const Arguments& frames) {
    const Traced traced = drive(quickly(words(words({"-c", "20"}, frames), expression)));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("attempted") + traced.recording.total("filtered"), 20U) << shown(traced.run);
    EXPECT_EQ(traced.recording.total("filter_unjudged"), 0U);
    return traced.recording.total("attempted");
}

TEST_F(Filter, by_what_is_in_the_headers_selects_all_or_none) {
    const Arguments udp{"--frame", "udp", "--dst", "198.51.100.7", "--dport", "5000"};
    const Arguments ring{"--frame", "udp", "--dst", "198.51.100.7", "--dport", "5000", "--method", "ring-v3"};
    const Arguments dgram_ring = words(ring, {"--socket", "dgram"});
    for (const Arguments& frames : {udp, ring, dgram_ring, words(udp, {"--socket", "dgram"})}) {
        SCOPED_TRACE(frames.back());
        EXPECT_EQ(matched({"udp", "dst", "port", "5000"}, frames), 20U);
        EXPECT_EQ(matched({"udp dst port 5001"}, frames), 0U);
        EXPECT_EQ(matched({"host 198.51.100.7 and ether[12:4] = 0x08004500"}, frames), 20U);
        EXPECT_EQ(matched({"net 203.0.113.0/24"}, frames), 0U);
    }
    EXPECT_EQ(matched({"vlan 7 and udp port 5000"}, words(udp, {"--vlan", "7"})), 20U);
    EXPECT_EQ(matched({"vlan 8"}, words(udp, {"--vlan", "7"})), 0U);
    EXPECT_EQ(matched({"arp"}, {"--frame", "arp"}), 20U);
    EXPECT_EQ(matched({"not arp"}, {"--frame", "arp", "--bypass"}), 0U);
}

// Both ends with the same expression: what sockray recorded of the sends, and what tcpdump took of what came out.
TEST_F(Filter, selects_what_tcpdump_with_the_same_expression_takes_on_the_other_end) {
    if (const std::string missing = missing_tool({"tcpdump"}); !missing.empty())
        GTEST_SKIP() << missing << " is not in this guest";
    const Arguments udp{"--frame", "udp", "--dst", "198.51.100.7", "--dport", "5000"};
    struct Case {
        std::string expression;
        Arguments how;
        std::size_t matching;
    };
    // Each frame has the number of its send, least byte first, behind eight other bytes of its payload.
    const Case cases[] = {{"ether[22] & 1 = 1", {}, 100},
                          {"ether[22] & 1 = 1", {"--method", "sendmmsg", "--batch", "7"}, 100},
                          {"udp[16] & 3 = 2", words(udp, {"--method", "ring-v3", "--batch", "16"}), 50},
                          {"udp[16] & 3 = 2 or port 5001", words(udp, {"--socket", "dgram"}), 50},
                          {"udp[16] & 3 = 2", words(udp, {"--socket", "dgram", "--method", "ring-v3"}), 50},
                          {"vlan 7 and udp[16] & 1 = 1", words(udp, {"--vlan", "7"}), 100},
                          {"dst host 198.51.100.7 and udp[16] & 1 = 0", words(udp, {"--bypass"}), 100}};
    const std::string received = scratch("filter-tcpdump") + "/received.pcap";
    const std::string recorded = scratch("filter-recorded") + "/recorded.pcapng";
    for (const Case& one : cases) {
        SCOPED_TRACE(one.expression + (one.how.empty() ? "" : " " + one.how.back()));
        Process tcpdump(
            {"tcpdump", "-i", "veth1", "-Q", "in", "-B", "8192", "-U", "-Z", "root", "-w", received, one.expression});
        ASSERT_TRUE(tcpdump.wait_for_err("listening"));
        const Traced traced = drive(words({"-c", "200", "-w", recorded, one.expression}, one.how));
        std::this_thread::sleep_for(std::chrono::seconds(1));
        tcpdump.signal(SIGINT);
        tcpdump.finish();
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("attempted"), one.matching) << shown(traced.run);
        EXPECT_EQ(traced.recording.total("filtered"), 200 - one.matching);
        EXPECT_EQ(traced.recording.total("correlated"), one.matching);
        EXPECT_EQ(traced.recording.total("filter_no_frame"), 0U);
        EXPECT_EQ(frames_in(recorded), one.matching);
        EXPECT_EQ(frames_in(received), one.matching);
    }
}

TEST_F(Filter, follows_no_frame_that_does_not_match) {
    const VethPair slow("vslow");
    slow.set_qdisc("tbf rate 1mbit burst 1600 limit 100000");
    const std::string report = scratch("filter-slow") + "/report";
    const Traced traced =
        trace_command({"--stages", "full", "len", "<", "500"},
                      {"sh", "-c", sender_line(report, "long", "--to vslow0 --length 1000 --count 20")});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("attempted"), 0U);
    EXPECT_EQ(traced.recording.total("filtered"), 20U);
    EXPECT_EQ(traced.recording.summary->at("frames").at("seen"), 0U);
    EXPECT_NE(traced.run.err.find("len < 500"), std::string::npos) << traced.run.err;
}

TEST_F(Filter, keeps_a_send_that_never_became_a_frame) {
    const VethPair down("vdown", false, false);
    const std::string report = scratch("filter-mixed") + "/report";
    const std::string script = sender_line(report, "short", "--to veth0 --length 60 --count 5") + "\n" +
                               sender_line(report, "long", "--to veth0 --length 200 --count 7") + "\n" +
                               sender_line(report, "toolong", "--to veth0 --length 1515 --count 2") + "\n" +
                               sender_line(report, "down", "--to vdown0 --length 60 --count 3") + "\n" +
                               sender_line(report, "many", "--to veth0 --method sendmmsg --batch 4 --length 60") +
                               "\n" + sender_line(report, "ring", "--bind veth0 --method ring --batch 6 --length 60") +
                               "\n";
    const Traced traced = trace_command({"greater", "100"}, {"sh", "-c", script});
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.sends_of("short").size(), 0U);
    EXPECT_EQ(recording.sends_of("many").size(), 0U);
    EXPECT_EQ(recording.sends_of("ring").size(), 0U);
    EXPECT_EQ(recording.sends_of("long").size(), 7U);
    EXPECT_EQ(recording.sends_of("toolong").size(), 2U);
    EXPECT_EQ(recording.sends_of("down").size(), 3U);
    EXPECT_EQ(recording.total("attempted"), 12U);
    EXPECT_EQ(recording.total("filtered"), 5U + 4U + 6U);
    EXPECT_EQ(recording.total("delivered"), 7U);
    EXPECT_EQ(recording.total("failed"), 5U);
    EXPECT_EQ(recording.total("filter_no_frame"), 5U);
    EXPECT_EQ(recording.sockets.size(), 6U) << "sockets have no frames: they are all shown";
}

// Of a frame that spans pages the header and the first fragment are in reach, on arm64 only the header.
TEST_F(Filter, keeps_and_counts_a_frame_that_it_cannot_read) {
    const std::string report = scratch("filter-jumbo") + "/report";
    const Arguments jumbo{"sh", "-c", sender_line(report, "jumbo", "--to lo --length 9000 --count 3")};
    const Traced unread = trace_command({"ether[8900] = 1"}, jumbo);
    expect_sound(unread);
    EXPECT_EQ(unread.recording.total("attempted"), 3U);
    EXPECT_EQ(unread.recording.total("filter_unjudged"), 3U);
    const Traced header = trace_command({"ether proto 0x88b5"}, jumbo);
    EXPECT_EQ(header.recording.total("attempted"), 3U);
    EXPECT_EQ(header.recording.total("filter_unjudged"), 0U);
    const Traced other = trace_command({"arp"}, jumbo);
    EXPECT_EQ(other.recording.total("attempted"), 0U);
    EXPECT_EQ(other.recording.total("filtered"), 3U);
}

TEST_F(Filter, by_network_namespace_shows_only_the_sends_and_sockets_in_it) {
    const std::string report = scratch("filter-netns") + "/report";
    const std::string script = sender_line(report, "here", "--to veth0 --count 3") + "\n" +
                               sender_line(report, "there", "--new-netns --to lo --count 4") + "\n";
    const std::string own = "/proc/" + std::to_string(::getpid()) + "/ns/net";
    struct stat status {};
    ASSERT_EQ(::stat(own.c_str(), &status), 0);
    for (const std::string& netns : {own, std::to_string(::getpid()), std::to_string(status.st_ino)}) {
        const Traced traced = trace_command({"--netns", netns}, {"sh", "-c", script});
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("attempted"), 3U);
        EXPECT_EQ(traced.recording.sends_of("here").size(), 3U);
        EXPECT_EQ(traced.recording.sockets_of("here").size(), 1U);
        EXPECT_EQ(traced.recording.sockets_of("there").size(), 0U);
    }
    EXPECT_EQ(trace_command({}, {"sh", "-c", script}).recording.total("attempted"), 7U);
    const Traced both = trace_command({"--netns", own, "arp"}, {"sh", "-c", script});
    EXPECT_EQ(both.recording.total("attempted"), 0U);
    EXPECT_EQ(both.recording.total("filtered"), 3U);
}

TEST_F(Filter, by_outcome_shows_and_records_only_those_and_the_ledger_covers_all) {
    const std::string folder = scratch("filter-outcome");
    const std::string report = folder + "/report";
    const std::string recorded = folder + "/recorded.pcapng";
    const std::string script = sender_line(report, "good", "--to veth0 --count 6") + "\n" +
                               sender_line(report, "bad", "--to veth0 --length 1515 --count 2") + "\n";
    const Traced traced = trace_command({"--outcome", "failed,dropped", "-w", recorded}, {"sh", "-c", script});
    ASSERT_TRUE(traced.recording.summary) << shown(traced.run);
    EXPECT_EQ(imbalance(traced.recording), "");
    EXPECT_EQ(traced.recording.sends.size(), 2U);
    EXPECT_EQ(traced.recording.sends_of("bad").size(), 2U);
    EXPECT_EQ(traced.recording.total("attempted"), 8U);
    EXPECT_EQ(traced.recording.total("delivered"), 6U);
    EXPECT_EQ(traced.recording.total("shown"), 2U);
    EXPECT_EQ(traced.recording.total("left_out"), 6U);
    const Traced replayed = read_back(sockray({"report", "--json", recorded}));
    EXPECT_EQ(imbalance(replayed.recording), "");
    EXPECT_EQ(replayed.recording.sends.size(), 2U);
    EXPECT_EQ(replayed.recording.total("delivered"), 6U);
    EXPECT_EQ(replayed.recording.total("left_out"), 6U);
    EXPECT_NE(replayed.run.err.find("of the session's 8 sends 2 were recorded"), std::string::npos) << replayed.run.err;
    const Traced first = trace_command({"--outcome", "failed", "-c", "1"}, {"sh", "-c", script});
    EXPECT_EQ(first.recording.sends.size(), 1U);
    EXPECT_EQ(first.recording.sends_of("bad").size(), 1U);
}

TEST_F(Filter, says_in_the_ledger_how_many_did_not_match) {
    const Completed done = sockray({"run", "-i", "veth0", "-c", "50", "--frame", "udp", "arp"});
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(done.out.find("50 more sends were seen whose frame did not match"), std::string::npos) << shown(done);
    EXPECT_NE(done.err.find("none of 50 sends matched the filter"), std::string::npos) << shown(done);
}

}  // namespace
}  // namespace sockray::vm
