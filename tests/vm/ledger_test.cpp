// Under load nothing goes missing unsaid: two threads send while a third program opens and closes packet sockets.
#include <gtest/gtest.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class UnderLoad : public KernelTest {};

TEST_F(UnderLoad, of_two_threads_for_ten_seconds_the_ledger_balances_with_the_device) {
    const std::string report = scratch("load") + "/churn";
    Process churn({churn_path(), "600", report});  // longer than the run, also where hooks come and go slowly
    const std::uint64_t before = device_count("veth0").tx_packets;
    const Traced traced = drive({"-c", "30000", "--rate", "3000", "--threads", "2"});
    const std::uint64_t sent = device_count("veth0").tx_packets - before;
    EXPECT_TRUE(churn.running());
    churn.signal(SIGTERM);
    EXPECT_EQ(churn.finish().status, 0);
    // Fifty a second of the sends, which take ten: how many more it makes is the emulated machine's speed.
    EXPECT_GT(std::strtoull(read_file(report).c_str(), nullptr, 10), 500U) << "sockets opened beside it";
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("attempted"), 30000U);
    EXPECT_EQ(recording.total("driven"), 30000U);
    EXPECT_EQ(recording.total("delivered") + recording.total("unknown"), sent);
    EXPECT_EQ(recording.total("unknown"), recording.all_lost());
    EXPECT_EQ(recording.total("correlated") + recording.all_lost(), 30000U);
    ASSERT_FALSE(recording.sends.empty());
    // Two threads, each with a good part of the sends, and at the same time.
    struct Thread {
        std::uint64_t sends = 0;
        std::uint64_t first = UINT64_MAX;
        std::uint64_t last = 0;
    };
    std::map<std::uint64_t, Thread> threads;
    for (const SendLine& send : recording.sends) {
        Thread& thread = threads[send.tid];
        thread.sends++;
        thread.first = std::min(thread.first, send.ts);
        thread.last = std::max(thread.last, send.ts);
    }
    ASSERT_EQ(threads.size(), 2U);
    const Thread& one = threads.begin()->second;
    const Thread& other = threads.rbegin()->second;
    EXPECT_GT(std::min(one.sends, other.sends), 3000U);
    EXPECT_GT(std::min(one.last, other.last) - std::max(one.first, other.first), 8'000'000'000U) << "ns together";
    const double seconds = static_cast<double>(recording.sends.back().ts - recording.sends.front().ts) / 1e9;
    EXPECT_GT(seconds, 9);
    matrix_cell("under_load",
                std::to_string(recording.total("delivered")) + "+" + std::to_string(recording.all_lost()) + "/30000");
}

TEST_F(UnderLoad, with_the_smallest_ring_sends_are_lost_and_every_one_of_them_is_counted) {
    const std::string folder = scratch("small-ring");
    const std::string script = churn_path() + " 10 " + folder + "/churn &\n" +
                               sender_line(folder + "/report", "sender", "--to veth0 --seconds 10 --threads 2") +
                               "\nwait\n";
    const std::uint64_t before = device_count("veth0").tx_packets;
    const Traced traced = trace_command({"--ring", "4096"}, {"sh", "-c", script});
    const std::uint64_t sent = device_count("veth0").tx_packets - before;
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_GT(recording.lost("no_room"), 0U);
    std::uint64_t by_cpu = 0;
    for (const Json& cpu : recording.summary->at("lost_by_cpu")) by_cpu += cpu.at("sends_no_room").get<std::uint64_t>();
    EXPECT_EQ(by_cpu, recording.lost("no_room"));
    EXPECT_GT(recording.total("decoded"), 0U);

    const std::vector<Answer> answers = read_answers(folder + "/report");
    EXPECT_EQ(recording.total("attempted"), answers.size());
    EXPECT_EQ(sent, answers.size());
    EXPECT_EQ(recording.total("delivered") + recording.all_lost(), answers.size());

    const std::uint64_t opened = std::strtoull(read_file(folder + "/churn").c_str(), nullptr, 10) + 2;
    EXPECT_EQ(recording.total("sockets_seen"), opened);
    EXPECT_EQ(recording.total("sockets_seen"), recording.total("sockets_decoded") + recording.total("sockets_lost"));
}

// kernel/kprobes.c, register_kretprobe: as many calls as max(10, 2 * CPUs) can be inside of a function, and of more
// that sleep there it skips the returns. Here they sleep in sock_alloc_send_pskb, and so in packet_sendmsg around it.
TEST_F(UnderLoad, of_more_sleepers_than_a_kretprobe_has_instances_the_skipped_returns_are_counted_and_none_is_a_drop) {
    const VethPair slow("vmiss");
    slow.set_qdisc("tbf rate 1mbit burst 1600 limit 1000000");
    const int instances = std::max(10, 2 * ::get_nprocs_conf());
    const auto threads = static_cast<std::uint64_t>(instances + 14);
    const std::string report = scratch("missed") + "/report";
    const Traced traced = trace_command({"--backend", "kprobe", "-i", "vmiss0"},
                                        {sender_path(), "--report", report, "--to", "vmiss0", "--length", "1400",
                                         "--sndbuf", "1", "--count", "5", "--threads", std::to_string(threads)});
    expect_sound(traced);
    const Recording& recording = traced.recording;
    const std::vector<Answer> answers = read_answers(report);
    EXPECT_EQ(answers.size(), 5 * threads);
    for (const Answer& answer : answers) EXPECT_EQ(answer.ret, 1400);
    EXPECT_EQ(device_count("vmiss0").tx_packets, answers.size());

    // The record of a send whose return was skipped comes with the task's next send or its end: nothing is missing but
    // what a kernel that preempts skips of entries.
    const std::uint64_t lost = recording.all_lost();
    EXPECT_LT(lost, 5U);
    EXPECT_EQ(recording.total("attempted"), answers.size());
    std::uint64_t touched = 0;  // whose return was skipped
    std::uint64_t others = 0;   // kernels that preempt skip hits of other hooks, too
    for (const SendLine& send : recording.sends) {
        if (send.outcome == "delivered") {
            EXPECT_EQ(send.ret, 1400);
            continue;
        }
        EXPECT_EQ(send.outcome, "unknown") << send.reason;
        EXPECT_TRUE(send.reason.starts_with("the kernel skipped the hook on ")) << send.reason;
        (send.ret ? others : touched)++;
        if (send.ret) continue;
        EXPECT_EQ(send.reason, "the kernel skipped the hook on the return of packet_sendmsg");
        ASSERT_TRUE(send.stage("packet_sendmsg"));
        EXPECT_EQ(send.stage("packet_sendmsg")->end, 0U);
    }
    EXPECT_GT(touched, 0U);
    EXPECT_LT(touched + others, answers.size());
    EXPECT_EQ(recording.total("unknown"), touched + others + lost);
    EXPECT_EQ(recording.total("delivered"), answers.size() - touched - others - lost);
    EXPECT_GE(recording.total("partial"), touched);
    EXPECT_GE(recording.summary->at("partial_by_stage").at("packet_sendmsg"), touched);
    // By stage: the links' own counts of what they skipped, which kernels before 6.7 do not keep.
    const Json& skipped = recording.summary->at("skipped");
    ASSERT_TRUE(skipped.is_object()) << "tracepoints are counted on every kernel";
    if (recording.summary->at("uncounted").dump().find("\"packet_sendmsg\"") == std::string::npos) {
        EXPECT_GE(skipped.at("packet_sendmsg"), touched) << skipped;
        EXPECT_GT(skipped.value("sock_alloc_send_pskb", 0), 0) << skipped;
    }
    matrix_cell("skipped_returns", std::to_string(touched) + "/" + std::to_string(answers.size()));
    for (const Json& held : recording.summary->at("devices").at(0).at("held")) {
        const auto counted = held.at("counted").get<std::uint64_t>();
        const auto expected = held.at("expected").get<std::uint64_t>();
        EXPECT_GE(counted, expected) << held;
        EXPECT_LE(counted - expected, recording.total("unknown")) << held;
    }
}

// Nothing but its skb tells then which frame of the ring one is.
TEST_F(UnderLoad, of_sleepers_that_use_up_a_kretprobes_instances_each_frame_of_a_TX_ring_is_told_all_the_same) {
    const VethPair slow("vmiss");
    slow.set_qdisc("tbf rate 500bit burst 1600 limit 1000000");  // 20 s and more for a frame: none wakes up meanwhile
    const VethPair pair("vring");
    const auto threads = static_cast<std::uint64_t>(std::max(10, 2 * ::get_nprocs_conf()) + 10);
    const std::string folder = scratch("sleepers");
    const std::string script =
        sender_line(folder + "/sleepers", "sleeper",
                    "--to vmiss0 --length 1400 --sndbuf 1 --count 5 --threads " + std::to_string(threads)) +
        " &\nuntil [ $(cat /proc/$!/task/*/wchan | grep -o sock_alloc_send_pskb | grep -c .) = " +
        std::to_string(threads) + " ]; do sleep 0.2; done\n" +
        sender_line(folder + "/ringer", "ringer", "--to vring0 --method ring --batch 6") + "\nkill -9 $!; wait";
    const Traced traced = trace_command({"--backend", "kprobe", "-i", "vring0"}, {"sh", "-c", script});
    expect_sound(traced);
    ASSERT_EQ(device_count("vring0").tx_packets, 6U);
    EXPECT_EQ(traced.recording.total("attempted"), 6U) << shown(traced.run);
    const std::vector<SendLine> sends = traced.recording.sends_of("ringer");
    ASSERT_EQ(sends.size(), 6U) << shown(traced.run);
    for (std::size_t i = 0; i + 1 < sends.size(); i++) EXPECT_EQ(sends[i].outcome, "delivered") << sends[i].reason;
    // The call's own return was skipped too.
    EXPECT_EQ(sends[5].outcome, "unknown");
    EXPECT_EQ(sends[5].reason, "the kernel skipped the hook on the return of packet_sendmsg");
}

}  // namespace
}  // namespace sockray::vm
