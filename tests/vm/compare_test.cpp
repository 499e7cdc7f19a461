// Recordings and ways to send beside each other: diff finds what changed on this kernel and nothing else, and
// compare-methods sends what it says by every way there is.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

std::vector<Json> json_lines(const std::string& text) {
    std::vector<Json> objects;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        Json json = Json::parse(line, nullptr, false);
        EXPECT_TRUE(json.is_object()) << line;
        if (json.is_object()) objects.push_back(std::move(json));
    }
    return objects;
}

// The last line of `diff --json`; an empty object where there is none.
Json verdict_of(const std::string& text) {
    const std::vector<Json> lines = json_lines(text);
    return lines.empty() ? Json::object() : lines.back();
}

class Compared : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        folder_ = scratch("compared");
    }
    std::string record(const std::string& name, const Arguments& options) const {
        const std::string file = folder_ + "/" + name;
        Arguments words{"run", "--no-calibrate", "-w", file};
        words.insert(words.end(), options.begin(), options.end());
        const Completed done = sockray(words);
        EXPECT_FALSE(done.timed_out) << shown(done);
        return file;
    }

  private:
    std::string folder_;
};

// What differs between two runs of the same thing is time, and how much depends on the machine.
TEST_F(Compared, recordings_of_the_same_sends_are_the_same_but_for_time) {
    const std::string one = record("one.pcapng", {"-i", "veth0", "-c", "2000"});
    const std::string two = record("two.pcapng", {"-i", "veth0", "-c", "2000"});
    const Completed same = sockray({"diff", "--json", "--tolerance", "100000", one, two});
    EXPECT_EQ(same.status, 0) << shown(same);
    EXPECT_EQ(verdict_of(same.out).value("changed", true), false) << same.out;
    std::uint64_t sends = 0;
    for (const Json& line : json_lines(same.out))
        if (line.value("subject", "") == "path") sends += line.at("sends_b").get<std::uint64_t>();
    EXPECT_EQ(sends, 2000U) << same.out;
}

TEST_F(Compared, recordings_by_another_path_and_with_losses_have_changed) {
    const VethPair tiny("vtiny");
    const std::string plain = record("plain.pcapng", {"-i", "vtiny0", "-c", "300"});
    const std::string bypass = record("bypass.pcapng", {"-i", "vtiny0", "-c", "300", "--bypass"});
    tiny.set_qdisc("tbf rate 8bit burst 1600 limit 1000");
    const std::string lossy = record("lossy.pcapng", {"-i", "vtiny0", "-c", "300"});

    const Completed path = sockray({"diff", "--json", "--tolerance", "100000", plain, bypass});
    EXPECT_EQ(path.status, 1) << shown(path);
    EXPECT_EQ(verdict_of(path.out).value("path_changed", false), true) << path.out;
    EXPECT_EQ(verdict_of(path.out).value("outcomes_worse", true), false) << path.out;

    const Completed losses = sockray({"diff", "--json", "--tolerance", "100000", plain, lossy});
    EXPECT_EQ(losses.status, 1) << shown(losses);
    EXPECT_EQ(verdict_of(losses.out).value("outcomes_worse", false), true) << losses.out;
}

TEST_F(Compared, methods_send_what_they_say_and_differ_in_the_stages_in_which_they_do) {
    constexpr std::uint64_t count = 100;
    constexpr std::uint64_t rounds = 2;
    const Completed done = sockray(
        {"compare-methods", "-i", "veth0", "-c", std::to_string(count), "--rounds", std::to_string(rounds), "--json"});
    EXPECT_EQ(done.status, 0) << shown(done);
    std::map<std::string, Json> methods;
    std::vector<std::string> order;
    for (Json& line : json_lines(done.out)) {
        EXPECT_TRUE(line.at("refused").is_null()) << line.dump();
        EXPECT_EQ(line.at("frames"), count * rounds) << line.dump();
        EXPECT_EQ(line.at("failed"), 0) << line.dump();
        EXPECT_GT(line.at("frames_a_second").at("min").get<double>(), 0) << line.dump();
        EXPECT_GT(line.at("traced_call_ns").at("min").get<double>(), 0) << line.dump();
        EXPECT_EQ(line.at("traced_frames"), count * rounds) << line.dump();
        EXPECT_EQ(line.at("traced_failed"), 0) << line.dump();
        EXPECT_EQ(line.at("traced_timed"), count * rounds) << line.dump();
        const std::string name =
            line.at("method").get<std::string>() + (line.at("bypass").get<bool>() ? ", bypass" : "");
        order.push_back(name);
        methods.emplace(name, std::move(line));
    }
    EXPECT_EQ(methods.size(), 18U) << done.out;
    std::vector<std::string> expected{"sendto", "send",    "sendmsg", "sendmmsg", "write",
                                      "writev", "ring-v1", "ring-v2", "ring-v3"};
    for (std::size_t i = 0; i < 9; i++) expected.push_back(expected[i] + ", bypass");
    EXPECT_EQ(order, expected) << "the rows are told in the order of the help, however rounds were driven";
    const auto passed = [&methods](const std::string& method, const std::string& name) {
        for (const Json& stage : methods.at(method).at("stages"))
            if (stage.at("name") == name) return stage.at("passed").get<bool>();
        return false;
    };
    EXPECT_TRUE(passed("sendto", "__dev_queue_xmit"));
    EXPECT_FALSE(passed("sendto", "__dev_direct_xmit"));
    EXPECT_TRUE(passed("sendto, bypass", "__dev_direct_xmit"));
    EXPECT_FALSE(passed("sendto, bypass", "__dev_queue_xmit"));
    EXPECT_TRUE(passed("ring-v3", "tpacket_snd"));
    EXPECT_FALSE(passed("ring-v3", "packet_snd"));
    EXPECT_TRUE(passed("sendmmsg", "packet_snd"));
}

// What the qdisc refuses is told of the traced rounds too, and its time is not told as if it were around
// packet_sendmsg.
TEST_F(Compared, methods_of_which_frames_are_refused_say_so_of_traced_rounds) {
    const VethPair tiny("vtiny");
    // Slower than any way sends, and room for a few frames.
    tiny.set_qdisc("tbf rate 1mbit burst 1600 limit 1000");
    constexpr std::uint64_t count = 200;
    const Completed done =
        sockray({"compare-methods", "-i", "vtiny0", "-c", std::to_string(count), "--rounds", "1", "--json"});
    std::uint64_t bypassed = 0;
    std::uint64_t all_failed = 0;
    for (const Json& line : json_lines(done.out)) {
        if (!line.at("refused").is_null()) continue;  // the one before left no room for any of it
        const auto frames = line.at("traced_frames").get<std::uint64_t>();
        const auto failed = line.at("traced_failed").get<std::uint64_t>();
        EXPECT_EQ(frames + failed, count) << line.dump();
        EXPECT_EQ(line.at("traced_timed"), frames + failed) << line.dump();
        all_failed += failed;
        if (line.at("bypass").get<bool>()) {
            EXPECT_EQ(failed, 0U) << line.dump();
            bypassed++;
        }
    }
    EXPECT_EQ(bypassed, 9U) << done.out;
    EXPECT_GT(all_failed, 0U) << done.out;
    const Completed text = sockray({"compare-methods", "-i", "vtiny0", "-c", std::to_string(count), "--rounds", "1"});
    EXPECT_NE(text.out.find("TRACING"), std::string::npos) << shown(text);
    EXPECT_NE(text.out.find(" + lost 0 ("), std::string::npos) << shown(text);
}

}  // namespace
}  // namespace sockray::vm
