// sockray top: beside senders whose sends are known.
#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

#include "tests/vm/kernel.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Top : public KernelTest {};

// A row of the plain table, word by word, as far as it has no blanks within a cell.
struct Row {
    std::string name, pid, socket, device, method, rate, bytes;
    std::uint64_t sends = 0, delivered = 0, dropped = 0, failed = 0;
};

// Of the last picture.
std::vector<Row> last_rows(const std::string& text, const std::string& name) {
    std::vector<Row> rows;
    std::istringstream lines(text.substr(std::min(text.rfind("sockray top"), text.size())));
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(name + " ")) continue;
        Row row;
        std::istringstream(line) >> row.name >> row.pid >> row.socket >> row.device >> row.method >> row.rate >>
            row.bytes >> row.sends >> row.delivered >> row.dropped >> row.failed;
        rows.push_back(row);
    }
    return rows;
}

std::size_t pictures(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find("sockray top"); at != std::string::npos; at = text.find("sockray top", at + 1))
        count++;
    return count;
}

TEST_F(Top, as_plain_text_counts_what_each_sender_sent_and_tells_senders_apart) {
    const std::string report = scratch("top") + "/report";
    Process top = start_sockray({"top", "-b", "-d", "0.5"});
    ASSERT_TRUE(top.wait_for_err("ready"));
    const std::string script = sender_line(report, "alpha", "--to veth0 --count 40") + "\n" +
                               sender_line(report, "beta", "--to lo --count 25 --method sendmsg") + "\n" +
                               sender_line(report, "gamma", "--to veth0 --count 5 --length 4000") + "\n";
    const Completed sent = run({"sh", "-c", script});
    ASSERT_EQ(sent.status, 0) << shown(sent);
    EXPECT_TRUE(top.wait_for_out("LEDGER 70 = delivered 65 + dropped 0 + failed 5 "));
    top.signal(SIGINT);
    const Completed done = top.finish();
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_EQ(control_character(done.out), 0) << done.out;

    const std::vector<Answer> answers = read_answers(report);
    struct Expected {
        const char* name;
        const char* device;
        const char* method;
    };
    for (const Expected& expected :
         {Expected{"alpha", "veth0", "sendto"}, {"beta", "lo", "sendmsg"}, {"gamma", "veth0", "sendto"}}) {
        const std::vector<Answer> told = answers_of(answers, expected.name);
        ASSERT_FALSE(told.empty());
        std::uint64_t failed = 0;
        for (const Answer& answer : told) failed += answer.ret < 0;
        const std::vector<Row> rows = last_rows(done.out, expected.name);
        ASSERT_EQ(rows.size(), 1U) << done.out;
        EXPECT_EQ(rows[0].pid, std::to_string(told[0].pid)) << done.out;
        EXPECT_EQ(rows[0].device, expected.device) << done.out;
        EXPECT_EQ(rows[0].method, expected.method) << done.out;
        EXPECT_EQ(rows[0].sends, told.size()) << done.out;
        EXPECT_EQ(rows[0].delivered, told.size() - failed) << done.out;
        EXPECT_EQ(rows[0].dropped, 0U) << done.out;
        EXPECT_EQ(rows[0].failed, failed) << done.out;
    }
    EXPECT_EQ(last_rows(done.out, "gamma")[0].failed, 5U) << done.out;
    for (const char* words : {"STAGES", "packet_sendmsg", "\nLOSS   nothing\n", "  attempted             70\n"})
        EXPECT_NE(done.out.find(words), std::string::npos) << words << "\n" << done.out;
}

TEST_F(Top, with_a_number_of_pictures_shows_so_many_and_ends) {
    Process sender({sender_path(), "--name", "steady", "--to", "veth0", "--seconds", "120", "--gap-us", "5000"});
    const Completed done = sockray({"top", "-b", "-n", "3", "-d", "0.5", "-i", "veth0"});
    EXPECT_TRUE(sender.running());
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_EQ(pictures(done.out), 3U) << done.out;
    ASSERT_EQ(last_rows(done.out, "steady").size(), 1U) << done.out;
    EXPECT_GT(last_rows(done.out, "steady")[0].sends, 0U) << done.out;
    EXPECT_NE(done.out.find("LEDGER\n"), std::string::npos) << done.out;
}

TEST_F(Top, of_a_process_ends_with_it_and_shows_the_ledger) {
    Process other({sender_path(), "--name", "other", "--to", "veth0", "--seconds", "120", "--gap-us", "20000"});
    Process sender({sender_path(), "--name", "watched", "--to", "veth0", "--seconds", "120", "--gap-us", "5000"});
    Process top = start_sockray({"top", "-d", "0.5", "-p", std::to_string(sender.pid())});
    ASSERT_TRUE(top.wait_for_err("ready"));
    ASSERT_TRUE(top.wait_for_out("watched"));
    sender.signal(SIGKILL);
    const Completed done = top.finish();
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_EQ(done.out.find("\nother "), std::string::npos) << done.out;
    EXPECT_NE(done.out.find("LEDGER\n"), std::string::npos) << done.out;
    EXPECT_NE(done.err.find("has ended"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace sockray::vm
