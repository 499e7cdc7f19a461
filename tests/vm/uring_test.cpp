// Sends through io_uring: by the caller itself, and by a worker of the kernel's.
#include <gtest/gtest.h>

#include <filesystem>

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

}  // namespace
}  // namespace sockray::vm
