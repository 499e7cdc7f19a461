// Lines, trees, socket blocks and the progress line.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "tests/unit/analyze_records.h"
#include "user/base/fd.h"
#include "user/live/constants.h"
#include "user/live/lines.h"
#include "user/live/progress.h"

namespace sockray {
namespace {

constexpr Style plain{false, true, 100, false};
constexpr Style ascii{false, false, 100, false};
constexpr Style terminal{false, true, 100, true};
constexpr Style colored{true, true, 100, true};

std::string text(const Style& style, const std::function<void(Lines&, fmt::memory_buffer&)>& write,
                 bool inlined = false) {
    const Plan plan = made::plan(inlined);
    const made::Names names;
    Lines lines(plan, names, style, 0);
    fmt::memory_buffer out;
    write(lines, out);
    return fmt::to_string(out);
}

std::string line(const Send& send, const Style& style = plain) {
    return text(style, [&](Lines& lines, fmt::memory_buffer& out) { lines.send(out, send); });
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

bool is_ascii(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

TEST(Lines, TellWhoSentWhatHowAndHowItEnded) {
    const std::string delivered = line(made::delivered());
    EXPECT_TRUE(has(delivered,
                    "arping[812]  veth0  sendto   42 =   42  delivered  10.0 us  "
                    "packet_sendmsg>packet_snd>__dev_queue_xmit>dev_hard_start_xmit\n"))
        << delivered;
}

TEST(Lines, HaveATimeOfDayWhateverTheClocksOfARecordingSay) {
    const auto at = [](std::uint64_t ns, std::int64_t realtime_offset) {
        const Plan plan = made::plan(false);
        const made::Names names;
        Lines lines(plan, names, plain, realtime_offset);
        fmt::memory_buffer out;
        TapFrame frame;
        const TapInterface interface { .name = "veth0" };
        frame.interface = &interface;
        frame.realtime_ns = ns;
        lines.frame(out, frame);
        lines.send(out, made::delivered());  // begun at 1,000,000 ns
        return fmt::to_string(out);
    };
    const std::string before_1970 = at(0, -1'001'000);
    EXPECT_TRUE(has(before_1970, ":59.999999 ")) << before_1970;
    for (const std::uint64_t ns : {std::uint64_t{0}, std::uint64_t{1} << 63, UINT64_MAX})
        for (const std::int64_t offset : {INT64_MIN, std::int64_t{-1}, INT64_MAX}) {
            const std::string text = at(ns, offset);
            EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); })) << text;
        }
}

TEST(Lines, GiveTheReasonOfWhatWasNotDelivered) {
    EXPECT_TRUE(has(line(made::failed()), " =   -1  failed     10.0 us  ENETDOWN: veth0 is down\n"));
    EXPECT_TRUE(has(line(made::dropped()), " =   42  dropped    10.0 us  QDISC_DROP at"));
}

TEST(Lines, TellTheFramesOwnTimeWhereItLeftBehindTheReturn) {
    const std::string late = line(made::followed());
    EXPECT_TRUE(has(late, "delivered  10.0 us  frame out after 29.0 us  packet_sendmsg>packet_snd>__dev_queue_xmit\n"))
        << late;
    EXPECT_FALSE(has(line(made::delivered()), "frame out"));
    Send dropped = made::dropped();
    dropped.record.drop_ns = 1'000'000 + 50'000;
    EXPECT_TRUE(has(line(dropped), "inside __dev_queue_xmit; frame dropped after 49.0 us\n")) << line(dropped);
    const std::string shown = line(made::followed(), terminal);
    EXPECT_LE(columns(shown.substr(0, shown.size() - 1)), 100) << shown;
    EXPECT_TRUE(has(shown, "frame out after 29.0 us")) << shown;
}

TEST(Lines, TellThatAReceiverHadNoRoom) {
    Send send = made::followed();
    EXPECT_FALSE(has(line(send), "room"));
    send.record.received = SR_RECEIVED_FULL;
    EXPECT_TRUE(has(line(send), "frame out after 29.0 us; packet socket 777 had no room  ")) << line(send);
    send.record.receivers = 2;
    send.also_received = {{801, 1, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV}};
    EXPECT_TRUE(has(line(send), "; 2 packet sockets had no room  ")) << line(send);
}

TEST(Lines, ShowTheWallClock) {
    const Plan plan = made::plan();
    const made::Names names;
    const std::time_t midday = 1'700'000'000;
    Lines lines(plan, names, plain, static_cast<std::int64_t>(midday) * 1'000'000'000);
    fmt::memory_buffer out;
    lines.send(out, made::delivered(1, 123'456'789));
    std::tm local{};
    ::localtime_r(&midday, &local);
    char expected[32];
    std::strftime(expected, sizeof expected, "%H:%M:%S.123456 ", &local);
    EXPECT_EQ(fmt::to_string(out).substr(0, 16), expected);
}

TEST(Lines, FitATerminalByShorteningThePathFromItsStart) {
    const std::string shown = line(made::delivered(), terminal);
    EXPECT_LE(columns(shown.substr(0, shown.size() - 1)), 100);
    EXPECT_TRUE(has(shown, ">dev_hard_start_xmit\n"));
    EXPECT_FALSE(has(shown, "packet_snd"));
    EXPECT_FALSE(has(line(made::delivered(), {false, true, 80, true}), "xmit"));
}

TEST(Lines, StayAlignedAfterALongerName) {
    const Plan plan = made::plan();
    const made::Names names;
    Lines lines(plan, names, plain, 0);
    Send longer = made::delivered();
    made::set(longer.record.comm, "wpa_supplicant");
    fmt::memory_buffer out;
    lines.send(out, longer);
    const std::string first = fmt::to_string(out);
    out.clear();
    lines.send(out, made::delivered());
    EXPECT_EQ(first.find("veth0"), fmt::to_string(out).find("veth0"));
}

TEST(Lines, NeverPassOnWhatANameWouldDoToATerminal) {
    Send send = made::failed();
    made::set(send.record.comm, "\x1b[2Jx\xff\r");
    made::set(send.record.ifname, "\x1b]0;y\x07");
    send.reason = "ENETDOWN: \x1b]0;y\x07 is down";
    sr_socket socket = made::socket();
    made::set(socket.comm, "\x1b[2Jx\n");
    const std::string shown = text(plain, [&](Lines& lines, fmt::memory_buffer& out) {
        lines.send(out, send);
        lines.tree(out, send);
        lines.socket(out, socket);
        lines.socket_block(out, socket, 1);
    });
    for (const char c : shown) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n') << shown;
    EXPECT_TRUE(has(shown, "\\x1b[2Jx\\xff\\x0d"));
}

TEST(Lines, HaveColorCodesOnlyWhereTheStyleHasColors) {
    const auto everything = [](Lines& lines, fmt::memory_buffer& out) {
        for (const Send& send : {made::delivered(), made::failed(), made::dropped(), made::ring(),
                                 made::ring_of_many(2), made::followed()}) {
            lines.send(out, send);
            lines.tree(out, send);
        }
        for (const sr_socket& socket : {made::socket(), made::refused_socket()}) {
            lines.socket(out, socket);
            lines.socket_block(out, socket, 1);
        }
    };
    EXPECT_FALSE(has(text(plain, everything), "\x1b"));
    EXPECT_TRUE(has(text(colored, everything), "\x1b[32m"));
    EXPECT_FALSE(is_ascii(text(plain, everything)));
    EXPECT_TRUE(is_ascii(text(ascii, everything)));
}

TEST(Lines, ShowASocketInOneLine) {
    const std::string shown =
        text(plain, [](Lines& lines, fmt::memory_buffer& out) { lines.socket(out, made::socket()); });
    EXPECT_TRUE(has(shown, "socket(AF_PACKET, SOCK_RAW, ETH_P_ARP) = 0, inode 34567, packet_ops\n")) << shown;
    const std::string refused =
        text(plain, [](Lines& lines, fmt::memory_buffer& out) { lines.socket(out, made::refused_socket()); });
    EXPECT_TRUE(has(refused, " = -1  EPERM: ")) << refused;
}

TEST(SocketBlock, ShowsEverythingThatTheKernelSetUp) {
    const std::string block =
        text(plain, [](Lines& lines, fmt::memory_buffer& out) { lines.socket_block(out, made::socket(), 3); });
    for (const char* part :
         {"SOCKET 3", "__sock_create", "4.21 us  = 0",
          "family 17 AF_PACKET, type 3 SOCK_RAW, protocol 0x0806 ETH_P_ARP", "asked by user space, uid 0",
          "net_families[17] = packet_family_ops  derived", "family 17, create = packet_create", "└─ packet_create",
          "2.02 us  = 0", "sock->ops = packet_ops", "sendmsg = packet_sendmsg", "sk_family = 17 AF_PACKET",
          "sk_destruct = packet_sock_destruct", "po->num = 0x0806 ETH_P_ARP", "inode 34567"})
        EXPECT_TRUE(has(block, part)) << part << "\n" << block;
}

TEST(SocketBlock, EndsWithTheReasonWhereTheKernelRefused) {
    const std::string block =
        text(plain, [](Lines& lines, fmt::memory_buffer& out) { lines.socket_block(out, made::refused_socket(), 3); });
    EXPECT_TRUE(has(block, "= -EPERM")) << block;
    EXPECT_TRUE(has(block, "CAP_NET_RAW"));
    EXPECT_FALSE(has(block, "sock->ops"));
}

TEST(SocketBlock, FitsInto80Columns) {
    const std::string block = text({false, true, 80, true}, [](Lines& lines, fmt::memory_buffer& out) {
        lines.socket_block(out, made::socket(), 3);
        lines.socket_block(out, made::refused_socket(), 4);
    });
    std::size_t begin = 0;
    for (std::size_t end = block.find('\n'); end != std::string::npos; begin = end + 1, end = block.find('\n', begin))
        EXPECT_LE(columns(std::string_view(block).substr(begin, end - begin)), 80);
}

TEST(Tree, NestsTheStagesWithTheirTimes) {
    const std::string tree =
        text(plain, [](Lines& lines, fmt::memory_buffer& out) { lines.tree(out, made::delivered()); });
    for (const char* part :
         {"SEND 1  arping[812]  sendto, 42 bytes on veth0, socket 34567",
          "  __sys_sendto                          probed      +0 ns  10.0 us\n",
          "  ├─ sockfd_lookup_light                probed    +200 ns   400 ns  socket 34567\n",
          "  └─ __sock_sendmsg                     probed    +800 ns  8.80 us  ops->sendmsg: "
          "packet_sendmsg\n",
          "        └─ packet_snd                   located  +1.20 us  8.00 us\n",
          "              └─ dev_hard_start_xmit    probed   +5.00 us  3.50 us  = 0\n", "  delivered after 10.0 us\n"})
        EXPECT_TRUE(has(tree, part)) << part << "\n" << tree;
}

TEST(Tree, SaysOneByteOfOne) {
    Send send = made::delivered();
    send.record.len = 1;
    const auto tree = [](const Send& of) {
        return text(plain, [&](Lines& lines, fmt::memory_buffer& out) { lines.tree(out, of); });
    };
    EXPECT_TRUE(has(tree(send), "sendto, 1 byte on veth0")) << tree(send);
    EXPECT_TRUE(has(tree(made::delivered()), "sendto, 42 bytes on veth0"));
}

TEST(Tree, ShowsInlinedStagesInTheirPlaceWithoutTimes) {
    const std::string tree = text(
        plain, [](Lines& lines, fmt::memory_buffer& out) { lines.tree(out, made::inlined(made::delivered())); }, true);
    EXPECT_TRUE(has(tree, "  ├─ sockfd_lookup_light                derived   socket 34567\n")) << tree;
    EXPECT_TRUE(has(tree, "  └─ __sock_sendmsg                     derived   ops->sendmsg: packet_sendmsg\n")) << tree;
}

TEST(Tree, EndsWithTheStageAndTheReason) {
    const std::string tree =
        text(plain, [](Lines& lines, fmt::memory_buffer& out) { lines.tree(out, made::failed()); });
    EXPECT_TRUE(has(tree, "= -ENETDOWN\n")) << tree;
    EXPECT_TRUE(has(tree, "  failed in packet_snd after 10.0 us: ENETDOWN: veth0 is down\n")) << tree;
}

std::string tree_of(const Send& send, const Style& style = plain) {
    return text(style, [&](Lines& lines, fmt::memory_buffer& out) { lines.tree(out, send); });
}

TEST(Tree, DoesNotNameTheQueueOfADeviceBelow) {
    Send send = made::followed();
    made::set(send.record.qdisc, "noqueue");
    const std::string tree = tree_of(send);
    EXPECT_TRUE(has(tree, "  of a device below veth0\n")) << tree;
    EXPECT_FALSE(has(tree, "noqueue")) << tree;
}

TEST(Tree, ShowsWhatBecameOfTheFrameBehindTheReturn) {
    const std::string tree = tree_of(made::followed());
    for (const char* part :
         {"           ├─ skb_copy_datagram_from_iter  probed   +2.90 us   100 ns\n",
          "           ├─ packet_parse_headers         probed   +3.10 us   100 ns\n",
          "           └─ packet_xmit                  probed   +3.30 us  5.80 us\n",
          "              └─ __dev_queue_xmit          probed   +3.50 us  5.50 us  = 0\n",
          "                 ├─ qdisc_enqueue          probed   +6.00 us ", "  tbf, 3 frames in it at the return\n",
          "                 ├─ qdisc_dequeue          probed   +28.0 us",
          "                 ├─ ndo_start_xmit         probed   +29.0 us  1.00 us  veth_xmit = 0\n",
          "                 ├─ packet_rcv             probed   +35.0 us ", "  socket 777 has it\n",
          "                 └─ skb_freed              probed   +40.0 us ", "  consumed\n",
          "  delivered after 10.0 us, the frame after 29.0 us\n"})
        EXPECT_TRUE(has(tree, part)) << part << "\n" << tree;
    EXPECT_FALSE(has(tree, "no return")) << tree;
}

// The frame's end within the send says nothing that the send's own does not.
TEST(Tree, TellsTheFramesTimeOnlyWhereItIsLongerThanTheSends) {
    EXPECT_FALSE(has(tree_of(made::delivered()), "the frame after")) << tree_of(made::delivered());
}

TEST(Tree, TellsWhoWasOfferedTheFrameAndWhatItDidWithIt) {
    Send send = made::followed();
    send.record.received = SR_RECEIVED_FULL;
    EXPECT_TRUE(has(tree_of(send), "  socket 777 had no room\n")) << tree_of(send);
    send.record.received = SR_RECEIVED_UNKNOWN;
    EXPECT_TRUE(has(tree_of(send), "  socket 777 was offered others too, what it did is not known\n")) << tree_of(send);
    send.record.received = SR_RECEIVED_FILTERED;
    send.record.receivers = 3;
    EXPECT_TRUE(has(tree_of(send), "  socket 777 did not want it, 3 sockets in all\n")) << tree_of(send);
    for (std::uint64_t ino = 801; ino < 803; ino++) send.also_received.push_back({ino, 1, SR_RECEIVED_TAKEN, 0});
    EXPECT_TRUE(has(tree_of(send), "  socket 777 did not want it, socket 801 has it, socket 802 has it\n"))
        << tree_of(send);
    for (std::uint64_t ino = 803; ino < 810; ino++) send.also_received.push_back({ino, 1, SR_RECEIVED_FULL, 0});
    send.record.receivers = 10;
    EXPECT_TRUE(has(tree_of(send), "socket 802 has it, socket 803 had no room, 10 sockets in all\n")) << tree_of(send);
    send.also_received[0].stage = SR_STAGE_TPACKET_RCV;
    EXPECT_TRUE(has(tree_of(send), "socket 801 (ring) has it, ")) << tree_of(send);
}

TEST(Tree, TellsThatAFilterPassedTheFrameOn) {
    Send send = made::followed();
    send.record.flags |= SR_SEND_PASSED_ON;
    made::set(send.record.passed_on_to, "vout0");
    EXPECT_TRUE(has(tree_of(send), "passed the frame on to vout0")) << tree_of(send);
    EXPECT_TRUE(has(line(send), "passed the frame on to vout0")) << line(send);
}

TEST(Tree, TellsWhyTheFrameWasFreed) {
    Send send = made::followed();
    send.record.freed_reason = 17;
    EXPECT_TRUE(has(tree_of(send), "  QDISC_DROP\n")) << tree_of(send);
    EXPECT_FALSE(has(tree_of(send), "consumed")) << tree_of(send);
}

TEST(Tree, TellsWhatTheDriverReturned) {
    Send send = made::followed();
    send.record.driver_ret = 1;
    EXPECT_TRUE(has(tree_of(send), "  veth_xmit = 1\n")) << tree_of(send);
}

TEST(Tree, OfAFrameOfATxRingShowsTheReturnValuesOfThatFrame) {
    const std::string tree = tree_of(made::ring_of_many(3));
    EXPECT_TRUE(has(tree, "tpacket_snd")) << tree;
    EXPECT_TRUE(has(tree, "= 42\n")) << tree;
    EXPECT_FALSE(has(tree, " frames\n")) << tree;
    EXPECT_TRUE(has(tree, "  delivered after 32.8 us\n")) << tree;
}

TEST(Constants, AreSpelledAsTheHeadersSpellThem) {
    EXPECT_EQ(family_text(17), "AF_PACKET");
    EXPECT_EQ(sock_type_text(10), "SOCK_PACKET");
    EXPECT_EQ(sock_type_text(99), "99");
    EXPECT_EQ(ethertype_text(3), "ETH_P_ALL");
    EXPECT_EQ(ethertype_text(0x0800), "ETH_P_IP");
    EXPECT_EQ(ethertype_text(0xabcd), "0xabcd");
    EXPECT_EQ(ethertype_text(0), "0");
}

class ProgressTest : public ::testing::Test {
  protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        out_.reset(ends[0]);
        in_.reset(ends[1]);
    }
    std::string written() {
        char buffer[4096];
        const ssize_t size = ::read(out_.get(), buffer, sizeof buffer);
        return {buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }
    static constexpr std::uint64_t second = 1'000'000'000;
    Fd out_;
    Fd in_;
};

TEST_F(ProgressTest, IsSilentWhereThereIsNoTerminal) {
    Progress progress(in_.get(), plain, 100, second);
    progress.update({50, {50}, 0}, 2 * second);
    progress.clear();
    EXPECT_EQ(written(), "");
}

TEST_F(ProgressTest, SaysHowFarTheRunHasCome) {
    Progress progress(in_.get(), terminal, 100, second);
    progress.update({50, {47, 0, 3, 0, 0}, 2}, 2 * second);
    const std::string shown = written();
    EXPECT_EQ(shown[0], '\r');
    EXPECT_TRUE(has(shown, "50 of 100 sends, 50 %  50/s  0:01  0:01 left  3 failed  2 lost")) << shown;
    EXPECT_LT(columns(shown) - 1, 100) << "the last column would wrap";
}

TEST_F(ProgressTest, DrawsAtMostTenTimesASecond) {
    Progress progress(in_.get(), terminal, 100, second);
    progress.update({1, {1}, 0}, 2 * second);
    EXPECT_NE(written(), "");
    progress.update({2, {2}, 0}, 2 * second + 99'999'999);
    EXPECT_EQ(written(), "");
    progress.update({3, {3}, 0}, 2 * second + 100'000'000);
    EXPECT_NE(written(), "");
}

TEST_F(ProgressTest, LeavesNothingBehindWhenItEnds) {
    {
        Progress progress(in_.get(), terminal, std::nullopt, second);
        progress.update({7, {7}, 0}, 2 * second);
        EXPECT_TRUE(has(written(), "7 sends"));
    }
    EXPECT_EQ(written(), "\r" + std::string(99, ' ') + "\r");
}

TEST_F(ProgressTest, LeavesOutWhatANarrowTerminalHasNoRoomFor) {
    Progress progress(in_.get(), {false, true, 20, true}, 100000, second);
    progress.update({50, {47, 0, 3, 0, 0}, 2}, 2 * second);
    EXPECT_LE(columns(written()), 20);
}

}  // namespace
}  // namespace sockray
