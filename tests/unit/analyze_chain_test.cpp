#include "user/analyze/chain.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

TEST(Chain, GroupsSendsThatPassedTheSameStages) {
    Chain chain;
    for (int i = 0; i < 5; i++) chain.add(made::delivered());
    chain.add(made::failed());
    chain.add(made::delivered());
    ASSERT_EQ(chain.paths().size(), 2U);
    EXPECT_EQ(chain.paths()[0].sends, 6U);
    EXPECT_EQ(chain.paths()[1].sends, 1U);
    EXPECT_EQ(chain.sends(), 7U);
}

TEST(Chain, KeepsSendsByWriteApartFromSendsBySendto) {
    Chain chain;
    chain.add(made::delivered());
    Send written = made::delivered();
    written.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SOCK_WRITE_ITER;
    written.record.syscall = SYS_write;
    chain.add(written);
    ASSERT_EQ(chain.paths().size(), 2U);
    EXPECT_EQ(chain.paths()[0].entries, std::vector<std::string>{"sendto"});
    EXPECT_EQ(chain.paths()[1].entries, std::vector<std::string>{"write"});
}

TEST(Chain, KeepsTheTwoBodiesApartEvenWhereNeitherHasAHook) {
    Chain chain;
    Send frame = made::delivered();
    made::unpass(frame.record, {SR_SLOT_BODY});
    Send ring = frame;
    ring.record.flags |= SR_SEND_TX_RING;
    chain.add(frame);
    chain.add(ring);
    ASSERT_EQ(chain.paths().size(), 2U);
    EXPECT_EQ(chain.paths()[0].stages[SR_SLOT_BODY], Stage::packet_snd);
    EXPECT_EQ(chain.paths()[1].stages[SR_SLOT_BODY], Stage::tpacket_snd);
    EXPECT_EQ(chain.paths()[1].times[SR_SLOT_BODY].hits, 0U);
}

TEST(Chain, TimesEveryStageAndWhereItBeginsWithinTheSend) {
    Chain chain;
    for (std::uint64_t i = 0; i < 101; i++) chain.add(made::delivered(i, 5'000'000 + i * 100'000));
    const Path& path = chain.paths().at(0);
    const StageTimes& driver = path.times[SR_SLOT_DRIVER];
    EXPECT_EQ(driver.hits, 101U);
    EXPECT_EQ(driver.duration.max(), 3'500U);
    EXPECT_EQ(driver.offset.min(), 5'000U);
    EXPECT_EQ(path.times[SR_SLOT_BODY].duration.max(), 8'000U) << "packet_snd ends with packet_sendmsg";
    EXPECT_EQ(path.times[SR_SLOT_SOCK].hits, 0U);
}

TEST(Chain, CountsAHitWithoutTimingItWhereTheReturnWasNotSeen) {
    Chain chain;
    Send send = made::delivered();
    send.record.span[SR_SLOT_XMIT].end = 0;
    chain.add(send);
    EXPECT_EQ(chain.paths()[0].times[SR_SLOT_XMIT].hits, 1U);
    EXPECT_EQ(chain.paths()[0].times[SR_SLOT_XMIT].duration.count(), 0U);
}

TEST(Chain, RootsTheSendsOfASendmmsgBelowItsEntry) {
    Chain chain;
    Send send = made::delivered();
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    chain.add(send);
    EXPECT_EQ(chain.paths()[0].root, SR_SLOT_INNER);
}

TEST(Chain, ProvesThatALocatedBodyLiesBetweenItsNeighbours) {
    Chain chain;
    chain.add(made::delivered());
    EXPECT_EQ(chain.paths()[0].body_in_order, 1U);

    Send before = made::delivered();
    before.record.span[SR_SLOT_BODY].start = before.record.span[SR_SLOT_SENDMSG].start - 1;
    Send after = made::delivered();
    after.record.span[SR_SLOT_BODY].start = after.record.span[SR_SLOT_ALLOC].start + 1;
    Send twice = made::delivered();
    twice.record.body_hits = 2;
    for (const Send& wrong : {before, after, twice}) chain.add(wrong);
    EXPECT_EQ(chain.paths()[0].body_in_order, 1U);
    EXPECT_EQ(chain.paths()[0].body_out_of_order, 3U);
}

TEST(Chain, HoldsALocatedBodyAgainstTheEndOfPacketSendmsgWhereNothingFollowed) {
    Chain chain;
    chain.add(made::failed());
    Send late = made::failed();
    late.record.span[SR_SLOT_BODY].start = late.record.span[SR_SLOT_SENDMSG].end + 1;
    chain.add(late);
    EXPECT_EQ(chain.paths()[0].body_in_order, 1U);
    EXPECT_EQ(chain.paths()[0].body_out_of_order, 1U);
}

TEST(Chain, CountsEachFrameOfATxRingAsASend) {
    Chain chain;
    Send dropped = made::ring();
    dropped.outcome = Outcome::dropped;
    for (int i = 0; i < 24; i++) chain.add(made::ring());
    for (int i = 0; i < 8; i++) chain.add(dropped);
    ASSERT_EQ(chain.paths().size(), 1U);
    const Path& path = chain.paths()[0];
    EXPECT_EQ(path.sends, 32U);
    EXPECT_EQ(path.outcomes[static_cast<std::size_t>(Outcome::delivered)], 24U);
    EXPECT_EQ(path.outcomes[static_cast<std::size_t>(Outcome::dropped)], 8U);
    EXPECT_EQ(path.times[SR_SLOT_ALLOC].hits, 32U);
    EXPECT_EQ(path.body_in_order, 32U);
}

TEST(Chain, PutsTheFramesOfOneCallOnATxRingOnOnePathAndTimesThemByPacketSendmsg) {
    Chain chain;
    for (std::uint32_t frame = 0; frame < 16; frame++) chain.add(made::ring_of_many(frame));
    ASSERT_EQ(chain.paths().size(), 1U);
    const Path& path = chain.paths()[0];
    EXPECT_EQ(path.sends, 16U);
    EXPECT_EQ(path.times[SR_SLOT_ENTRY].duration.count(), 0U);
    EXPECT_EQ(path.times[SR_SLOT_SENDMSG].duration.count(), 16U);
    EXPECT_EQ(path.times[SR_SLOT_SENDMSG].duration.max(), 32'800U);
}

// What stands around packet_sendmsg is the call's: the place of a stage is counted from packet_sendmsg.
TEST(Chain, RootsTheFramesOfATxRingAtPacketSendmsg) {
    Chain chain;
    for (std::uint32_t frame = 0; frame < 16; frame++) chain.add(made::ring_of_many(frame));
    const Path& path = chain.paths().at(0);
    EXPECT_EQ(path.times[SR_SLOT_DRIVER].offset.count(), 16U);
    EXPECT_EQ(path.times[path.root].duration.count(), 16U);
}

// A moment has no time of its own, only a place: also behind the return of the send.
TEST(Chain, PlacesTheMomentsOfAFrameFromTheStartOfTheSend) {
    Chain chain;
    for (std::uint64_t i = 0; i < 10; i++) chain.add(made::followed(i, 1'000'000 + i * 100'000));
    const Path& path = chain.paths().at(0);
    EXPECT_EQ(path.root, SR_SLOT_ENTRY);
    const std::pair<int, std::uint64_t> moments[] = {
        {SR_SLOT_ENQUEUE, 6'000}, {SR_SLOT_DEQUEUE, 28'000}, {SR_SLOT_RECEIVE, 35'000}, {SR_SLOT_FREED, 40'000}};
    for (const auto& [slot, offset] : moments) {
        EXPECT_TRUE(is_moment(slot));
        EXPECT_EQ(path.times[slot].hits, 10U) << slot;
        EXPECT_EQ(path.times[slot].offset.max(), offset) << slot;
        EXPECT_EQ(path.times[slot].duration.max(), 0U) << slot;
    }
    EXPECT_EQ(path.times[SR_SLOT_NDO].duration.max(), 1'000U);
    EXPECT_EQ(path.times[SR_SLOT_NDO].offset.max(), 29'000U);
    EXPECT_EQ(path.body_in_order, 10U);
}

TEST(Chain, KeepsSendsWhoseFramesAQdiscKeptApartFromOthers) {
    Chain chain;
    Send direct = made::followed();
    made::unpass(direct.record, {SR_SLOT_ENQUEUE, SR_SLOT_DEQUEUE});
    chain.add(made::followed());
    chain.add(direct);
    EXPECT_EQ(chain.paths().size(), 2U);
}

TEST(Chain, CountsSendsOfMorePathsThanItKeepsAsOthers) {
    Chain chain;
    // Seven slots filled or not make 128 paths.
    for (int bits = 0; bits < 128; bits++) {
        Send send = made::delivered();
        made::pass(send.record, SR_SLOT_SOCK, Stage::sock_sendmsg, 1, 2);
        const int slots[] = {SR_SLOT_ENTRY, SR_SLOT_LOOKUP, SR_SLOT_SOCK,  SR_SLOT_INNER,
                             SR_SLOT_ALLOC, SR_SLOT_XMIT,   SR_SLOT_DRIVER};
        for (int i = 0; i < 7; i++)
            if (bits & (1 << i)) made::unpass(send.record, {slots[i]});
        chain.add(send);
    }
    EXPECT_EQ(chain.paths().size(), Chain::paths_kept);
    EXPECT_EQ(chain.other_sends(), 128 - Chain::paths_kept);
    EXPECT_EQ(chain.sends(), 128U);
}

TEST(Chain, KeepsAFewNamesOfAPathAndSaysWhenThereWereMore) {
    Chain chain;
    for (int i = 0; i < 6; i++) {
        Send send = made::delivered();
        made::set(send.record.ifname, "veth" + std::to_string(i));
        chain.add(send);
    }
    EXPECT_EQ(chain.paths()[0].ifnames.size(), Path::names_kept);
    EXPECT_TRUE(chain.paths()[0].more_names);
}

}  // namespace
}  // namespace sockray
