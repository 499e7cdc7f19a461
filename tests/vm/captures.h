// What the tests of sockray capture share: what it told, and what is sent meanwhile.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {

using std::chrono::milliseconds;
using Lines = std::vector<std::string>;

inline Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// The frames of a file as tcpdump shows them, byte for byte and without their times, sorted.
inline Lines frames_of(const std::string& path, const Arguments& filter = {}) {
    Arguments words{"tcpdump", "-n", "-t", "-xx", "-Z", "root", "-r", path};
    words.insert(words.end(), filter.begin(), filter.end());
    const Completed dump = run(words);
    EXPECT_EQ(dump.status, 0) << shown(dump);
    Lines all;
    for (const std::string& line : lines_of(dump.out)) {
        if (line.empty() || line[0] != '\t')
            all.emplace_back();
        else if (!all.empty())
            all.back() += line;
    }
    std::ranges::sort(all);
    return all;
}

// What sockray told: live, or from a recording.
struct Told {
    std::vector<Json> sends;
    std::vector<Json> frames;
    Json capture;
    Json summary;

    std::size_t sends_with(const std::string& key, const Json& value) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            sends, [&](const Json& send) { return send.contains(key) && send.at(key) == value; }));
    }
    std::size_t frames_to(const std::string& direction) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(frames, [&](const Json& frame) { return frame.at("direction") == direction; }));
    }
};

inline Told told_by(const std::string& json) {
    Told told;
    for (const std::string& line : lines_of(json)) {
        Json object = Json::parse(line);
        const std::string type = object.at("type");
        if (type == "send")
            told.sends.push_back(std::move(object));
        else if (type == "frame")
            told.frames.push_back(std::move(object));
        else if (type == "capture")
            told.capture = std::move(object);
        else if (type == "summary")
            told.summary = std::move(object);
    }
    return told;
}

// Every sum of both ledgers, and what was told is what they say.
inline void expect_balance(const Told& told) {
    ASSERT_TRUE(told.capture.is_object() && told.summary.is_object());
    const auto count = [&](const char* key) { return told.capture.at(key).get<std::uint64_t>(); };
    const Json& lost = told.capture.at("lost");
    EXPECT_EQ(lost.at("unread"), 0);
    EXPECT_EQ(count("seen"), count("received") + count("sent") + count("left_out") + count("beyond") +
                                 lost.at("dropped").get<std::uint64_t>() + lost.at("unread").get<std::uint64_t>());
    std::uint64_t tapped = 0;
    for (const Json& send : told.sends) tapped += send.value("tapped", std::uint64_t{0});
    EXPECT_EQ(count("received") + count("sent"), told.frames.size() + tapped);
    EXPECT_EQ(told.summary.at("shown"), told.sends.size());
}

class Captures : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) return;
        if (const std::string missing = missing_tool({"tcpdump", "trafgen"}); !missing.empty())
            GTEST_SKIP() << "there is no " << missing;
        folder_ = scratch("captures");
        configure("ip neigh replace 10.9.0.7 lladdr 02:00:00:00:00:07 dev veth0");
    }
    std::string file(const std::string& name) const { return folder_ + "/" + name; }

    static void settle() { std::this_thread::sleep_for(milliseconds(400)); }

    // What a capture with these words tells of what happens during it.
    static Completed capture(const Arguments& words, const std::function<void(Process&)>& during,
                             const Arguments& before = {}) {
        Arguments all = before;
        all.insert(all.end(), {sockray_path(), "capture"});
        all.insert(all.end(), words.begin(), words.end());
        Process process(all);
        EXPECT_TRUE(process.wait_for_err("ready"));
        during(process);
        settle();
        process.signal(SIGINT);
        Completed done = process.finish();
        EXPECT_EQ(done.status, 0) << shown(done);
        return done;
    }

    static void send_udp(int count, const char* address = "10.9.0.7") {
        const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(9);
        ::inet_pton(AF_INET, address, &to.sin_addr);
        for (int i = 0; i < count; i++) {
            EXPECT_GT(::sendto(fd, &i, sizeof i, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
            std::this_thread::sleep_for(milliseconds(1));
        }
        ::close(fd);
    }
    // A sender that is there before it is captured: what `capture -p` of it told, which ends with it.
    Told capture_of_process(const std::string& ifname, const std::string& how,
                            const std::function<void()>& before) const {
        const std::string go = file("go");
        run({"rm", "-f", go});
        Process sender({"sh", "-c",
                        "while [ ! -e " + go + " ]; do sleep 0.1; done; exec " +
                            sender_line(file("one"), "one", "--to " + ifname + " " + how)});
        Process process({sockray_path(), "capture", "-i", ifname, "--json", "-p", std::to_string(sender.pid())});
        EXPECT_TRUE(process.wait_for_err("ready"));
        before();
        write_file(go, "");
        EXPECT_EQ(sender.finish().status, 0);
        const Completed ended = process.finish();
        EXPECT_EQ(ended.status, 0) << shown(ended);
        const Told told = told_by(ended.out);
        expect_balance(told);
        return told;
    }
    void send(const std::string& name, const std::string& words) const {
        const Completed done = run({"sh", "-c", sender_line(file(name), name, words)});
        EXPECT_EQ(done.status, 0) << shown(done);
    }
    // Out of veth0 by packet sockets and by UDP, and into it, all at once.
    void send_both_ways(int count) const {
        const std::string words = " --count " + std::to_string(count) + " --gap-us 500";
        Process outward({"sh", "-c", sender_line(file("out"), "out", "--to veth0" + words)});
        Process inward({"sh", "-c", sender_line(file("in"), "in", "--to veth1 --length 80" + words)});
        send_udp(count);
        EXPECT_EQ(outward.finish().status, 0);
        EXPECT_EQ(inward.finish().status, 0);
    }

  private:
    std::string folder_;
};

}  // namespace sockray::vm
