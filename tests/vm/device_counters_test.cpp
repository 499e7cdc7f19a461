// A trace of everything: the counters of each device that the sends used, held against the ledger.
#include <gtest/gtest.h>

#include <map>

#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class DeviceCounters : public KernelTest {};

TEST_F(DeviceCounters, of_a_trace_without_an_interface_are_held_for_those_that_were_used_and_no_others) {
    const VethPair one("vone");
    const VethPair two("vtwo");
    const VethPair idle("vidle");
    two.set_qdisc("pfifo limit 100");
    // Another sender than those that are traced, by a name of its own.
    const std::string script = sender_path() + " --name sender --to vone0 --count 4 && " + sender_path() +
                               " --name sender --to vtwo0 --count 5 && " + sender_path() +
                               " --name other --to vtwo0 --count 2";
    const Traced traced = trace_command({"--comm", "sender"}, {"sh", "-c", script});
    expect_sound(traced);
    std::map<std::string, Json> devices;
    for (const Json& device : traced.recording.summary->at("devices")) devices[device.at("ifname")] = device;
    ASSERT_EQ(devices.size(), 2U) << *traced.recording.summary;
    EXPECT_TRUE(traced.recording.summary->at("receiver_counters").is_null());  // nobody asked who gets the frames
    EXPECT_EQ(devices["vone0"].at("tx_packets"), 4U);
    for (const Json& held : devices["vone0"].at("held")) EXPECT_EQ(held.at("cause"), "") << held;
    EXPECT_EQ(devices["vtwo0"].at("tx_packets"), 7U);
    EXPECT_EQ(devices["vtwo0"].at("qdisc").at("kind"), "pfifo");
    const Json& held = devices["vtwo0"].at("held").at(0);
    EXPECT_EQ(held.at("expected"), 5U);
    EXPECT_NE(held.at("cause").get<std::string>().find("other senders"), std::string::npos) << held;
}

}  // namespace
}  // namespace sockray::vm
