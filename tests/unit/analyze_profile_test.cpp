#include "user/analyze/profile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "tests/unit/comparison_sessions.h"

namespace sockray {
namespace {

TEST(AProfile, CountsPathsOutcomesAndReasons) {
    Profile profile;
    made::begin(profile);
    for (std::uint64_t id = 1; id <= 3; id++) profile.send(made::delivered(id));
    profile.send(made::failed(4));
    profile.send(made::ring(5));
    EXPECT_EQ(profile.sends(), 5U);
    ASSERT_EQ(profile.paths().size(), 3U);
    EXPECT_EQ(profile.paths()[0].sends, 3U);
    EXPECT_EQ(profile.outcomes()[static_cast<std::size_t>(Outcome::delivered)], 4U);
    EXPECT_EQ(profile.outcomes()[static_cast<std::size_t>(Outcome::failed)], 1U);
    EXPECT_EQ(profile.reasons().all().size(), 1U);
}

TEST(AProfile, KnowsHowLongAStageTookAndWhenAMomentWas) {
    Profile profile;
    made::begin(profile);
    profile.send(made::followed());
    const auto& times = profile.paths().at(0).times;
    EXPECT_EQ(times[SR_SLOT_ENTRY].quantile(0.5), 10'000U);
    EXPECT_EQ(times[SR_SLOT_BODY].max(), 8'000U);
    EXPECT_EQ(times[SR_SLOT_DEQUEUE].max(), 27'000U);  // since the entry of packet_sendmsg
}

TEST(AProfile, LeavesOutTheTimesOfCallsThatMakeSeveralSends) {
    Profile profile;
    made::begin(profile);
    profile.send(made::ring());
    Send of_many = made::delivered();
    of_many.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    profile.send(of_many);
    for (const PathProfile& path : profile.paths()) {
        EXPECT_EQ(path.times[SR_SLOT_ENTRY].count(), 0U);
        EXPECT_EQ(path.times[SR_SLOT_SENDMSG].count(), 1U);
    }
}

TEST(AProfile, KeepsAsManyPathsAsItSays) {
    Profile profile;
    made::begin(profile);
    for (std::uint64_t bits = 0; bits < 2 * Profile::paths_kept; bits++) {
        Send send = made::delivered();
        for (int slot = 0; slot < 8; slot++)
            if (bits >> slot & 1) made::pass(send.record, SR_SLOT_XMIT + slot - 1, Stage::queue_xmit, 5, 6);
        profile.send(send);
    }
    EXPECT_LE(profile.paths().size(), Profile::paths_kept);
    EXPECT_EQ(profile.sends(), 2 * Profile::paths_kept);
}

TEST(Blocks, HoldEverySendAndStayFew) {
    for (const std::uint64_t sends : {1U, 63U, 64U, 65U, 1000U, 100'000U}) {
        Blocks blocks;
        std::uint64_t medians = 0;
        for (std::uint64_t i = 0; i < sends; i++) {
            blocks.send(i % 3, Outcome::delivered);
            blocks.time(i % 3, SR_SLOT_SENDMSG, 1000);
        }
        std::uint64_t sum = 0;
        std::uint64_t of_paths = 0;
        for (const Block& block : blocks.all()) {
            sum += block.sends;
            for (const PathBlock& path : block.paths) {
                of_paths += path.sends;
                medians += path.levels[SR_SLOT_SENDMSG].medians;
                EXPECT_NEAR(path.levels[SR_SLOT_SENDMSG].sum,
                            std::log(1000.0) * static_cast<double>(path.levels[SR_SLOT_SENDMSG].medians), 1e-6);
            }
        }
        EXPECT_EQ(sum, sends);
        EXPECT_EQ(of_paths, sends);
        EXPECT_LE(blocks.all().size(), Blocks::most);
        EXPECT_GE(blocks.all().size(), std::min<std::uint64_t>(sends, Blocks::most / 2));
        EXPECT_LE(sends / Blocks::medians_of - medians, 3U);
    }
}

TEST(Blocks, OfASessionAreAlikeButForTheLast) {
    Blocks blocks;
    for (int i = 0; i < 12'345; i++) blocks.send(Blocks::no_path, Outcome::dropped);
    const auto& all = blocks.all();
    for (std::size_t i = 0; i + 1 < all.size(); i++) EXPECT_EQ(all[i].sends, all[0].sends);
    EXPECT_LE(all.back().sends, all[0].sends);
}

}  // namespace
}  // namespace sockray
