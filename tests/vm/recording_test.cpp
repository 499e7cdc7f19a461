// Recordings: the file says what the session said, and its frames are those that came out at the other end.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

class Recordings : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        folder_ = scratch("recordings");
    }
    std::string file(const std::string& name) const { return folder_ + "/" + name; }

    // The frames as tcpdump shows them, byte for byte and without their times.
    static std::vector<std::string> frames(const std::string& path) {
        const Completed dump = run({"tcpdump", "-n", "-t", "-xx", "-Z", "root", "-r", path});
        EXPECT_EQ(dump.status, 0) << shown(dump);
        std::vector<std::string> all;
        for (const std::string& line : lines_of(dump.out)) {
            if (line.empty() || line[0] != '\t')
                all.emplace_back();  // the words that tcpdump finds for it
            else if (!all.empty())
                all.back() += line;
        }
        return all;
    }

    // What came out of veth1 while sockray ran with these options, and what it recorded.
    void expect_what_came_out(const Arguments& options, std::size_t count, std::size_t snaplen = 262144) const {
        const std::string received = file("received.pcap");
        const std::string recorded = file("recorded.pcapng");
        const std::string most = std::to_string(snaplen);
        Process tcpdump({"tcpdump", "-i", "veth1", "-Q", "in", "-B", "8192", "-U", "-Z", "root", "-s", most, "-w",
                         received, "ether", "proto", "0x88b5"});
        ASSERT_TRUE(tcpdump.wait_for_err("listening"));
        Arguments words{"run", "-i", "veth0", "--no-calibrate", "-c", std::to_string(count),
                        "-s",  most, "-w",    recorded};
        words.insert(words.end(), options.begin(), options.end());
        const Arguments hooks = quick_hooks();
        words.insert(words.end(), hooks.begin(), hooks.end());
        const Completed done = sockray(words);
        ASSERT_EQ(done.status, 0) << shown(done);
        // tcpdump's buffer is handed over when it is full or a second is over. Its file may end within a frame.
        const auto frames_received = [&] {
            const auto lines = lines_of(run({"tcpdump", "-n", "-t", "-Z", "root", "-r", received}).out);
            return std::ranges::count_if(lines, [](const std::string& line) { return !line.starts_with('\t'); });
        };
        for (int i = 0; i < 100 && frames_received() < static_cast<std::ptrdiff_t>(count); i++)
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        tcpdump.signal(SIGINT);
        tcpdump.finish();
        // A sender that comes to another CPU overtakes its own frames, which wait for the first one's softirq: in no
        // order.
        auto sent = frames(recorded), came = frames(received);
        std::ranges::sort(sent);
        std::ranges::sort(came);
        EXPECT_EQ(sent.size(), count);
        EXPECT_EQ(sent, came);
    }

  private:
    std::string folder_;
};

TEST_F(Recordings, tell_every_line_that_the_session_told) {
    const VethPair tiny("vtiny");
    tiny.set_qdisc("tbf rate 8bit burst 1600 limit 1000");
    const std::string script = sender_line(file("a"), "good", "--to veth0 --count 200") + "\n" +
                               sender_line(file("b"), "failing", "--to veth0 --length 1515 --count 30") + "\n" +
                               sender_line(file("c"), "dropped", "--to vtiny0 --length 1000 --count 20") + "\n";
    for (const char* name : {"live.pcapng", "live.pcapng.zst"}) {
        const Completed live = sockray(
            {"trace", "--json", "--no-calibrate", "--stages", "full", "-w", file(name), "--", "sh", "-c", script});
        ASSERT_EQ(live.status, 0) << shown(live);
        const Completed report = sockray({"report", "--json", file(name)});
        ASSERT_EQ(report.status, 0) << shown(report);
        std::vector<std::string> told;
        for (const std::string& line : lines_of(report.out))
            if (!line.starts_with(R"({"type":"finding")") && !line.starts_with(R"({"type":"looked_at")"))
                told.push_back(line);
        EXPECT_EQ(told, lines_of(live.out));
        EXPECT_GT(told.size(), 250U);
    }
}

TEST_F(Recordings, hold_the_frames_that_came_out_at_the_other_end) {
    expect_what_came_out({"--size", "60-1514"}, 400);
    expect_what_came_out({"--size", "60-1514", "--method", "ring-v3", "--batch", "16"}, 200);
    expect_what_came_out({"--size", "60-1514", "--method", "ring-v1"}, 100);
    expect_what_came_out({"--size", "60-1500", "--socket", "dgram"}, 100);
    matrix_cell("recorded", "800/800");
}

TEST_F(Recordings, with_a_snaplen_hold_so_much_of_each_frame_and_how_long_it_was) {
    for (const Arguments& options : {Arguments{"--size", "600"}, Arguments{"--size", "600", "--bypass"}}) {
        expect_what_came_out(options, 40, 96);
        const std::string recorded = file("recorded.pcapng");
        const Completed heads = run({"tcpdump", "-e", "-n", "-Z", "root", "-r", recorded});
        std::size_t whole_lengths = 0;
        for (const std::string& line : lines_of(heads.out))
            whole_lengths += line.find("length 600:") != std::string::npos;
        EXPECT_EQ(whole_lengths, 40U) << shown(heads);
        constexpr std::size_t lines_of_96_bytes = 6;
        const Completed bytes = run({"tcpdump", "-n", "-xx", "-Z", "root", "-c", "1", "-r", recorded});
        std::size_t lines = 0;
        for (const std::string& line : lines_of(bytes.out)) lines += line.starts_with("\t0x");
        EXPECT_EQ(lines, lines_of_96_bytes) << shown(bytes);
        const Completed report = sockray({"report", recorded});
        EXPECT_EQ(report.status, 0) << shown(report);
        EXPECT_EQ(report.err, "") << "nothing of the recording is lost with the bytes";
    }
}

TEST_F(Recordings, hold_frames_past_the_taps_and_those_in_page_fragments) {
    if (!has_symbol("page_offset_base"))
        GTEST_SKIP() << "here nothing says where the bytes of page fragments are; the ledger counts them as not read";
    configure("ip link set veth0 mtu 9000");
    configure("ip link set veth1 mtu 9000");
    expect_what_came_out({"--size", "9000", "--bypass"}, 50);
    configure("ip link set veth0 mtu 1500");
    configure("ip link set veth1 mtu 1500");
}

TEST_F(Recordings, keep_what_was_sent_when_sockray_is_killed) {
    const std::string path = file("killed.pcapng");
    const std::uint64_t before = device_count("veth0").tx_packets;
    Process traced =
        start_sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "100000", "--rate", "500", "-w", path});
    // What waits to be written when it is killed is lost: far fewer than half of these.
    while (traced.running() && device_count("veth0").tx_packets < before + 2000)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    traced.signal(SIGKILL);
    traced.finish();
    const Completed report = sockray({"report", "--json", path});
    ASSERT_EQ(report.status, 0) << shown(report);
    const Recording recording = read_back(report).recording;
    EXPECT_GT(recording.sends.size(), 500U);
    EXPECT_EQ(recording.total("decoded"), recording.sends.size());
    EXPECT_NE(sockray({"diagnose", "--json", path}).out.find("\"incomplete-recording\""), std::string::npos);
}

TEST_F(Recordings, end_with_a_message_when_the_disk_is_full_and_the_session_goes_on) {
    ASSERT_EQ(run({"sh", "-c", "mkdir -p /tmp/small && mount -t tmpfs -o size=256k none /tmp/small"}).status, 0);
    const Completed done =
        sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "5000", "-w", "/tmp/small/full.pcapng"});
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("recording has ended: cannot write to /tmp/small/full.pcapng: No space left on device"),
              std::string::npos)
        << shown(done);
    EXPECT_NE(done.out.find("LEDGER"), std::string::npos);
    EXPECT_NE(done.out.find("\n  sends to record "), std::string::npos) << shown(done);
    EXPECT_NE(done.out.find("\n    not written: cannot write to /tmp/small/full.pcapng"), std::string::npos);
    const Completed report = sockray({"report", "/tmp/small/full.pcapng"});
    EXPECT_EQ(report.status, 0) << shown(report);
    EXPECT_NE(report.err.find("was cut off"), std::string::npos) << shown(report);
    run({"umount", "/tmp/small"});
}

TEST_F(Recordings, divided_into_files_are_one_session) {
    const std::string path = file("part");
    const Completed done = sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "3000", "-w", path, "-C", "500K"});
    ASSERT_EQ(done.status, 0) << shown(done);
    const Completed report = sockray({"report", "--json", path, path + "1", path + "2"});
    ASSERT_EQ(report.status, 0) << shown(report);
    EXPECT_GT(read_back(report).recording.sends.size(), 1500U);
}

TEST_F(Recordings, go_to_a_pipe_with_the_words_on_standard_error) {
    const Completed done =
        run({"sh", "-c",
             sockray_path() + " run -i veth0 --no-calibrate -c 50 -w - | tcpdump -n -Z root -r - | grep -c ethertype"});
    EXPECT_NE(done.out.find("50"), std::string::npos) << shown(done);
    EXPECT_NE(done.err.find("LEDGER"), std::string::npos) << shown(done);
}

}  // namespace
}  // namespace sockray::vm
