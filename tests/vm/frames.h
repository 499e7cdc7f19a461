// What the tests of what becomes of a frame share: who sends, who traces, and what the qdisc counts.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {

using std::chrono::milliseconds;

class Frames : public KernelTest {
  protected:
    static Arguments sender(const std::string& to, const std::string& count, const std::string& length = "60") {
        return {sender_path(), "--name", "sender", "--to", to, "--count", count, "--length", length};
    }
    static std::size_t with_outcome(const Traced& traced, const std::string& outcome) {
        const auto& sends = traced.recording.sends;
        return static_cast<std::size_t>(
            std::count_if(sends.begin(), sends.end(), [&](const SendLine& send) { return send.outcome == outcome; }));
    }
    // A number of `tc -s -j qdisc show`, of the root qdisc or of the one of this kind.
    static std::uint64_t qdisc_count(const std::string& device, const std::string& key, const std::string& kind = "") {
        const Completed shown_by_tc = run({"tc", "-s", "-j", "qdisc", "show", "dev", device});
        for (const Json& qdisc : Json::parse(shown_by_tc.out))
            if (kind.empty() ? qdisc.value("root", false) : qdisc.at("kind") == kind)
                return qdisc.at(key).get<std::uint64_t>();
        throw std::runtime_error(device + " has no such qdisc: " + shown_by_tc.out);
    }
    // What the summary of a trace with -i holds against the ledger: the counters of the device and of its root qdisc.
    // These are they, the ledger had expected the same, and there is nothing to explain.
    static void expect_held(const Traced& traced, const std::map<std::string, std::uint64_t>& counters) {
        ASSERT_TRUE(traced.recording.summary);
        std::map<std::string, std::uint64_t> counted, expected;
        for (const Json& held : traced.recording.summary->at("devices").at(0).at("held")) {
            counted[held.at("counter")] = held.at("counted").get<std::uint64_t>();
            expected[held.at("counter")] = held.at("expected").get<std::uint64_t>();
            EXPECT_EQ(held.at("cause"), "") << held;
        }
        EXPECT_EQ(counted, counters);
        EXPECT_EQ(expected, counters);
    }
    // Traces while `during` runs, which starts behind "ready".
    static Traced trace_while(const Arguments& options, const std::function<void()>& during) {
        Arguments words{"trace", "--json", "--no-calibrate"};
        words.insert(words.end(), options.begin(), options.end());
        Process trace = start_sockray(words);
        EXPECT_TRUE(trace.wait_for_err("ready"));
        during();
        trace.signal(SIGINT);
        return read_back(trace.finish());
    }
};

}  // namespace sockray::vm
