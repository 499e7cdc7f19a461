// What is selected by expression, network namespace and outcome, and that what is not leaves the sums whole.
#include <gtest/gtest.h>

#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <set>
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

// `growing`: it may end within a frame.
std::size_t frames_in(const std::string& file, bool growing = false) {
    const Completed dump = run({"tcpdump", "-n", "-t", "-Z", "root", "-r", file});
    EXPECT_TRUE(growing || dump.status == 0) << shown(dump);
    std::istringstream lines(dump.out);
    std::size_t frames = 0;
    for (std::string line; std::getline(lines, line);)
        if (!line.empty() && line[0] != '\t') frames++;  // the bytes of what it does not know stand indented below
    return frames;
}

Arguments quickly(const Arguments& how) {
    return words(quick_hooks(), how);
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

TEST_F(Filter, by_length_finds_each_send_of_a_run_again_that_matches_and_no_other) {
    const std::vector<Arguments> ways = {{"--method", "sendmmsg", "--batch", "7"},
                                         {"--method", "ring-v1", "--batch", "9"},
                                         {"--method", "ring-v3", "--batch", "16", "--bypass"}};
    for (const Arguments& way : ways) {
        SCOPED_TRACE(way[1]);
        expect_the_long_ones(drive_sizes(quickly(way)));
    }
}

// Of the ways to send: many calls of one frame, or one of many.
std::string calls(const std::string& words) {
    return (words.find("--batch") == std::string::npos ? "--count 5 " : "") + words;
}

// One way to send, by frames of 100 bytes and of 99.
struct Way {
    const char* name;
    const char* words;
    std::size_t frames = 5;
    std::size_t beside = 0;  // bytes of the call that are not of the frame
    std::size_t header = 0;  // bytes of the frame that are not of the call
};

constexpr Way all_ways[] = {{"sendto", "--to veth0"},
                            {"send", "--bind veth0 --method send"},
                            {"sendmsg", "--to veth0 --method sendmsg"},
                            {"sendmmsg", "--to veth0 --method sendmmsg --batch 7", 7},
                            {"write", "--bind veth0 --method write"},
                            {"writev", "--bind veth0 --method writev"},
                            {"sendfile", "--bind veth0 --method sendfile"},
                            {"ring", "--bind veth0 --method ring --batch 9", 9},
                            {"ring_past", "--bind veth0 --method ring --batch 9 --count 1 --bypass", 9},
                            {"ring_whole", "--to veth0 --method ring --batch 200", 200},
                            {"past", "--to veth0 --bypass"},
                            {"vnet", "--to veth0 --vnet 00000000000000000000", 5, 10},
                            {"packet", "--type packet --to veth0"},
                            {"dgram", "--type dgram --to veth0", 5, 0, 14}};

// All of them in one trace.
void expect_the_long_ones_by_every_way(const Arguments& how) {
    const std::string report = scratch("filter-ways") + "/report";
    std::string script;
    std::size_t frames = 0;
    for (const Way& way : all_ways) {
        frames += way.frames;
        for (const std::size_t length : {std::size_t{99}, std::size_t{100}})
            script += sender_line(report, (length == 100 ? "l_" : "s_") + std::string(way.name),
                                  "--length " + std::to_string(length - way.header) + " " + calls(way.words)) +
                      "\n";
    }
    const Traced traced = trace_command(words(how, {"len > 99"}), {"sh", "-c", script});
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("attempted"), frames);
    EXPECT_EQ(recording.total("delivered"), frames);
    EXPECT_EQ(recording.total("filtered"), frames);
    EXPECT_EQ(recording.total("filter_unjudged"), 0U);
    EXPECT_EQ(recording.total("filter_no_frame"), 0U);
    EXPECT_EQ(recording.all_lost(), 0U);
    for (const Way& way : all_ways) {
        const auto sends = recording.sends_of(std::string("l_") + way.name);
        EXPECT_EQ(sends.size(), way.frames) << way.name;
        for (const SendLine& send : sends) EXPECT_EQ(send.len, 100 + way.beside - way.header) << way.name;
    }
}

TEST_F(Filter, by_length_selects_exactly_the_frames_that_match_by_every_way_to_send_with_every_kind_of_hook) {
    for (const char* backend : {"kprobe", "kprobe-multi", "fentry"}) {
        SCOPED_TRACE(backend);
        if (backend == std::string("kprobe-multi") && !has_fprobe()) continue;  // CONFIG_FPROBE: backends_test.cpp
        expect_the_long_ones_by_every_way({"--backend", backend});
    }
}

TEST_F(Filter, by_length_selects_exactly_the_frames_that_match_with_full_stages) {
    expect_the_long_ones_by_every_way(quickly({"--stages", "full"}));
}

TEST_F(Filter, by_what_is_in_the_headers_selects_the_frames_that_have_it) {
    // IPv4 and UDP, from 10.0.0.1.
    const auto datagram = [](const std::string& destination, const std::string& port) {
        return "4500002000000000401100000a000001" + destination + "1000" + port + "000c0000";
    };
    const std::string udp = " --bytes " + datagram("c6336407", "1388");  // 198.51.100.7, port 5000
    const std::string ip = "--ethertype 0x0800" + udp;
    const std::string arp = "--ethertype 0x0806 --bytes 0001080006040001 --to veth0";
    const std::map<std::string, std::string> senders{
        {"raw", ip + " --to veth0"},
        {"ring", ip + " --bind veth0 --method ring --batch 5"},
        {"dgram", ip + " --type dgram --length 46 --to veth0"},
        {"dgram_ring", ip + " --type dgram --length 46 --to veth0 --method ring --batch 5"},
        {"elsewhere", "--ethertype 0x0800 --to veth0 --bytes " + datagram("cb007109", "1389")},  // 203.0.113.9, 5001
        {"vlan7", "--ethertype 0x8100 --to veth0 --bytes 00070800" + datagram("c6336407", "1388")},
        {"vlan8", "--ethertype 0x8100 --to veth0 --bytes 00080800" + datagram("c6336407", "1388")},
        {"arp", arp},
        {"arp_past", arp + " --bypass"}};
    const std::string report = scratch("filter-headers") + "/report";
    std::string script;
    for (const auto& [name, options] : senders) script += sender_line(report, name, calls(options)) + "\n";
    const std::set<std::string> to_5000{"raw", "ring", "dgram", "dgram_ring"};
    const std::pair<const char*, std::set<std::string>> cases[] = {
        {"udp dst port 5000", to_5000},
        {"host 198.51.100.7 and ether[12:4] = 0x08004500", to_5000},
        {"net 203.0.113.0/24", {"elsewhere"}},
        {"vlan 7 and udp port 5000", {"vlan7"}},
        {"not arp", {"raw", "ring", "dgram", "dgram_ring", "elsewhere", "vlan7", "vlan8"}}};
    for (const auto& [expression, selected] : cases) {
        SCOPED_TRACE(expression);
        const Traced traced = trace_command(quickly({expression}), {"sh", "-c", script});
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("filter_unjudged"), 0U);
        EXPECT_EQ(traced.recording.total("attempted"), 5 * selected.size());
        EXPECT_EQ(traced.recording.total("filtered"), 5 * (senders.size() - selected.size()));
        for (const auto& [name, options] : senders)
            EXPECT_EQ(traced.recording.sends_of(name).size(), selected.contains(name) ? 5U : 0U) << name;
    }
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
    const Case cases[] = {{"ether[22] & 1 = 1", {"--method", "sendmmsg", "--batch", "7"}, 100},
                          {"udp[16] & 3 = 2 or port 5001", words(udp, {"--method", "ring-v3", "--batch", "16"}), 50},
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
        const Traced traced = drive(quickly(words({"-c", "200", "-w", recorded, one.expression}, one.how)));
        // Its buffer is handed over when it is full or a second is over.
        for (int i = 0; i < 100 && frames_in(received, true) < one.matching; i++)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
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
        trace_command(quickly({"--stages", "full", "len", "<", "500"}),
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
    const Traced traced = trace_command(quickly({"greater", "100"}), {"sh", "-c", script});
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
    const Traced unread = trace_command(quickly({"ether[8900] = 1"}), jumbo);
    expect_sound(unread);
    EXPECT_EQ(unread.recording.total("attempted"), 3U);
    EXPECT_EQ(unread.recording.total("filter_unjudged"), 3U);
    const Traced header = trace_command(quickly({"arp"}), jumbo);
    EXPECT_EQ(header.recording.total("attempted"), 0U);
    EXPECT_EQ(header.recording.total("filtered"), 3U);
    EXPECT_EQ(header.recording.total("filter_unjudged"), 0U);
}

TEST_F(Filter, by_network_namespace_shows_only_the_sends_and_sockets_in_it) {
    const std::string report = scratch("filter-netns") + "/report";
    const std::string script = sender_line(report, "here", "--to veth0 --count 3") + "\n" +
                               sender_line(report, "there", "--new-netns --to lo --count 4") + "\n";
    const std::string own = "/proc/" + std::to_string(::getpid()) + "/ns/net";
    struct stat status {};
    ASSERT_EQ(::stat(own.c_str(), &status), 0);
    for (const std::string& netns : {own, std::to_string(::getpid())}) {
        const Traced traced = trace_command(quickly({"--netns", netns}), {"sh", "-c", script});
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("attempted"), 3U);
        EXPECT_EQ(traced.recording.sends_of("here").size(), 3U);
        EXPECT_EQ(traced.recording.sockets_of("here").size(), 1U);
        EXPECT_EQ(traced.recording.sockets_of("there").size(), 0U);
    }
    EXPECT_EQ(answers_of(read_answers(report), "there").size(), 2 * 4U);
    const Traced both = trace_command(quickly({"--netns", std::to_string(status.st_ino), "arp"}), {"sh", "-c", script});
    EXPECT_EQ(both.recording.total("attempted"), 0U);
    EXPECT_EQ(both.recording.total("filtered"), 3U);
}

TEST_F(Filter, by_outcome_shows_and_records_only_those_and_the_ledger_covers_all) {
    const std::string folder = scratch("filter-outcome");
    const std::string report = folder + "/report";
    const std::string recorded = folder + "/recorded.pcapng";
    const std::string script = sender_line(report, "good", "--to veth0 --count 6") + "\n" +
                               sender_line(report, "bad", "--to veth0 --length 1515 --count 2") + "\n";
    const Traced traced = trace_command(quickly({"--outcome", "failed,dropped", "-w", recorded}), {"sh", "-c", script});
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
    const Traced first = trace_command(quickly({"--outcome", "failed", "-c", "1"}), {"sh", "-c", script});
    EXPECT_EQ(first.recording.sends.size(), 1U);
    EXPECT_EQ(first.recording.sends_of("bad").size(), 1U);
}

TEST_F(Filter, says_in_the_ledger_how_many_did_not_match) {
    const Completed done =
        sockray(words({"run", "-i", "veth0", "-c", "50", "--no-calibrate"}, quickly({"--frame", "udp", "arp"})));
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(done.out.find("50 more sends were seen whose frame did not match"), std::string::npos) << shown(done);
    EXPECT_NE(done.err.find("none of 50 sends matched the filter"), std::string::npos) << shown(done);
}

}  // namespace
}  // namespace sockray::vm
