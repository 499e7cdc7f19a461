// sockray capture on a veth pair in a network namespace of its own: skipped where this process may not make one.
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// In a thread with a network namespace of its own, which sockray inherits. Returns why it could not, or "".
template <typename Body>
std::string in_veth_namespace(Body body) {
    std::string problem;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            problem = "cannot make a network namespace";
            return;
        }
        constexpr const char* commands =
            "{ ! test -e /proc/sys/net/ipv6/conf/default || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; } && "
            "ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up";
        if (std::system(commands) != 0)
            problem = std::string("this does not work here: ") + commands;
        else
            body();
    }).join();
    return problem;
}

#define IN_A_NAMESPACE(...) \
    if (const auto problem = in_veth_namespace([&] { __VA_ARGS__ }); !problem.empty()) GTEST_SKIP() << problem

void send_from(const char* name, std::uint16_t type) {
    const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex(name));
    std::array<std::uint8_t, 60> frame{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1};
    frame[12] = static_cast<std::uint8_t>(type >> 8);
    frame[13] = static_cast<std::uint8_t>(type);
    ::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ::close(fd);
}

// While both ends send, one frame each way every few milliseconds, and one of another type.
Ended captured(const Words& words, const Surroundings& surroundings = {}) {
    std::atomic<bool> done = false;
    std::thread sender([&] {  // in the namespace of its maker
        while (!done) {
            send_from("veth0", 0x88b5);
            send_from("veth1", 0x88b5);
            send_from("veth1", 0x88b6);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    });
    Words all = words;
    all.insert(all.begin() + 1, "--no-trace");  // a machine that can trace tells the same
    Ended ended = sockray(all, surroundings);
    done = true;
    sender.join();
    return ended;
}

std::vector<nlohmann::json> objects_of(const std::string& text) {
    std::vector<nlohmann::json> objects;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
    return objects;
}

std::uint64_t accounted(const nlohmann::json& ledger) {
    return ledger["received"].get<std::uint64_t>() + ledger["sent"].get<std::uint64_t>() +
           ledger["beyond"].get<std::uint64_t>() + ledger["lost"]["dropped"].get<std::uint64_t>() +
           ledger["lost"]["unread"].get<std::uint64_t>();
}

TEST(Capture, TellsAsManyFramesAsAskedForAndBalances) {
    IN_A_NAMESPACE({
        for (const std::string fanout : {"1", "3"}) {
            const Ended ended = captured({"capture", "-i", "veth0", "-c", "20", "--json", "--fanout", fanout});
            ASSERT_EQ(ended.status, 0) << ended.err;
            const auto objects = objects_of(ended.out);
            ASSERT_EQ(objects.size(), 21U);
            std::size_t received = 0;
            for (std::size_t i = 0; i < 20; i++) {
                EXPECT_EQ(objects[i]["type"], "frame");
                EXPECT_EQ(objects[i]["ifname"], "veth0");
                EXPECT_EQ(objects[i]["len"], 60);
                received += objects[i]["direction"] == "in";
            }
            EXPECT_EQ(objects[20]["type"], "capture");
            EXPECT_EQ(objects[20]["received"], received);
            EXPECT_EQ(objects[20]["sent"], 20 - received);
            EXPECT_GT(received, 5U);
            EXPECT_LT(received, 20U);
            EXPECT_EQ(objects[20]["seen"], accounted(objects[20]));
        }
    });
}

TEST(Capture, TakesAFilterOfSeveralWords) {
    IN_A_NAMESPACE({
        const Ended ended = captured({"capture", "-i", "veth0", "--json", "-c", "5", "ether", "proto", "0x88b6"});
        ASSERT_EQ(ended.status, 0) << ended.err;
        for (const auto& object : objects_of(ended.out)) {
            if (object["type"] != "frame") continue;
            EXPECT_EQ(object["ethertype"], 0x88b6);
            EXPECT_EQ(object["direction"], "in");
        }
    });
}

TEST(Capture, ShowsALineAFrameAndTheLedger) {
    IN_A_NAMESPACE({
        const Ended ended = captured({"capture", "-i", "veth1", "-c", "6"});
        ASSERT_EQ(ended.status, 0) << ended.err;
        EXPECT_EQ(ended.first_error(), "sockray: ready");
        EXPECT_NE(ended.first_line().find("veth1"), std::string::npos) << ended.out;
        EXPECT_NE(ended.out.find("\nCAPTURE  veth1\n"), std::string::npos) << ended.out;
        EXPECT_EQ(ended.out.find("LEDGER"), std::string::npos) << "nothing was traced";
    });
}

TEST(Capture, IsRecordedAndReported) {
    const std::string file = (fs::temp_directory_path() / ("sockray-capture-" + std::to_string(::getpid()))).string();
    IN_A_NAMESPACE({
        const Ended ended = captured({"capture", "-i", "veth0", "-c", "30", "-w", file});
        ASSERT_EQ(ended.status, 0) << ended.err;
        EXPECT_EQ(ended.out.find("0x88b5"), std::string::npos) << "frames are written, not shown";
        const Ended report = sockray({"report", file});
        EXPECT_EQ(report.status, 0) << report.err;
        EXPECT_NE(report.out.find(ended.out.substr(ended.out.find("CAPTURE"))), std::string::npos)
            << report.out << "\n--- live:\n"
            << ended.out;
        const Ended json = sockray({"report", "--json", file});
        EXPECT_EQ(json.status, 0) << json.err;
        std::size_t frames = 0;
        for (const auto& object : objects_of(json.out)) frames += object["type"] == "frame";
        EXPECT_EQ(frames, 30U);
        const Ended nothing = sockray({"diff", file, file});
        EXPECT_EQ(nothing.status, 1) << nothing.out;
        EXPECT_NE(nothing.err.find("has no sends: there is nothing to compare"), std::string::npos) << nothing.err;
        // Nothing was traced: what is of sends alone says so and what to do, and writes nothing.
        const std::string out = file + ".out";
        for (const Words& words : {Words{"diagnose", file}, Words{"diagnose", "--json", file},
                                   Words{"report", "--csv", file}, Words{"report", "--timeline", out, file},
                                   Words{"report", "--flame", out, file}, Words{"report", "--folded", out, file}}) {
            const Ended refused = sockray(words);
            EXPECT_EQ(refused.status, 1) << words[0] << " " << words[1];
            EXPECT_EQ(refused.out, "");
            EXPECT_NE(refused.err.find("has 30 captured frames and no sends: none was traced"), std::string::npos)
                << refused.err;
            EXPECT_NE(refused.err.find("without --no-trace"), std::string::npos) << refused.err;
            EXPECT_TRUE(!fs::exists(out) || fs::file_size(out) == 0);
        }
        const Ended page = sockray({"report", "--html", out, file});
        EXPECT_EQ(page.status, 0) << page.err;
        EXPECT_GT(fs::file_size(out), 1000U);
        fs::remove(out);
        // Others read it too, as an Ethernet capture.
        if (std::system("command -v tcpdump >/dev/null 2>&1") == 0) {
            // It becomes another user, who may not read our file, where it is not told to stay.
            const std::string count = "tcpdump --count -Z root -r " + file + " 2>/dev/null | grep -q '^30 packets'";
            EXPECT_EQ(std::system(count.c_str()), 0);
        }
    });
    fs::remove(file);
}

TEST(Capture, WithoutRoomForItsFileSaysHowManyFramesAreInIt) {
    const std::string file = (fs::temp_directory_path() / ("sockray-full-" + std::to_string(::getpid()))).string();
    IN_A_NAMESPACE({
        for (const std::string path : {file, file + ".zst"}) {
            rlimit before{};
            ::getrlimit(RLIMIT_FSIZE, &before);
            const rlimit small{8'000, before.rlim_max};
            ::setrlimit(RLIMIT_FSIZE, &small);
            const Ended ended = captured({"capture", "-i", "veth0", "-c", "20000", "-w", path});
            ::setrlimit(RLIMIT_FSIZE, &before);
            EXPECT_EQ(ended.status, 1) << ended.err;
            EXPECT_NE(ended.err.find("cannot write to " + path + ": File too large"), std::string::npos) << ended.err;
            EXPECT_NE(ended.out.find("CAPTURE"), std::string::npos) << "the ledger";
            std::size_t frames = 0;
            for (const auto& object : objects_of(sockray({"report", "--json", path}).out))
                frames += object["type"] == "frame";
            const std::string said =
                frames ? "in " + path + " are " + std::to_string(frames) + " frames" : "nothing of it is left";
            EXPECT_NE(ended.err.find(said), std::string::npos) << ended.err << said;
            const std::string row = " = written " + std::to_string(frames) + " + not written ";
            EXPECT_NE(ended.out.find(row), std::string::npos) << ended.out << row;
            EXPECT_NE(ended.out.find("not written: cannot write to " + path), std::string::npos) << ended.out;
            fs::remove(path);
        }
    });
}

TEST(Capture, WhoseFileIsRemovedEndsWithTheLedgerAndStatusOne) {
    const fs::path folder = fs::temp_directory_path() / ("sockray-removed-" + std::to_string(::getpid()));
    IN_A_NAMESPACE({
        fs::create_directory(folder);
        std::thread remover([&] {
            std::this_thread::sleep_for(std::chrono::seconds(2));
            fs::remove_all(folder);
        });
        const Ended ended = captured({"capture", "-i", "veth0", "-c", "20000", "-w", folder / "a"});
        remover.join();
        EXPECT_EQ(ended.status, 1) << ended.err;
        EXPECT_NE(ended.err.find("a was removed while it was written\nsockray:   nothing of it is left"),
                  std::string::npos)
            << ended.err;
        EXPECT_NE(ended.out.find("CAPTURE"), std::string::npos) << "the ledger";
    });
}

TEST(Capture, RecordedByTimeKeepsItsOwnFilesAndEndsWithTheLast) {
    const fs::path folder = fs::temp_directory_path() / ("sockray-timed-" + std::to_string(::getpid()));
    IN_A_NAMESPACE({
        fs::create_directory(folder);
        const Ended ended =
            captured({"capture", "-i", "veth0", "-c", "20000", "-w", folder / "a-%Y", "-G", "1", "-W", "3"});
        EXPECT_EQ(ended.status, 0) << ended.err;
        Words files;
        for (const auto& file : fs::directory_iterator(folder)) files.push_back(file.path());
        std::sort(files.begin(), files.end());
        EXPECT_EQ(files.size(), 3U);
        files.insert(files.begin(), "report");
        const Ended report = sockray(files);
        EXPECT_EQ(report.status, 0);
        EXPECT_EQ(report.err, "");
        EXPECT_NE(report.out.find(ended.out.substr(ended.out.find("CAPTURE"))), std::string::npos) << report.out;
        fs::remove_all(folder);
    });
}

// It has given up what makes root the owner of everything, but for this.
TEST(Capture, GoesOnInANewFileInTheDirectoryOfAnotherUser) {
    const fs::path directory = fs::temp_directory_path() / ("sockray-foreign-" + std::to_string(::getpid()));
    fs::create_directory(directory);
    fs::permissions(directory, fs::perms::owner_all);
    if (::chown(directory.c_str(), 65534, 65534) != 0) GTEST_SKIP() << "only root can give a directory away";
    const std::string file = directory / "frames.pcapng";
    IN_A_NAMESPACE({
        const Ended ended = captured({"capture", "-i", "veth0", "-c", "100", "-C", "4K", "-w", file});
        EXPECT_EQ(ended.status, 0) << ended.err;
        EXPECT_TRUE(fs::exists(file + "1")) << ended.err;
    });
    fs::remove_all(directory);
}

TEST(Capture, OfAnyInterfaceIsCookedAndSeesBothEnds) {
    IN_A_NAMESPACE({
        const Ended ended = captured({"capture", "-i", "any", "-c", "40", "--json"});
        ASSERT_EQ(ended.status, 0) << ended.err;
        const auto objects = objects_of(ended.out);
        ASSERT_EQ(objects.size(), 41U);
        EXPECT_EQ(objects[0]["link_type"], 276);
        EXPECT_EQ(objects[40]["seen"], accounted(objects[40]));
    });
}

TEST(Capture, EndsWithStatusOneWhereTheInterfaceGoesDownOrNobodyReads) {
    IN_A_NAMESPACE({
        std::thread down([] {
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
            (void)!std::system("ip link set veth1 down");
        });
        const Ended ended = sockray({"capture", "-i", "veth1", "--no-trace"});
        down.join();
        EXPECT_EQ(ended.status, 1);
        EXPECT_NE(ended.err.find("veth1 went down"), std::string::npos) << ended.err;
        EXPECT_NE(ended.out.find("CAPTURE"), std::string::npos) << "the ledger";
        const Ended again = sockray({"capture", "-i", "veth1"});
        EXPECT_EQ(again.status, 1);
        EXPECT_NE(again.err.find("ip link set veth1 up"), std::string::npos) << again.err;
        ASSERT_EQ(std::system("ip link set veth1 up"), 0);
        EXPECT_EQ(captured({"capture", "-i", "veth1"}, {.output = "/dev/full"}).status, 1);
    });
}

TEST(Capture, OfCertainSendsWantsTheirStory) {
    IN_A_NAMESPACE({
        for (const std::string interface : {"lo", "any"}) {
            if (!machine_cannot_trace()) break;
            ASSERT_EQ(std::system("ip link set lo up"), 0);
            const Ended ended = sockray({"capture", "-i", interface, "--comm", "ping"});
            EXPECT_EQ(ended.status, 3) << ended.err;
            EXPECT_NE(ended.err.find("who sent a frame, and how that ended, cannot be told"), std::string::npos)
                << ended.err;
        }
    });
    for (const Words& words :
         {Words{"--comm", "ping"}, Words{"-p", "1"}, Words{"--outcome", "failed"}, Words{"--in-flight", "4"}}) {
        Words all{"capture", "-i", "lo", "--no-trace"};
        all.insert(all.end(), words.begin(), words.end());
        const Ended ended = sockray(all);
        EXPECT_EQ(ended.status, 2);
        EXPECT_NE(ended.err.find("--no-trace"), std::string::npos) << ended.err;
    }
    EXPECT_EQ(sockray({"capture", "-i", "lo", "--netns", "nosuch"}).status, 2);
    EXPECT_EQ(sockray({"capture", "-i", "lo", "--netns", "4026531840"}).status, 2) << "an inode opens nothing";
}

TEST(Capture, WithoutPrivilegesIsRefusedWithTheCapability) {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
    const Surroundings as_nobody{.uid = 65534};
    if (sockray({"--version"}, as_nobody).status == 126) GTEST_SKIP() << "nobody may not run " SOCKRAY_BINARY;
    for (const Words& words : {Words{"capture", "-i", "lo"}, Words{"capture", "-i", "lo", "arp"}}) {
        const Ended ended = sockray(words, as_nobody);
        EXPECT_EQ(ended.status, 3) << ended.err;
        EXPECT_NE(ended.err.find("CAP_NET_RAW"), std::string::npos) << ended.err;
    }
    EXPECT_EQ(sockray({"capture", "-i", "lo", "udp", "prot"}, as_nobody).status, 2) << "wrong usage comes first";
}

}  // namespace
}  // namespace sockray
