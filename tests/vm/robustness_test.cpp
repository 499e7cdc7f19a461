// Whatever happens to sockray, the kernel is left as it was and the programs that send do not notice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <random>
#include <thread>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

using std::chrono::milliseconds;

class Robustness : public KernelTest {};

void rest(milliseconds time) {
    std::this_thread::sleep_for(time);
}

// A sender that never stops of itself, and what it was told at the end.
class SteadySender {
  public:
    SteadySender() : report_(scratch("steady") + "/report"), process_(command()) {}

    void expect_unhurt() {
        EXPECT_TRUE(process_.running());
        const std::uint64_t before = device_count("veth0").tx_packets;
        for (int i = 0; i < 600 && device_count("veth0").tx_packets == before; i++) rest(milliseconds(100));
        EXPECT_GT(device_count("veth0").tx_packets, before) << "sends no longer go on";
    }

  private:
    Arguments command() const {
        return {sender_path(), "--report",  report_, "--name",   "steady", "--to",
                "veth0",       "--seconds", "300",   "--gap-us", "500"};
    }
    std::string report_;
    Process process_;
};

TEST_F(Robustness, Ctrl_C_in_a_run_without_end_prints_the_ledger_and_ends_with_1) {
    const std::uint64_t before = device_count("veth0").tx_packets;
    Process run = start_sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "1000000000000000000"});
    while (run.running() && device_count("veth0").tx_packets < before + 1000) rest(milliseconds(20));
    run.signal(SIGINT);
    const Completed done = run.finish();
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("interrupted after"), std::string::npos) << done.err;
    EXPECT_NE(done.out.find("LEDGER"), std::string::npos) << done.out;
    EXPECT_EQ(done.out.find("do not balance"), std::string::npos) << done.out;
}

TEST_F(Robustness, Ctrl_C_at_any_moment_of_the_start_ends_it_and_leaves_nothing) {
    std::mt19937 random(::testing::UnitTest::GetInstance()->random_seed());
    std::uniform_int_distribution<int> delay(0, 4000);
    struct Started {
        Process process;
        milliseconds kill_at;
        std::string verb;
    };
    std::deque<Started> all;
    // The kernel takes hooks away one after the other, whoever they belong to, and waits for a grace period each time:
    // 5 s for one sockray in a guest, 25 s where the kernel is preemptible (rt). So ten wait for each other.
    const Completed alone = sockray({"doctor"});
    ASSERT_EQ(alone.status, 0) << shown(alone);
    RunOptions options;
    options.timeout = Seconds(60) + 6 * alone.took;
    const auto start = std::chrono::steady_clock::now();
    // All at once: the more they disturb each other, the more moments there are.
    for (int i = 0; i < 6; i++) {
        const std::string verb = i % 2 ? "run" : "trace";
        const Arguments words = verb == "run" ? Arguments{"run", "-i", "veth0", "-c", "1000000", "--rate", "50"}
                                              : Arguments{"trace", "-i", "veth0"};
        all.push_back({start_sockray(words, options), milliseconds(i < 2 ? i * 5 : delay(random) * 3), verb});
    }
    std::sort(all.begin(), all.end(), [](const Started& a, const Started& b) { return a.kill_at < b.kill_at; });
    for (Started& one : all) {
        std::this_thread::sleep_until(start + one.kill_at);
        one.process.signal(SIGINT);
    }
    for (Started& one : all) {
        const Completed done = one.process.finish();
        EXPECT_FALSE(done.timed_out) << one.verb << " hung after SIGINT at " << one.kill_at.count() << " ms\n"
                                     << shown(done);
        const bool before_handler = done.status == 128 + SIGINT;
        const bool before_tracing = done.err.find("interrupted before") != std::string::npos;
        EXPECT_TRUE(before_handler || done.status == (one.verb == "run" || before_tracing ? 1 : 0))
            << one.verb << ", SIGINT at " << one.kill_at.count() << " ms\n"
            << shown(done);
        EXPECT_EQ(done.out.find("do not balance"), std::string::npos) << done.out;
    }
}

TEST_F(Robustness, SIGKILL_at_any_moment_leaves_no_hook_and_hurts_no_sender) {
    SteadySender sender;
    std::mt19937 random(::testing::UnitTest::GetInstance()->random_seed() + 1U);
    std::uniform_int_distribution<int> delay(0, 4000);
    std::deque<Process> all;
    for (int i = 0; i < 3; i++) all.push_back(start_sockray({"trace", "--json"}));
    all.push_back(start_sockray({"run", "-i", "veth0", "-c", "1000000000"}));
    for (Process& one : all) {
        rest(milliseconds(delay(random)));
        one.signal(SIGKILL);
        EXPECT_EQ(one.finish().status, 128 + SIGKILL);
    }
    sender.expect_unhurt();
    EXPECT_EQ(hooks_left(), "");
    sender.expect_unhurt();
}

TEST_F(Robustness, SIGKILL_while_armed_leaves_no_hook_and_hurts_no_sender) {
    SteadySender sender;
    Process trace = start_sockray({"trace", "--json", "--no-calibrate"});
    ASSERT_TRUE(trace.wait_for_err("ready"));
    EXPECT_GT(hooks_now(), 0U);
    trace.signal(SIGKILL);
    trace.finish();
    EXPECT_EQ(hooks_left(), "");
    sender.expect_unhurt();
}

TEST_F(Robustness, standard_output_closed_early_ends_it_with_1_and_the_ledger_on_standard_error) {
    Process run = start_sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "1000000000", "--json"});
    ASSERT_TRUE(run.wait_for_out("\"type\":\"send\""));
    run.close_out();
    const Completed done = run.finish();
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("standard output was closed"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("LEDGER"), std::string::npos) << done.err;
}

TEST_F(Robustness, standard_output_closed_early_ends_a_trace_too) {
    SteadySender sender;
    Process trace = start_sockray({"trace", "--json", "--no-calibrate"});
    ASSERT_TRUE(trace.wait_for_out("\"type\":\"send\""));
    trace.close_out();
    const Completed done = trace.finish();
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("standard output was closed"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("LEDGER"), std::string::npos) << done.err;
}

TEST_F(Robustness, a_full_disk_under_standard_output_is_an_error_that_is_named) {
    RunOptions options;
    options.out_file = "/dev/full";
    const Completed done = sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "100", "--json"}, options);
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("No space left on device"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("LEDGER"), std::string::npos) << done.err;
}

TEST_F(Robustness, two_sockrays_at_once_both_see_every_send_and_both_ledgers_balance) {
    Process first = start_sockray({"trace", "--json", "--no-calibrate", "-i", "veth0"});
    ASSERT_TRUE(first.wait_for_err("ready"));
    const Traced second = drive({"-c", "2000"});
    rest(milliseconds(200));
    first.signal(SIGINT);
    const Traced traced = read_back(first.finish());
    expect_sound(second);
    expect_sound(traced);
    EXPECT_EQ(second.recording.plan_of("packet_snd").value("evidence", ""), "located");
    EXPECT_EQ(second.recording.plan_of("tpacket_snd").value("evidence", ""), "located");
    EXPECT_EQ(second.recording.total("correlated"), 2000U);
    EXPECT_EQ(second.recording.all_lost(), 0U);
    EXPECT_EQ(traced.recording.total("attempted"), 2000U);
    EXPECT_EQ(traced.recording.total("delivered"), 2000U);
}

TEST_F(Robustness, a_task_killed_inside_a_blocked_send_harms_no_later_one_and_one_still_blocked_is_unknown) {
    const VethPair slow("vslow");
    slow.set_qdisc("tbf rate 8kbit burst 1600 limit 200000");
    const Arguments blocked{"--to", "vslow0", "--length", "1400", "--count", "100", "--sndbuf", "1"};
    const auto start_blocked = [&](const std::string& name) {
        Arguments command{sender_path(), "--name", name};
        command.insert(command.end(), blocked.begin(), blocked.end());
        return Process(command);
    };
    const std::string report = scratch("blocked") + "/report";
    Process trace = start_sockray({"trace", "--json", "--no-calibrate"});
    ASSERT_TRUE(trace.wait_for_err("ready"));
    Process killed = start_blocked("killed");
    ASSERT_TRUE(comes_to_wait_in(killed, "sock_alloc_send_pskb"));
    killed.signal(SIGKILL);
    EXPECT_EQ(killed.finish().status, 128 + SIGKILL);
    run({sender_path(), "--report", report, "--name", "later", "--to", "veth0", "--count", "500"});
    Process waiting = start_blocked("waiting");
    ASSERT_TRUE(comes_to_wait_in(waiting, "sock_alloc_send_pskb"));
    trace.signal(SIGINT);
    const Traced traced = read_back(trace.finish());

    expect_sound(traced);
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    EXPECT_EQ(traced.recording.all_lost(), 0U);
    const std::vector<SendLine> later = traced.recording.sends_of("later");
    expect_same_answers(later, answers_of(read_answers(report), "later"));
    for (const SendLine& send : later) ASSERT_EQ(send.outcome, "delivered") << send.reason;
    ASSERT_FALSE(traced.recording.sends_of("killed").empty());
    EXPECT_EQ(traced.recording.sends_of("killed").back().outcome, "failed");
    EXPECT_NE(traced.recording.sends_of("killed").back().reason.find("the thread was killed"), std::string::npos)
        << traced.recording.sends_of("killed").back().reason;
    ASSERT_FALSE(traced.recording.sends_of("waiting").empty());
    const SendLine last = traced.recording.sends_of("waiting").back();
    EXPECT_EQ(last.outcome, "unknown");
    EXPECT_EQ(last.reason, "still inside sock_alloc_send_pskb when tracing ended");
    EXPECT_FALSE(last.ret);
    EXPECT_EQ(traced.recording.total("unknown"), 1U);
    EXPECT_TRUE(waiting.running()) << "the blocked sender was hurt";
}

TEST_F(Robustness, Ctrl_C_ends_a_COMMAND_too) {
    Process trace = start_sockray({"trace", "--json", "--no-calibrate", "--", sender_path(), "--to", "veth0",
                                   "--seconds", "300", "--gap-us", "1000"});
    ASSERT_TRUE(trace.wait_for_out("\"type\":\"send\""));
    trace.signal(SIGINT);
    const Traced traced = read_back(trace.finish());
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    expect_sound(traced);
    EXPECT_GT(traced.recording.total("delivered"), 0U);
    ASSERT_FALSE(traced.recording.sends.empty());
    const auto command = static_cast<pid_t>(traced.recording.sends.front().pid);
    EXPECT_EQ(::kill(command, 0), -1) << "COMMAND still runs";
    EXPECT_EQ(errno, ESRCH);
}

// Whose uid changes is no longer ours to signal without CAP_KILL.
TEST_F(Robustness, Ctrl_C_ends_a_COMMAND_that_has_become_another_user_too) {
    if (const std::string tool = missing_tool({"setpriv"}); !tool.empty()) GTEST_SKIP() << "no " << tool;
    const std::string file = scratch("other-user") + "/pid";
    Process trace = start_sockray({"trace", "--json", "--no-calibrate", "--", "sh", "-c",
                                   "echo $$ >" + file + "; " + sender_path() +
                                       " --to veth0 --count 3; exec setpriv --reuid=65534 --clear-groups sleep 300"});
    ASSERT_TRUE(trace.wait_for_out("\"type\":\"send\""));
    const auto command = static_cast<pid_t>(std::strtol(read_file(file).c_str(), nullptr, 10));
    ASSERT_GT(command, 0);
    const std::string name = "/proc/" + std::to_string(command) + "/comm";
    for (int i = 0; i < 600 && read_file(name) != "sleep\n"; i++) rest(milliseconds(100));
    ASSERT_EQ(read_file(name), "sleep\n");
    trace.signal(SIGINT);
    const Traced traced = read_back(trace.finish());
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    EXPECT_EQ(traced.run.err.find("left alone"), std::string::npos) << traced.run.err;
    EXPECT_EQ(::kill(command, 0), -1) << "COMMAND still runs";
}

// What each thread may still do, by a line of /proc/PID/task/TID/status.
std::vector<std::string> of_each_thread(pid_t process, const std::string& key) {
    std::vector<std::string> all;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
        const std::string status = read_file(task.path().string() + "/status");
        const std::size_t at = status.find("\n" + key + ":\t");
        const std::size_t value = at + key.size() + 3;
        if (at != std::string::npos) all.push_back(status.substr(value, status.find('\n', value) - value));
    }
    return all;
}

TEST_F(Robustness, no_thread_keeps_a_privilege_while_it_sends) {
    const std::uint64_t before = device_count("veth0").tx_packets;
    Process run =
        start_sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "1000000000", "--threads", "3", "--rate", "1000"});
    while (run.running() && device_count("veth0").tx_packets < before + 100) rest(milliseconds(20));
    // The last of the threads may not yet have come to its first send.
    const std::string none = "0000000000000000";
    std::vector<std::string> capabilities = of_each_thread(run.pid(), "CapPrm");
    for (int i = 0; i < 300 && (capabilities.size() < 4 || std::ranges::count(capabilities, none) < 4); i++) {
        rest(milliseconds(100));
        capabilities = of_each_thread(run.pid(), "CapPrm");
    }
    EXPECT_GE(capabilities.size(), 4U);
    for (const std::string& permitted : capabilities) EXPECT_EQ(permitted, none);
    // Nor gets one back by executing a program.
    for (const std::string& set : of_each_thread(run.pid(), "NoNewPrivs")) EXPECT_EQ(set, "1");
    run.signal(SIGINT);
    run.finish();
}

}  // namespace
}  // namespace sockray::vm
