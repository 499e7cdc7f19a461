// sockray run: what it drove, what it traced and what the device counted are the same sends.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Run : public KernelTest {};

// 100,000 sends, once, with the device's own count of them.
struct BigRun {
    Traced traced;
    std::uint64_t device_sent = 0;
};

constexpr std::uint64_t many = 100'000;

const BigRun& big_run() {
    static const BigRun once = [] {
        RunOptions options;
        options.timeout = Seconds(240);
        const std::uint64_t before = device_count("veth0").tx_packets;
        BigRun run{drive({"-c", std::to_string(many)}, options), 0};
        run.device_sent = device_count("veth0").tx_packets - before;
        return run;
    }();
    return once;
}

TEST_F(Run, of_100000_sends_drives_attempts_and_correlates_every_one) {
    const Recording& recording = big_run().traced.recording;
    expect_sound(big_run().traced);
    EXPECT_EQ(big_run().traced.run.status, 0) << shown(big_run().traced.run);
    EXPECT_EQ(recording.total("driven"), many);
    EXPECT_EQ(recording.total("attempted"), many);
    EXPECT_EQ(recording.total("correlated"), many);
}

TEST_F(Run, of_100000_sends_delivers_as_many_as_the_device_counts) {
    EXPECT_EQ(big_run().traced.recording.total("delivered"), many);
    EXPECT_EQ(big_run().device_sent, many);
}

TEST_F(Run, of_100000_sends_loses_none) {
    const Recording& recording = big_run().traced.recording;
    ASSERT_TRUE(recording.summary);
    for (const char* cause : {"no_room", "missed", "map_full", "rejected"})
        EXPECT_EQ(recording.lost(cause), 0U) << cause;
    EXPECT_EQ(recording.total("partial"), 0U);
}

TEST_F(Run, of_100000_sends_reads_the_number_of_each_back_from_its_frame_exactly_once) {
    std::vector<bool> seen(many + 1);
    for (const SendLine& send : big_run().traced.recording.sends) {
        ASSERT_TRUE(send.cookie) << "send " << send.id;
        ASSERT_GE(*send.cookie, 1U);
        ASSERT_LE(*send.cookie, many);
        ASSERT_FALSE(seen[*send.cookie]) << *send.cookie << " came twice";
        seen[*send.cookie] = true;
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<std::ptrdiff_t>(many));
}

TEST_F(Run, S5_of_100000_sends_hits_packet_snd_between_packet_sendmsg_and_the_allocation_every_time) {
    EXPECT_EQ(big_run().traced.recording.sends.size(), many);
    for (const SendLine& send : big_run().traced.recording.sends) {
        const StageTimes* outer = send.stage("packet_sendmsg");
        const StageTimes* body = send.stage("packet_snd");
        const StageTimes* next = send.stage("sock_alloc_send_pskb");
        ASSERT_TRUE(outer && body && next) << "send " << send.id;
        ASSERT_EQ(body->evidence, "located") << "send " << send.id;
        ASSERT_LE(outer->start, body->start) << "send " << send.id;
        ASSERT_LE(body->start, next->start) << "send " << send.id;
    }
}

TEST_F(Run, of_100000_sends_nests_all_stages_in_time) {
    for (const SendLine& send : big_run().traced.recording.sends)
        ASSERT_EQ(nesting_error(send), "") << "send " << send.id;
}

TEST_F(Run, of_100000_sends_shows_those_of_a_thread_in_the_order_of_time) {
    std::map<std::uint64_t, std::uint64_t> last;
    for (const SendLine& send : big_run().traced.recording.sends) {
        ASSERT_GT(send.ts, last[send.tid]) << "send " << send.id;
        last[send.tid] = send.ts;
    }
}

TEST_F(Run, of_100000_sends_in_text_says_driven_correlated_and_delivered_100000_and_lost_0) {
    const std::uint64_t before = device_count("veth0").tx_packets;
    const Completed done = sockray({"run", "-i", "veth0", "-c", "100000"});
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_EQ(device_count("veth0").tx_packets - before, many);
    for (const char* words :
         {"seen 100000 = decoded 100000 + lost 0", "driven 100000, correlated 100000\n",
          "veth0 counted tx_packets +100000 = delivered 100000\n",
          "located packet_snd: 100000 of 100000 hits lie between packet_sendmsg and sock_alloc_send_pskb"})
        EXPECT_NE(done.out.find(words), std::string::npos) << words << "\n" << done.out;
}

TEST_F(Run, on_SOCK_DGRAM_sends_the_frame_without_its_header) {
    const Traced traced = drive({"-c", "200", "--socket", "dgram", "--size", "100"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 200U);
    EXPECT_EQ(traced.recording.total("correlated"), 200U);
    EXPECT_EQ(traced.recording.sockets.at(0).value("sock_type", -1), SOCK_DGRAM);
    for (const SendLine& send : traced.recording.sends) ASSERT_EQ(send.len, 86U);
}

TEST_F(Run, with_method_send_at_a_rate_takes_as_long_as_the_rate_says) {
    constexpr double rate = 150;
    const Traced traced = drive({"-c", "300", "--method", "send", "--rate", "150", "--size", "1514"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("correlated"), 300U);
    ASSERT_EQ(traced.recording.sends.size(), 300U);
    for (const SendLine& send : traced.recording.sends) {
        ASSERT_EQ(send.entry, "send");
        ASSERT_EQ(send.len, 1514U);
    }
    const double seconds =
        static_cast<double>(traced.recording.sends.back().ts - traced.recording.sends.front().ts) / 1e9;
    EXPECT_NEAR(seconds, 299 / rate, 0.1 * 299 / rate);
}

TEST_F(Run, with_method_sendmsg_from_two_threads_correlates_each_by_number_and_thread) {
    const Traced traced = drive({"-c", "1001", "--method", "sendmsg", "--threads", "2", "--size", "30"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("driven"), 1001U);
    EXPECT_EQ(traced.recording.total("correlated"), 1001U);
    EXPECT_EQ(traced.recording.sockets.size(), 2U);
    std::set<std::uint64_t> threads;
    std::set<std::uint64_t> numbers;
    for (const SendLine& send : traced.recording.sends) {
        ASSERT_EQ(send.entry, "sendmsg");
        threads.insert(send.tid);
        numbers.insert(send.cookie.value_or(0));
    }
    EXPECT_EQ(threads.size(), 2U);
    EXPECT_EQ(numbers.size(), 1001U);
    EXPECT_EQ(*numbers.rbegin(), 1001U);
}

// The text of a run, once.
const Completed& text_run() {
    static const Completed once = sockray({"run", "-i", "veth0", "-c", "100"});
    return once;
}

TEST_F(Run, in_text_shows_socket_chain_and_ledger_in_this_order) {
    const std::string& text = text_run().out;
    EXPECT_EQ(text_run().status, 0) << shown(text_run());
    const std::size_t socket = text.find("SOCKET");
    const std::size_t chain = text.find("CHAIN");
    const std::size_t ledger = text.find("LEDGER");
    ASSERT_NE(ledger, std::string::npos) << text;
    EXPECT_LT(socket, chain);
    EXPECT_LT(chain, ledger);
    EXPECT_NE(text.find("driven 100, correlated 100"), std::string::npos) << text;
    EXPECT_NE(text.find("veth0 counted tx_packets +100 = delivered 100"), std::string::npos) << text;
}

TEST_F(Run, in_text_shows_every_stage_of_a_sendto_from_the_system_call_to_the_driver) {
    std::size_t at = text_run().out.find("CHAIN");
    for (const char* stage : {"__sys_sendto", "sockfd_lookup_light", "__sock_sendmsg", "packet_sendmsg", "packet_snd",
                              "sock_alloc_send_pskb", "__dev_queue_xmit", "dev_hard_start_xmit"}) {
        const std::size_t found = text_run().out.find(stage, at);
        ASSERT_NE(found, std::string::npos) << stage << " is not there or out of order\n" << text_run().out;
        at = found;
    }
}

TEST_F(Run, in_text_C3_says_that_net_families_is_derived_and_who_registered_it) {
    const std::string& text = text_run().out;
    const std::size_t line = text.find("net_families[17] = packet_family_ops");
    ASSERT_NE(line, std::string::npos) << text;
    EXPECT_NE(text.substr(line, text.find('\n', line) - line).find("derived"), std::string::npos) << text;
    EXPECT_NE(text.find("sock_register", line), std::string::npos) << text;
}

TEST_F(Run, into_a_pipe_writes_no_escape_codes) {
    EXPECT_EQ(control_character(text_run().out), 0) << text_run().out;
    EXPECT_EQ(control_character(text_run().err), 0) << text_run().err;
}

TEST_F(Run, through_lo_delivers_too) {
    const Traced traced = read_back(sockray({"run", "-i", "lo", "--json", "-c", "50"}));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 50U);
    EXPECT_EQ(traced.recording.total("correlated"), 50U);
}

}  // namespace
}  // namespace sockray::vm
