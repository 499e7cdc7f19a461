// sockray run: what it drove, what it traced and what the device counted are the same sends.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
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

// What was driven, and what of it was found again in the kernel's own account.
std::string counts(const Traced& traced) {
    return std::to_string(traced.recording.total("correlated")) + "/" +
           std::to_string(traced.recording.total("driven"));
}

const BigRun& big_run() {
    static const BigRun once = [] {
        const std::uint64_t before = device_count("veth0").tx_packets;
        BigRun run{drive({"-c", std::to_string(many)}), 0};
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
    EXPECT_EQ(recording.summary->at("partial_by_stage"), Json::object());
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
    const std::size_t number = done.out.find("correlated ") + std::strlen("correlated ");
    const std::string found = done.out.substr(std::min(number, done.out.size()));
    matrix_cell("run_of_100000", found.substr(0, found.find('\n')) + "/100000");
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
    matrix_cell("run_send_at_a_rate", counts(traced));
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
    matrix_cell("run_sendmsg_2_threads", counts(traced));
}

// ---- the ways to send

// A run's sends by one way, each delivered and each found again; `entry` is the name that sockray gives to it, `way`
// that of the way in the table of kernels.
Traced expect_all_found(const std::string& way, const Arguments& words, std::uint64_t count, const std::string& entry) {
    SCOPED_TRACE(way);
    Arguments options = quick_hooks();
    options.insert(options.end(), {"-c", std::to_string(count)});
    options.insert(options.end(), words.begin(), words.end());
    const std::uint64_t before = device_count("veth0").tx_packets;
    const Traced traced = drive(options);
    expect_sound(traced);
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    EXPECT_EQ(device_count("veth0").tx_packets - before, count);
    EXPECT_EQ(traced.recording.total("driven"), count);
    EXPECT_EQ(traced.recording.total("correlated"), count);
    EXPECT_EQ(traced.recording.total("delivered"), count);
    std::set<std::uint64_t> numbers;
    for (const SendLine& send : traced.recording.sends) {
        EXPECT_EQ(send.entry, entry);
        numbers.insert(send.cookie.value_or(0));
    }
    EXPECT_EQ(numbers.size(), count);
    EXPECT_FALSE(numbers.contains(0));
    matrix_cell("run_" + way, counts(traced));
    return traced;
}

TEST_F(Run, by_each_call_finds_every_send_again) {
    for (const char* call : {"sendto", "send", "sendmsg", "writev"})
        expect_all_found(call, {"--method", call}, 200, call);
}

TEST_F(Run, by_sendmmsg_and_write_finds_every_send_again) {
    for (const char* call : {"sendmmsg", "write"}) expect_all_found(call, {"--method", call}, 200, call);
}

TEST_F(Run, by_each_call_that_SOCK_DGRAM_and_SOCK_PACKET_can_finds_every_send_again) {
    for (const std::string socket : {"dgram", "packet"})
        for (const char* call : {"sendto", "sendmsg", "sendmmsg"})
            expect_all_found(socket + "_" + call, {"--method", call, "--socket", socket}, 100, call);
}

TEST_F(Run, past_the_qdisc_goes_through___dev_direct_xmit) {
    for (const std::string call : {"sendmmsg", "write"}) {
        const Traced traced = expect_all_found("bypass_" + call, {"--method", call, "--bypass"}, 100, call);
        for (const SendLine& send : traced.recording.sends) {
            EXPECT_TRUE(send.stage("__dev_direct_xmit"));
            EXPECT_FALSE(send.stage("__dev_queue_xmit"));
        }
    }
}

TEST_F(Run, with_a_virtio_net_hdr_counts_its_ten_bytes_in_the_call_and_not_in_the_frame) {
    const Traced traced = expect_all_found("vnet_hdr_sendto", {"--vnet-hdr", "--size", "100"}, 100, "sendto");
    for (const SendLine& send : traced.recording.sends) EXPECT_EQ(send.len, 110U);
    expect_all_found("vnet_hdr_bypass", {"--method", "writev", "--vnet-hdr", "--bypass"}, 100, "writev");
}

TEST_F(Run, by_sendmmsg_of_a_thousand_from_several_threads_finds_every_send_again) {
    expect_all_found("sendmmsg_threads", {"--method", "sendmmsg", "--threads", "3", "--batch", "1000"}, 5000,
                     "sendmmsg");
}

TEST_F(Run, on_a_TX_ring_has_one_send_a_frame_and_finds_every_one_again) {
    // The layout of a frame's header and what is done with the frame know nothing of each other.
    expect_all_found("ring-v1_bypass", {"--method", "ring-v1", "--bypass", "--batch", "7"}, 200, "send");
    expect_all_found("ring-v2_vnet_hdr", {"--method", "ring-v2", "--vnet-hdr"}, 200, "send");
    expect_all_found("ring-v3", {"--method", "ring-v3"}, 200, "send");
    expect_all_found("ring-v3_dgram", {"--method", "ring-v3", "--socket", "dgram"}, 50, "sendto");
}

TEST_F(Run, on_a_TX_ring_fails_each_frame_that_the_kernel_marked_WRONG_FORMAT) {
    const Traced traced = drive({"-c", "40", "--method", "ring-v3", "--size", "1600"});
    expect_sound(traced);
    EXPECT_EQ(traced.run.status, 1);
    EXPECT_EQ(traced.recording.total("driven"), 40U);
    EXPECT_EQ(traced.recording.total("correlated"), 40U);
    EXPECT_EQ(traced.recording.total("failed"), 40U);
}

// What the qdisc does not take is refused, in the middle of a call too, where the caller is not told why.
TEST_F(Run, by_sendmmsg_into_a_full_qdisc_finds_also_the_sends_at_which_the_calls_stopped) {
    const VethPair slow("vbatch");
    slow.set_qdisc("tbf rate 8bit burst 1600 limit 5000");
    const Traced traced = read_back(sockray({"run", "-i", slow.name(), "--json", "--no-calibrate", "-c", "40", "--size",
                                             "1000", "--method", "sendmmsg", "--batch", "16"}));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("driven"), 40U);
    EXPECT_EQ(traced.recording.total("correlated"), 40U);
    EXPECT_EQ(traced.recording.total("failed"), 34U);
    EXPECT_EQ(traced.recording.total("delivered") + traced.recording.total("queued"), 6U);
}

// ---- the frames

TEST_F(Run, of_each_template_reads_the_number_back_from_behind_its_headers) {
    for (const char* kind : {"arp", "ipv4", "ipv6", "udp", "udp6", "tcp", "tcp6"})
        expect_all_found(std::string("frame_") + kind, {"--vlan", "7", "--frame", kind}, 50, "sendto");
}

TEST_F(Run, of_a_range_of_sizes_sends_one_more_byte_each_time) {
    const Traced traced = drive({"-c", "100", "--frame", "udp", "--size", "60-99"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("correlated"), 100U);
    for (const SendLine& send : traced.recording.sends) EXPECT_EQ(send.len, 60 + (send.cookie.value_or(0) - 1) % 40);
}

TEST_F(Run, with_segmentation_is_one_send_for_all_segments_and_its_number_is_found) {
    const Traced traced =
        drive({"-c", "50", "--frame", "tcp", "--size", "20000", "--vnet-hdr", "--gso", "1400", "--method", "sendmsg"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 50U);
    EXPECT_EQ(traced.recording.total("correlated"), 50U);
    for (const SendLine& send : traced.recording.sends) EXPECT_TRUE(send.cookie);
    matrix_cell("run_gso", counts(traced));
}

// A pcap file of frames of 60, 61, 62 ... bytes, a millisecond apart.
std::string write_capture(std::uint32_t frames) {
    const std::string path = "/tmp/run_test.pcap";
    std::ofstream file(path, std::ios::binary);
    const auto put = [&file](std::uint32_t word) { file.write(reinterpret_cast<const char*>(&word), sizeof word); };
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) put(word);
    for (std::uint32_t i = 0; i < frames; i++) {
        for (const std::uint32_t word : {1'000'000U, i * 1000, 60 + i, 60 + i}) put(word);
        file << std::string(60 + i, static_cast<char>(i));
    }
    return path;
}

TEST_F(Run, of_a_file_sends_each_frame_as_it_is_at_its_own_time_and_finds_it_by_thread_and_order) {
    const Traced traced = drive({"-r", write_capture(100)});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("driven"), 100U);
    EXPECT_EQ(traced.recording.total("correlated"), 100U);
    ASSERT_EQ(traced.recording.sends.size(), 100U);
    for (std::size_t i = 0; i < 100; i++) {
        EXPECT_EQ(traced.recording.sends[i].len, 60 + i);
        EXPECT_FALSE(traced.recording.sends[i].cookie) << "the frame carries none";
    }
    // A frame comes late where the emulated CPU stood still, but none comes early: so the last one is held against the
    // one of the first half that was most on time.
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < 50; i++)
        most = std::max(most, static_cast<std::int64_t>(traced.recording.sends.back().ts) -
                                  static_cast<std::int64_t>(traced.recording.sends[static_cast<std::size_t>(i)].ts) +
                                  i * 1'000'000);
    EXPECT_GE(most, 98'000'000);
}

TEST_F(Run, of_a_file_in_batches_begins_again_until_the_count_is_reached) {
    const Traced traced =
        drive({"-r", write_capture(30), "--rate", "max", "-c", "500", "--method", "sendmmsg", "--threads", "2"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("driven"), 500U);
    EXPECT_EQ(traced.recording.total("correlated"), 500U);
    EXPECT_EQ(traced.recording.total("delivered"), 500U);
}

// Once.
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
    if (!has_symbol("net_families")) {
        EXPECT_NE(text.find("net_families[17]"), std::string::npos) << text;
        EXPECT_NE(text.find("not readable"), std::string::npos) << text;
        return;
    }
    const std::size_t line = text.find("net_families[17] = packet_family_ops");
    ASSERT_NE(line, std::string::npos) << text;
    EXPECT_NE(text.substr(line, text.find('\n', line) - line).find("derived"), std::string::npos) << text;
    EXPECT_NE(text.find("sock_register", line), std::string::npos) << text;
}

TEST_F(Run, says_what_tracing_adds_to_a_send_unless_told_not_to) {
    EXPECT_NE(text_run().out.find("tracing adds "), std::string::npos) << text_run().out;
    const Traced traced = read_back(sockray({"run", "-i", "lo", "--json", "-c", "50"}));
    expect_sound(traced);
    ASSERT_TRUE(traced.recording.summary);
    const Json measured = traced.recording.summary->at("tracing_adds_ns");
    ASSERT_TRUE(measured.is_object()) << measured;
    EXPECT_GT(measured.at("median"), 0U);
    EXPECT_LE(measured.at("low"), measured.at("median"));
    EXPECT_LE(measured.at("median"), measured.at("high"));
    const Traced untold = drive({"-c", "50"});  // --no-calibrate
    ASSERT_TRUE(untold.recording.summary);
    EXPECT_TRUE(untold.recording.summary->at("tracing_adds_ns").is_null());
}

TEST_F(Run, into_a_pipe_writes_no_escape_codes) {
    EXPECT_EQ(control_character(text_run().out), 0) << text_run().out;
    EXPECT_EQ(control_character(text_run().err), 0) << text_run().err;
}

TEST_F(Run, through_lo_delivers_too) {
    const Traced traced = read_back(sockray({"run", "-i", "lo", "--json", "--no-calibrate", "-c", "50"}));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 50U);
    EXPECT_EQ(traced.recording.total("correlated"), 50U);
}

}  // namespace
}  // namespace sockray::vm
