// Whose the hits are that the kernel says it skipped.
#include "user/probe/attachments.h"

#include <gtest/gtest.h>

#include <map>

namespace sockray {
namespace {

std::map<Stage, std::uint64_t> skipped(const std::vector<SkippedHits>& all) {
    std::map<Stage, std::uint64_t> hits;
    for (const StageHits& one : skipped_by_stage(all)) hits[one.stage] += one.hits;
    return hits;
}

TEST(SkippedHitsByStage, AddWhatLinksAndProgramsOfAStageCount) {
    EXPECT_EQ(skipped({{{Stage::alloc}, 1, 3, 4}, {{Stage::alloc}, 2, 5, 0}, {{Stage::queue_xmit}, 3, 0, 0}}),
              (std::map<Stage, std::uint64_t>{{Stage::alloc, 12}}));
}

// net_dev_start_xmit and net_dev_xmit, consume_skb and kfree_skb: their links count nothing, their programs do.
TEST(SkippedHitsByStage, CountThoseOfTracepoints) {
    EXPECT_EQ(skipped({{{Stage::ndo}, 1, 0, 2}, {{Stage::ndo}, 2, 0, 3}, {{Stage::freed}, 3, 0, 7}}),
              (std::map<Stage, std::uint64_t>{{Stage::ndo, 5}, {Stage::freed, 7}}));
}

TEST(SkippedHitsByStage, OfAProgramThatServesSeveralStagesAreCountedOnceAndAreOfNone) {
    EXPECT_EQ(skipped({{{Stage::sys_sendto}, 1, 1, 9}, {{Stage::sys_sendmsg}, 1, 2, 9}}),
              (std::map<Stage, std::uint64_t>{{Stage::sys_sendto, 1}, {Stage::sys_sendmsg, 2}, {Stage::none, 9}}));
    EXPECT_EQ(skipped({{{Stage::alloc, Stage::queue_xmit}, 1, 6, 2}}),
              (std::map<Stage, std::uint64_t>{{Stage::none, 8}}));
}

// Segmentation, the taps of a capture, the ends of tasks.
TEST(SkippedHitsByStage, OfWhatBelongsToNoStageAreOfNone) {
    EXPECT_EQ(skipped({{{}, 1, 1, 2}, {{}, 2, 0, 3}}), (std::map<Stage, std::uint64_t>{{Stage::none, 6}}));
}

}  // namespace
}  // namespace sockray
