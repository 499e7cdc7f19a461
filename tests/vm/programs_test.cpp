// Programs that nobody here wrote, traced by sockray and by strace at once: both saw the same sends.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/vm/strace.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

// A capture file (pcap, Ethernet) with frames of these lengths.
std::string pcap_of(const std::vector<std::uint32_t>& lengths) {
    std::string file;
    const auto word = [&](std::uint32_t value) { file.append(reinterpret_cast<const char*>(&value), sizeof value); };
    for (const std::uint32_t value : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) word(value);
    for (const std::uint32_t length : lengths) {
        for (const std::uint32_t value : {1U, 0U, length, length}) word(value);
        std::string frame("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5", 14);
        frame.resize(length, 'x');
        file += frame;
    }
    return file;
}

constexpr const char* trafgen_config =
    "{ fill(0xff, 6), 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0xb5, fill(0x41, 46) }\n";
constexpr const char* dhclient_config = "timeout 2;\ninitial-interval 1;\nretry 1;\n";

struct Programs {
    std::string missing;  // a program that is not there
    Traced traced;
    StraceLog strace;
};

// All of them in one trace: each is told apart by its name.
const Programs& programs() {
    static const Programs once = [] {
        Programs programs;
        programs.missing = missing_tool({"strace", "sh", "arping", "trafgen", "tcpreplay", "udhcpc", "dhclient"});
        if (!programs.missing.empty()) return programs;
        const std::string folder = scratch("programs");
        write_file(folder + "/trafgen.cfg", trafgen_config);
        write_file(folder + "/dhclient.conf", dhclient_config);
        write_file(folder + "/frames.pcap", pcap_of({60, 100, 1514, 1600, 1514, 64}));
        const std::string script =
            "cd " + folder + "\n" +
            "arping -c 3 -w 4 -I veth0 10.9.0.77\n"
            "trafgen --dev veth0 --conf trafgen.cfg --gap 1ms --num 50 -P 1 --no-sock-mem\n"
            "trafgen --dev veth0 --conf trafgen.cfg --num 32 -P 1 --no-sock-mem\n"
            "udhcpc -n -q -t 2 -T 1 -i veth0 -f -s /bin/true\n"
            "tcpreplay --topspeed -i veth0 frames.pcap\n"
            "dhclient -1 -d -sf /bin/true -lf $PWD/leases -pf $PWD/pid -cf $PWD/dhclient.conf veth0\n"
            "exit 0\n";
        programs.traced = trace_command({}, under_strace(folder + "/log", {"sh", "-c", script}));
        programs.strace = read_strace(folder + "/log");
        return programs;
    }();
    return once;
}

class TheSends : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (!IsSkipped() && !programs().missing.empty()) GTEST_SKIP() << "there is no " << programs().missing;
    }

    // Every call that strace saw is a send that sockray saw, the same in each respect and in the same order.
    static void expect_same(const std::string& comm, std::size_t at_least) {
        const std::vector<SeenSend> calls = programs().strace.sends_of(comm);
        EXPECT_GE(calls.size(), at_least) << shown(programs().traced.run);
        const std::vector<SendLine> sends = programs().traced.recording.sends_of(comm);
        expect_as_strace_saw(sends, calls);
        for (const SendLine& send : sends) EXPECT_EQ(send.ifname, "veth0");
    }

    static void expect_all_delivered(const std::string& comm) {
        for (const SendLine& send : programs().traced.recording.sends_of(comm))
            EXPECT_EQ(send.outcome, "delivered") << send.reason;
    }
};

TEST_F(TheSends, of_arping_are_shown_as_strace_counts_them) {
    expect_same("arping", 3);
    expect_all_delivered("arping");
}

TEST_F(TheSends, of_trafgen_are_shown_as_strace_counts_them) {
    expect_same("trafgen", 51);
    expect_all_delivered("trafgen");
}

TEST_F(TheSends, of_trafgen_with_a_gap_are_plain_sendto_through_packet_snd) {
    std::size_t plain = 0;
    for (const SendLine& send : programs().traced.recording.sends_of("trafgen"))
        if (send.entry == "sendto" && send.stage("packet_snd")) plain++;
    EXPECT_EQ(plain, 50U);
}

TEST_F(TheSends, of_trafgen_by_default_are_the_frames_of_a_TX_ring_through_tpacket_snd) {
    std::uint64_t frames = 0;
    for (const SendLine& send : programs().traced.recording.sends_of("trafgen"))
        if (send.stage("tpacket_snd")) {
            EXPECT_EQ(send.stage("tpacket_snd")->evidence, "located");
            EXPECT_EQ(send.ring_frame, frames);
            EXPECT_EQ(send.ret, static_cast<std::int64_t>(send.len));
            frames++;
        }
    EXPECT_EQ(frames, 32U);
}

TEST_F(TheSends, of_udhcpc_are_shown_as_strace_counts_them) {
    expect_same("udhcpc", 2);
    expect_all_delivered("udhcpc");
}

TEST_F(TheSends, of_dhclient_are_shown_as_strace_counts_them) {
    expect_same("dhclient", 1);
    expect_all_delivered("dhclient");
    for (const SendLine& send : programs().traced.recording.sends_of("dhclient")) EXPECT_EQ(send.entry, "write");
}

TEST_F(TheSends, of_tcpreplay_are_shown_with_the_one_that_failed) {
    expect_same("tcpreplay", 6);
    std::size_t failed = 0;
    for (const SendLine& send : programs().traced.recording.sends_of("tcpreplay")) {
        if (send.outcome != "failed") continue;
        failed++;
        EXPECT_EQ(send.reason.substr(0, 9), "EMSGSIZE:");
        EXPECT_NE(send.reason.find("1600 bytes, veth0 takes at most 1514 (MTU 1500 + 14)"), std::string::npos)
            << send.reason;
    }
    EXPECT_GE(failed, 1U);
}

TEST_F(TheSends, all_together_are_as_many_as_strace_counts) {
    expect_sound(programs().traced);
    std::size_t more_frames = 0;  // of the calls on a TX ring, behind each call's first
    for (const SendLine& send : programs().traced.recording.sends) more_frames += send.ring_frame.value_or(0) > 0;
    EXPECT_EQ(programs().traced.recording.total("attempted") - more_frames, programs().strace.send_count());
    EXPECT_EQ(programs().traced.recording.all_lost(), 0U);
}

TEST_F(TheSends, create_the_sockets_that_strace_saw_with_type_and_protocol) {
    std::map<std::uint64_t, std::vector<Json>> shown_of;
    for (const Json& socket : programs().traced.recording.sockets)
        shown_of[socket.value("pid", std::uint64_t{0})].push_back(socket);
    std::size_t calls = 0;
    for (const auto& [pid, seen] : programs().strace.sockets) {
        calls += seen.size();
        ASSERT_EQ(shown_of[pid].size(), seen.size()) << "process " << pid;
        for (std::size_t i = 0; i < seen.size(); i++) {
            const Json& socket = shown_of[pid][i];
            EXPECT_EQ(socket.value("sock_type", -1), seen[i].type) << socket;
            EXPECT_EQ(socket.value("protocol", -1), seen[i].protocol) << socket;
            EXPECT_EQ(socket.value("ino", std::uint64_t{0}), seen[i].ino) << socket;
        }
    }
    EXPECT_GT(calls, 5U);
    EXPECT_EQ(programs().traced.recording.sockets.size(), calls);
}

}  // namespace
}  // namespace sockray::vm
