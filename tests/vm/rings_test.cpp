// Calls on a TX ring: those that take no frame, and those of several threads at once.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Rings : public KernelTest {};

// The first call takes all frames and waits for their ends, as those behind it do, which have no frame of their own.
TEST_F(Rings, have_no_send_in_calls_that_only_wait_for_earlier_frames_and_what_these_were_told_is_counted) {
    const VethPair slow("vwait");
    // Not netem, which lets go of a ring's frame before 6.12 (net/core/sock.c: skb_orphan_partial).
    slow.set_qdisc("tbf rate 1kbit burst 1600 limit 100000");
    const std::string report = scratch("waits") + "/report";
    const std::string words = "--to vwait0 --length 1400 --method ring --batch 3 --count 3 ";
    const std::string script = sender_line(report, "late", words + "--timeout-ms 200") + "\n" +
                               sender_line(report, "hit", words + "--timeout-ms 2000 --alarm-ms 3000");
    const Traced traced = trace_command({}, {"sh", "-c", script});
    expect_sound(traced);
    const std::vector<Answer> answers = read_answers(report);
    const std::vector<Answer> late = answers_of(answers, "late"), hit = answers_of(answers, "hit");
    ASSERT_EQ(late.size(), 3U);
    for (const Answer& answer : late) EXPECT_EQ(answer.err, ETIMEDOUT);
    ASSERT_EQ(hit.size(), 3U);
    EXPECT_EQ(hit[0].err, ETIMEDOUT);
    EXPECT_EQ(hit[1].err, EINTR);
    EXPECT_EQ(hit[2].err, ETIMEDOUT);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("attempted"), 6U) << shown(traced.run);
    EXPECT_EQ(recording.total("delivered") + recording.total("queued"), 6U) << shown(traced.run);
    EXPECT_EQ(recording.total("ring_idle"), 4U);
    EXPECT_EQ(recording.total("ring_idle_timed_out"), 3U);
    EXPECT_EQ(recording.total("ring_idle_interrupted"), 1U);
}

// Each frame is well-formed: none was passed over, whoever took it.
TEST_F(Rings, of_two_threads_with_PACKET_LOSS_invent_no_send) {
    const std::uint64_t before = device_count("veth0").tx_packets;
    const Traced traced = trace_command(
        {}, {sender_path(), "--bind", "veth0", "--method", "ring-race", "--threads", "2", "--count", "5000"});
    const std::uint64_t sent = device_count("veth0").tx_packets - before;
    expect_sound(traced);
    EXPECT_EQ(sent, 5000U);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("attempted"), 5000U) << shown(traced.run);
    EXPECT_EQ(recording.total("delivered") + recording.total("unknown"), 5000U) << shown(traced.run);
    EXPECT_EQ(recording.total("failed"), 0U) << shown(traced.run);
}

// Some are malformed: those that are told were passed over, and of the others it is said that there may be some.
TEST_F(Rings, of_two_threads_with_PACKET_LOSS_tell_no_more_frames_as_passed_over_than_there_were) {
    const std::string report = scratch("race") + "/report";
    const Traced traced =
        trace_command({}, {sender_path(), "--report", report, "--bind", "veth0", "--method", "ring-race", "--threads",
                           "2", "--count", "5000", "--malformed-each", "7"});
    expect_sound(traced);
    const std::vector<Answer> answers = read_answers(report);
    ASSERT_EQ(answers.size(), 1U);
    const auto frames = static_cast<std::uint64_t>(answers[0].ret);
    const auto malformed = static_cast<std::uint64_t>(answers[0].err);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("delivered") + recording.total("unknown"), frames - malformed) << shown(traced.run);
    EXPECT_GT(recording.total("failed"), 0U);
    EXPECT_LE(recording.total("failed"), malformed);
    EXPECT_TRUE(recording.total("failed") == malformed || recording.total("ring_overlapped") > 0);
    std::printf("told %llu of %llu malformed frames, %llu calls overlapped\n",
                static_cast<unsigned long long>(recording.total("failed")), static_cast<unsigned long long>(malformed),
                static_cast<unsigned long long>(recording.total("ring_overlapped")));
}

}  // namespace
}  // namespace sockray::vm
