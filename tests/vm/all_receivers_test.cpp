// Every packet socket that is offered a frame, by name; held against what the sockets themselves say they got.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <map>
#include <vector>

#include "tests/vm/network.h"
#include "tests/vm/traced.h"
#include "user/base/fd.h"

namespace sockray::vm {
namespace {

class AllReceivers : public KernelTest {
  protected:
    static Fd receiver(const std::string& device) {
        Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x88b5)));
        sockaddr_ll own{};
        own.sll_family = AF_PACKET;
        own.sll_protocol = htons(0x88b5);
        own.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        return fd;
    }
    static std::uint64_t inode_of(const Fd& fd) {
        struct stat status {};
        ::fstat(fd.get(), &status);
        return status.st_ino;
    }
    static unsigned frames_of(const Fd& fd) {
        tpacket_stats counts{};
        socklen_t size = sizeof counts;
        ::getsockopt(fd.get(), SOL_PACKET, PACKET_STATISTICS, &counts, &size);
        return counts.tp_packets - counts.tp_drops;
    }
};

TEST_F(AllReceivers, of_a_frame_are_all_named_and_as_many_took_it_as_say_so) {
    const VethPair pair("vrcv");
    std::vector<Fd> sockets;
    for (int i = 0; i < 4; i++) sockets.push_back(receiver("vrcv1"));
    const std::string file = scratch("receivers") + "/all.pcapng";
    run({"rm", "-f", file});
    const Traced traced = trace_command({"--stages", "full", "-i", "vrcv0", "-w", file},
                                        {sender_path(), "--name", "sender", "--to", "vrcv0", "--count", "3"});
    expect_sound(traced);
    // What a recording tells again is the same.
    for (const std::string& text : {traced.run.out, sockray({"report", "--json", file}).out}) {
        ASSERT_FALSE(text.empty());
        std::map<std::uint64_t, unsigned> taken;
        std::size_t sends = 0;
        for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
            end = std::min(text.find('\n', at), text.size());
            const Json line = Json::parse(text.substr(at, end - at));
            if (line.at("type") != "send") continue;
            sends++;
            EXPECT_EQ(line.at("receivers"), 4U) << line;
            ASSERT_TRUE(line.contains("received_by")) << line;
            EXPECT_EQ(line.at("received_by").size(), 4U) << line;
            for (const Json& one : line.at("received_by"))
                taken[one.at("socket_ino").get<std::uint64_t>()] += one.at("received") == "taken";
        }
        EXPECT_EQ(sends, 3U);
        for (const Fd& socket : sockets) EXPECT_EQ(taken[inode_of(socket)], 3U);
    }
    for (const Fd& socket : sockets) EXPECT_EQ(frames_of(socket), 3U);
    const Completed csv = sockray({"report", "--csv", file});
    EXPECT_NE(csv.out.find(std::to_string(inode_of(sockets[3])) + " taken"), std::string::npos) << shown(csv);
}

// Two CPUs offer frames to one socket, whose filter wants the short ones of the first: what it counts of these is not
// told of the others.
TEST_F(AllReceivers, are_not_said_to_have_taken_a_frame_that_they_did_not_want_while_another_cpu_brought_one_they_did) {
    const VethPair wanted("vwant"), unwanted("vnot");
    Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sock_filter short_ones[] = {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 500, 0, 1),
                                BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 65535)};
    const sock_fprog filter{4, short_ones};
    ASSERT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
    sockaddr_ll own{};
    own.sll_family = AF_PACKET;
    own.sll_protocol = htons(0x88b5);  // on all interfaces
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    const std::string sender = sender_path() + " --count 4000 --name ";
    const Traced traced = trace_command(
        {"--stages", "full"},
        {"sh", "-c", sender + "short --to vwant0 --length 60 & " + sender + "long --to vnot0 --length 1000; wait"});
    expect_sound(traced);
    std::map<std::string, std::map<std::string, unsigned>> answers;
    for (const SendLine& send : traced.recording.sends)
        if (send.receiver_ino == inode_of(fd)) answers[send.comm][send.received]++;
    for (const auto& [comm, received] : answers)
        for (const auto& [word, count] : received) std::printf("%s %s %u\n", comm.c_str(), word.c_str(), count);
    EXPECT_GT(answers["short"]["taken"], 0U);
    EXPECT_EQ(answers["short"]["filtered"], 0U);
    EXPECT_GT(answers["long"]["filtered"], 0U);
    EXPECT_EQ(answers["long"]["taken"] + answers["long"]["full"], 0U);
    tpacket_stats counts{};
    socklen_t size = sizeof counts;
    ASSERT_EQ(::getsockopt(fd.get(), SOL_PACKET, PACKET_STATISTICS, &counts, &size), 0);
    EXPECT_LE(answers["short"]["full"], counts.tp_drops);
    EXPECT_LE(answers["short"]["taken"], counts.tp_packets - counts.tp_drops);
}

}  // namespace
}  // namespace sockray::vm
