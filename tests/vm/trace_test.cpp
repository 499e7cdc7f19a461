// sockray trace: whose sends it shows, and when it ends.
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "tests/vm/kernel.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Trace : public KernelTest {};

std::set<std::string> names_of(const Recording& recording) {
    std::set<std::string> names;
    for (const SendLine& send : recording.sends) names.insert(send.comm);
    return names;
}

TEST_F(Trace, of_a_COMMAND_shows_its_children_and_daemons_and_no_other_process) {
    const std::string report = scratch("children") + "/report";
    Process stranger({sender_path(), "--name", "stranger", "--to", "veth0", "--seconds", "120", "--gap-us", "20000"});
    const std::string script = sender_line(report, "child", "--to veth0 --count 3") + "\n(" +
                               sender_line(report, "grandchild", "--to veth0 --count 3") + ")\n" +
                               sender_line(report, "daemon", "--to veth0 --count 3 --daemon") + "\nsleep 1\n";
    const Traced traced = trace_command({}, {"sh", "-c", script});
    EXPECT_TRUE(stranger.running());
    expect_sound(traced);
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    EXPECT_EQ(names_of(traced.recording), (std::set<std::string>{"child", "grandchild", "daemon"}));
    const std::vector<Answer> answers = read_answers(report);
    for (const char* name : {"child", "grandchild", "daemon"})
        expect_same_answers(traced.recording.sends_of(name), answers_of(answers, name));
    EXPECT_EQ(traced.recording.sockets.size(), 3U);
}

TEST_F(Trace, says_ready_before_the_COMMAND_starts_and_keeps_its_output_apart_from_the_results) {
    const Completed done = sockray(
        {"trace", "--json", "--no-calibrate", "--", "sh", "-c", "echo from the command; echo and its errors >&2"});
    EXPECT_EQ(done.status, 0) << shown(done);
    const std::size_t ready = done.err.find("ready\n");
    ASSERT_NE(ready, std::string::npos) << done.err;
    EXPECT_NE(done.err.find("from the command", ready), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("and its errors", ready), std::string::npos) << done.err;
    EXPECT_TRUE(parse(done.out).bad_lines.empty()) << done.out;
    EXPECT_NE(done.err.find("no send was seen"), std::string::npos) << done.err;
}

TEST_F(Trace, of_a_COMMAND_that_fails_ends_with_1_and_names_its_status) {
    const Completed done = sockray({"trace", "--no-calibrate", "--", "sh", "-c", "exit 7"});
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("exit status 7"), std::string::npos) << done.err;
    EXPECT_NE(done.out.find("LEDGER"), std::string::npos) << done.out;
}

TEST_F(Trace, with_a_count_shows_exactly_that_many_sends_and_ends) {
    Process sender({sender_path(), "--to", "veth0", "--seconds", "120", "--gap-us", "1000"});
    const Completed done = sockray({"trace", "--json", "--no-calibrate", "-i", "veth0", "-c", "3"});
    EXPECT_TRUE(sender.running());
    EXPECT_EQ(done.status, 0) << shown(done);
    const Recording recording = parse(done.out);
    EXPECT_EQ(recording.sends.size(), 3U);
    EXPECT_TRUE(recording.bad_lines.empty());
    EXPECT_EQ(imbalance(recording), "");
}

TEST_F(Trace, of_a_process_shows_only_its_sends_and_ends_with_it) {
    const std::string report = scratch("process") + "/report";
    Process other({sender_path(), "--name", "other", "--to", "veth0", "--seconds", "120", "--gap-us", "20000"});
    Process sender({sender_path(), "--report", report, "--name", "watched", "--to", "veth0", "--seconds", "120",
                    "--gap-us", "5000"});
    Process trace = start_sockray({"trace", "--json", "--no-calibrate", "-p", std::to_string(sender.pid())});
    ASSERT_TRUE(trace.wait_for_err("ready"));
    ASSERT_TRUE(sender.running());
    EXPECT_TRUE(trace.wait_for_out("\"type\":\"send\""));
    sender.signal(SIGKILL);
    const Traced traced = read_back(trace.finish());
    EXPECT_EQ(traced.run.status, 0) << shown(traced.run);
    expect_sound(traced);
    EXPECT_EQ(names_of(traced.recording), std::set<std::string>{"watched"});
    for (const SendLine& send : traced.recording.sends) EXPECT_EQ(send.pid, static_cast<std::uint64_t>(sender.pid()));
}

// Its own are before the session, another one's are anybody's: counted and told, by a name that says whose they are.
TEST_F(Trace, tells_the_check_sends_of_another_sockray_by_their_name) {
    Process trace = start_sockray({"trace", "--json", "--no-calibrate"});
    ASSERT_TRUE(trace.wait_for_err("ready"));
    Process here = start_sockray({"trace", "--json", "--no-calibrate", "-i", "lo"});
    ASSERT_TRUE(here.wait_for_err("ready"));
    EXPECT_EQ(sockray({"doctor"}).status, 0);
    trace.signal(SIGINT);
    const Traced traced = read_back(trace.finish());
    expect_sound(traced);
    EXPECT_EQ(names_of(traced.recording), std::set<std::string>{"sockray-check"});
    here.signal(SIGINT);
    EXPECT_TRUE(read_back(here.finish()).recording.sends.empty());
}

TEST_F(Trace, of_a_name_that_nobody_has_says_that_nothing_matched) {
    Process sender({sender_path(), "--name", "somebody", "--to", "veth0", "--seconds", "120", "--gap-us", "20000"});
    Process trace = start_sockray({"trace", "--no-calibrate", "--comm", "nosuch"});
    ASSERT_TRUE(trace.wait_for_err("ready"));
    const std::uint64_t before = device_count("veth0").tx_packets;
    while (sender.running() && device_count("veth0").tx_packets < before + 5)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    trace.signal(SIGINT);
    const Completed done = trace.finish();
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_NE(done.err.find("no send was seen of those asked for (--comm nosuch)"), std::string::npos) << done.err;
    EXPECT_NE(done.out.find("LEDGER"), std::string::npos) << done.out;
}

TEST_F(Trace, of_a_name_or_an_interface_shows_only_what_has_both) {
    const std::string report = scratch("both") + "/report";
    const std::string script = sender_line(report, "wanted", "--to veth0 --count 2") + "\n" +
                               sender_line(report, "wanted", "--to lo --count 3") + "\n" +
                               sender_line(report, "wanted", "--type packet --to veth0 --count 1") + "\n" +
                               sender_line(report, "wanted", "--type packet --to lo --count 1") + "\n" +
                               sender_line(report, "other", "--to veth0 --count 4") + "\n";
    const Traced traced = trace_command({"--comm", "wanted", "-i", "veth0"}, {"sh", "-c", script});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("attempted"), 3U);
    for (const SendLine& send : traced.recording.sends) {
        EXPECT_EQ(send.comm, "wanted");
        EXPECT_EQ(send.ifname, "veth0");
    }
}

TEST_F(Trace, as_a_tree_shows_the_socket_and_every_stage_of_the_send) {
    const Completed done = sockray({"trace", "--tree", "--", sender_path(), "--to", "veth0"});
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_EQ(control_character(done.out), 0) << done.out;
    std::size_t at = 0;
    for (const char* words :
         {"__sock_create", has_symbol("net_families") ? "net_families[17] = packet_family_ops" : "net_families[17]",
          "packet_create", "sock->ops = packet_ops", "packet_sock_destruct", "__sys_sendto", "packet_sendmsg",
          "packet_snd", "sock_alloc_send_pskb", "__dev_queue_xmit", "dev_hard_start_xmit", "LEDGER"}) {
        const std::size_t found = done.out.find(words, at);
        ASSERT_NE(found, std::string::npos) << words << " is not there or out of order\n" << done.out;
        at = found;
    }
}

TEST_F(Trace, in_lines_shows_one_line_a_send_and_the_ledger) {
    const Completed done = sockray({"trace", "--", sender_path(), "--name", "liner", "--to", "veth0", "--count", "3"});
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_EQ(control_character(done.out), 0) << done.out;
    std::size_t lines = 0;
    for (std::size_t at = done.out.find("delivered"); at < done.out.find("LEDGER");
         at = done.out.find("delivered", at + 1))
        if (done.out.substr(done.out.rfind('\n', at) + 1, at - done.out.rfind('\n', at)).find("liner") !=
            std::string::npos)
            lines++;
    EXPECT_EQ(lines, 3U) << done.out;
}

}  // namespace
}  // namespace sockray::vm
