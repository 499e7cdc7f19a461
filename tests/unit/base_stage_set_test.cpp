// Which stages are traced.
#include "user/base/stage_set.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <string_view>

namespace sockray {
namespace {

StageSet parsed(std::string_view text) {
    const auto set = parse_stages(text);
    EXPECT_TRUE(set) << text << ": " << set.error().what;
    return set.value_or(0);
}

bool contains(StageSet set, StageSet part) {
    return (set & part) == part;
}

TEST(TheSets, ContainOneAnother) {
    EXPECT_TRUE(contains(chain_stages, core_stages));
    EXPECT_TRUE(contains(device_stages, chain_stages));
    EXPECT_TRUE(contains(full_stages, device_stages));
    EXPECT_NE(chain_stages, core_stages);
    EXPECT_NE(device_stages, chain_stages);
    EXPECT_NE(full_stages, device_stages);
}

TEST(TheSets, EndWithEveryStageThereIs) {
    StageSet all = 0;
    for (const StageInfo& info : all_stages) all |= stage_bit(info.stage);
    EXPECT_EQ(full_stages, all);
    EXPECT_EQ(std::popcount(full_stages), static_cast<int>(all_stages.size()));
    EXPECT_FALSE(full_stages & stage_bit(Stage::none));
}

TEST(TheSets, HoldWhatTheyAreNamedFor) {
    for (const Stage stage : {Stage::sys_sendto, Stage::packet_sendmsg, Stage::packet_snd, Stage::tpacket_snd,
                              Stage::queue_xmit, Stage::start_xmit, Stage::sock_create})
        EXPECT_TRUE(chain_stages & stage_bit(stage)) << stage_name(stage);
    for (const Stage stage : {Stage::enqueue, Stage::dequeue, Stage::ndo}) {
        EXPECT_FALSE(chain_stages & stage_bit(stage)) << stage_name(stage);
        EXPECT_TRUE(device_stages & stage_bit(stage)) << stage_name(stage);
    }
    for (const Stage stage : {Stage::copy, Stage::parse, Stage::packet_rcv, Stage::tpacket_rcv, Stage::freed}) {
        EXPECT_FALSE(device_stages & stage_bit(stage)) << stage_name(stage);
        EXPECT_TRUE(full_stages & stage_bit(stage)) << stage_name(stage);
    }
}

TEST(ParsingStages, KnowsTheSetsByName) {
    EXPECT_EQ(parsed("chain"), chain_stages);
    EXPECT_EQ(parsed("device"), device_stages);
    EXPECT_EQ(parsed("full"), full_stages);
    EXPECT_EQ(parsed("chain,device"), device_stages);
    EXPECT_EQ(parsed("full,chain"), full_stages);
}

TEST(ParsingStages, KnowsEveryStageByItsNameAndAddsTheCore) {
    const StageSet receivers = stage_bit(Stage::packet_rcv) | stage_bit(Stage::tpacket_rcv);
    for (const StageInfo& info : all_stages) {
        const StageSet bit = stage_bit(info.stage);
        const StageSet implied = bit & receivers ? stage_bit(Stage::freed) : 0;
        EXPECT_EQ(parsed(info.name), core_stages | bit | implied) << info.name;
    }
}

TEST(ParsingStages, AddsUpWhatIsNamedInAnyOrderAndMoreThanOnce) {
    const StageSet two = core_stages | stage_bit(Stage::ndo) | stage_bit(Stage::copy);
    EXPECT_EQ(parsed("ndo_start_xmit,skb_copy_datagram_from_iter"), two);
    EXPECT_EQ(parsed("skb_copy_datagram_from_iter,ndo_start_xmit"), two);
    EXPECT_EQ(parsed("ndo_start_xmit,ndo_start_xmit,skb_copy_datagram_from_iter"), two);
    EXPECT_EQ(parsed("chain,ndo_start_xmit"), chain_stages | stage_bit(Stage::ndo));
}

// The core tells outcomes: it cannot be left out.
TEST(ParsingStages, AlwaysHasTheCore) {
    for (const Stage stage : {Stage::packet_sendmsg, Stage::packet_sendmsg_spkt, Stage::alloc, Stage::queue_xmit,
                              Stage::direct_xmit, Stage::start_xmit})
        for (const char* text : {"chain", "device", "full", "packet_create", "skb_freed"})
            EXPECT_TRUE(parsed(text) & stage_bit(stage)) << stage_name(stage) << " with " << text;
}

// A frame must be followed to its end to be recognised at its receivers.
TEST(ParsingStages, FollowsAFrameToItsEndForTheReceivers) {
    for (const char* text : {"packet_rcv", "tpacket_rcv", "chain,packet_rcv", "tpacket_rcv,device"})
        EXPECT_TRUE(parsed(text) & stage_bit(Stage::freed)) << text;
    for (const char* text : {"chain", "device", "ndo_start_xmit"})
        EXPECT_FALSE(parsed(text) & stage_bit(Stage::freed)) << text;
    EXPECT_EQ(parsed("skb_freed"), core_stages | stage_bit(Stage::freed)) << "not the other way round";
}

TEST(ParsingStages, RefusesWhatIsNoStageAndListsWhatThereIs) {
    for (const std::string text : {"", ",", "chain,", ",chain", "chain,,device", "none", "Chain", " chain",
                                   "chain device", "packet_sn", "packet_sndx", "chain,no_such_stage", "all"}) {
        const auto set = parse_stages(text);
        ASSERT_FALSE(set) << text;
        EXPECT_EQ(set.error().kind, ErrorKind::usage) << text;
        EXPECT_NE(set.error().what.find("there is no stage '"), std::string::npos) << set.error().what;
        for (const char* name : {"chain", "device", "full"})
            EXPECT_NE(set.error().remedy.find(name), std::string::npos) << set.error().remedy;
        for (const StageInfo& info : all_stages)
            EXPECT_NE(set.error().remedy.find(info.name), std::string::npos) << info.name;
    }
    EXPECT_EQ(parse_stages("chain,no_such_stage").error().what, "there is no stage 'no_such_stage'");
}

}  // namespace
}  // namespace sockray
