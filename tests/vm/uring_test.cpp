// Sends through io_uring: by the caller itself, and by a worker of the kernel's.
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class IoUring : public KernelTest {
  protected:
    static constexpr const char* report = "/tmp/uring_test.report";

    // `way` is a method of packet_sender's.
    static Traced sent_by(const std::string& way, const Arguments& how) {
        std::filesystem::remove(report);
        Arguments command{sender_path(), "--report", report, "--count", "20", "--method", way};
        command.insert(command.end(), how.begin(), how.end());
        Traced traced = trace_command({}, command);
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("attempted"), 20U) << shown(traced.run);
        EXPECT_EQ(traced.recording.total("delivered"), 20U) << shown(traced.run);
        for (const SendLine& send : traced.recording.sends) {
            EXPECT_EQ(send.entry, "io_uring");
            EXPECT_EQ(send.ret, 60);
            EXPECT_EQ(nesting_error(send), "");
            for (const StageTimes& one : traced.recording.sends.back().stages)  // the first of its thread too
                EXPECT_TRUE(send.stage(one.name)) << one.name << " of send " << send.id;
        }
        // Of what the sender itself was told.
        matrix_cell("trace_" + way, std::to_string(traced.recording.total("delivered")) + "/" +
                                        std::to_string(read_answers(report).size()));
        return traced;
    }
};

TEST_F(IoUring, SEND_is_seen_with_the_callers_number_and_result) {
    const Traced traced = sent_by("uring-send", {"--bind", "veth0"});
    expect_same_answers(traced.recording.sends, read_answers(report));
}

TEST_F(IoUring, SENDMSG_is_seen_with_the_callers_number_and_result) {
    const Traced traced = sent_by("uring-sendmsg", {"--to", "veth0"});
    expect_same_answers(traced.recording.sends, read_answers(report));
}

// A worker comes without a fork that anybody could see, and is of the command all the same.
TEST_F(IoUring, SENDMSG_of_a_worker_is_of_the_process_that_it_works_for) {
    const Traced traced = sent_by("uring-worker", {"--to", "veth0"});
    const std::vector<Answer> answers = read_answers(report);
    ASSERT_EQ(answers.size(), 20U);
    for (const SendLine& send : traced.recording.sends) {
        EXPECT_EQ(send.pid, answers.front().pid);
        EXPECT_NE(send.tid, answers.front().tid);
        EXPECT_EQ(send.comm.rfind("iou-wrk-", 0), 0U) << send.comm;
    }
}

// The program is told of its sends alone. What the kernel tried before without waiting is a send of its own, and says
// so.
TEST_F(IoUring, SEND_into_a_full_buffer_says_of_the_first_try_that_it_is_no_end) {
    const VethPair slow("vuring");
    slow.set_qdisc("tbf rate 160kbit burst 1600 limit 100000");
    std::filesystem::remove(report);
    const Traced traced = trace_command({}, {sender_path(), "--report", report, "--count", "6", "--method",
                                             "uring-send", "--bind", "vuring0", "--length", "1400", "--sndbuf", "1"});
    expect_sound(traced);
    const std::vector<Answer> answers = read_answers(report);
    ASSERT_EQ(answers.size(), 6U);
    for (const Answer& answer : answers) EXPECT_EQ(answer.ret, 1400);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("delivered") + recording.total("queued"), 6U) << shown(traced.run);
    EXPECT_GT(recording.total("failed"), 0U) << "the buffer was never full";
    for (const SendLine& send : recording.sends)
        if (send.outcome == "failed") {
            EXPECT_EQ(send.err, EAGAIN);
            EXPECT_NE(send.reason.find("io_uring tries again, as another send"), std::string::npos) << send.reason;
        }
}

// There the program is told, and the sentence leaves that open.
TEST_F(IoUring, SEND_with_MSG_DONTWAIT_into_a_full_buffer_is_told_EAGAIN_as_often_as_the_program) {
    const VethPair slow("vuring");
    slow.set_qdisc("tbf rate 8kbit burst 1600 limit 100000");
    std::filesystem::remove(report);
    const Traced traced =
        trace_command({}, {sender_path(), "--report", report, "--count", "8", "--method", "uring-send", "--bind",
                           "vuring0", "--length", "1400", "--sndbuf", "1", "--dontwait"});
    expect_sound(traced);
    std::uint64_t refused = 0;
    for (const Answer& answer : read_answers(report)) refused += answer.err == EAGAIN;
    EXPECT_GT(refused, 0U);
    EXPECT_EQ(traced.recording.total("attempted"), 8U) << shown(traced.run);
    EXPECT_EQ(traced.recording.total("failed"), refused) << shown(traced.run);
}

}  // namespace
}  // namespace sockray::vm
