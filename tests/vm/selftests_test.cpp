// The kernel's own tests of packet sockets (tools/testing/selftests/net), run under trace: every send is there, as
// strace saw it, by the path that the test takes, with the errno that the test expects. tests/vm/selftests brings the
// programs.
#include <gtest/gtest.h>

#include <map>

#include "tests/vm/strace.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Selftests : public KernelTest {
  protected:
    struct Outcome {
        Traced traced;
        StraceLog strace;
    };
    // Runs `script` beside the selftests under strace, under trace.
    static Outcome run_selftest(const std::string& name, const std::string& script) {
        const std::string folder = scratch("selftest_" + name);
        const std::string command = "cd " + beside_test("selftests") + " && " + script;
        Outcome outcome{trace_command({"--stages", "device"}, under_strace(folder + "/log", {"bash", "-c", command})),
                        {}};
        outcome.strace = read_strace(folder + "/log");
        return outcome;
    }
    static void expect_every_send(const Outcome& outcome, const std::string& comm) {
        EXPECT_EQ(outcome.traced.run.status, 0) << shown(outcome.traced.run);
        expect_sound(outcome.traced);
        EXPECT_EQ(outcome.traced.recording.all_lost(), 0U);
        expect_as_strace_saw(outcome.traced.recording.sends_of(comm), outcome.strace.sends_of(comm));
    }
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) return;
        if (run({"test", "-x", beside_test("selftests") + "/psock_snd"}).status != 0)
            GTEST_SKIP() << "the kernel's selftests are not in this guest";
    }
};

TEST_F(Selftests, psock_snd_all_cases_of_psock_snd_sh) {
    const Outcome outcome = run_selftest("psock_snd", "bash ./psock_snd.sh");
    EXPECT_NE(outcome.traced.run.err.find("OK. All tests passed"), std::string::npos) << shown(outcome.traced.run);
    expect_every_send(outcome, "psock_snd");
    std::map<std::string, int> failed;
    int bypassed = 0;
    for (const SendLine& send : outcome.traced.recording.sends_of("psock_snd")) {
        EXPECT_TRUE(send.stage("packet_snd"));
        bypassed += send.stage("__dev_direct_xmit") != nullptr;
        if (send.outcome == "failed")
            failed[send.reason.substr(0, send.reason.find(':'))]++;
        else
            EXPECT_EQ(send.outcome, "delivered") << send.reason;
    }
    EXPECT_EQ(bypassed, 1);
    // One byte too many: raw, VLAN and SOCK_DGRAM. A checksum past the frame's end, and a header cut short. (Over the
    // largest GSO frame psock_snd itself gives up.)
    EXPECT_EQ(failed, (std::map<std::string, int>{{"EINVAL", 2}, {"EMSGSIZE", 3}}));
}

TEST_F(Selftests, psock_tpacket_sends_through_its_TX_rings_frame_by_frame) {
    const Outcome outcome = run_selftest("psock_tpacket", "./psock_tpacket");
    EXPECT_NE(outcome.traced.run.err.find("OK. All tests passed"), std::string::npos) << shown(outcome.traced.run);
    expect_every_send(outcome, "psock_tpacket");
    std::size_t frames = 0;
    for (const SendLine& send : outcome.traced.recording.sends_of("psock_tpacket")) {
        EXPECT_EQ(send.outcome, "delivered") << send.reason;
        frames += send.stage("tpacket_snd") != nullptr;
    }
    // NUM_PACKETS (100) by TPACKET_V1, V2 and V3.
    EXPECT_EQ(frames, 300U);
}

TEST_F(Selftests, txring_overwrite_sends_its_frames_from_the_ring) {
    const Outcome outcome = run_selftest("txring_overwrite", "./txring_overwrite");
    expect_every_send(outcome, "txring_overwrit");
    // Two frames, a call each: the second overwrites nothing of the first, and both come to the receiver.
    const std::vector<SendLine> frames = outcome.traced.recording.sends_of("txring_overwrit");
    ASSERT_EQ(frames.size(), 2U);
    for (const SendLine& frame : frames) {
        EXPECT_TRUE(frame.stage("tpacket_snd"));
        EXPECT_EQ(frame.ring_frame, 0U);
        EXPECT_EQ(frame.outcome, "delivered") << frame.reason;
        EXPECT_EQ(frame.ifname, "lo");
        EXPECT_EQ(frame.len, frames[0].len);
        EXPECT_EQ(frame.ret, static_cast<std::int64_t>(frame.len));
    }
}

}  // namespace
}  // namespace sockray::vm
