#include "user/analyze/hooks_share.h"

#include <gtest/gtest.h>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

// 23 programs: two for each function that a plain send passes, one in packet_snd, two tracepoints around the driver.
constexpr TracingCost cost{2'300, 2'000, 2'600};

std::optional<std::uint64_t> without(const Path& path, int slot, const Plan& plan = made::plan()) {
    return HooksShare(plan, cost).without(path, slot, path.times[static_cast<std::size_t>(slot)].duration.max());
}

TEST(HooksShare, SpreadsTheCostOverTheProgramsOfAPlainSend) {
    const Plan plan = made::plan();
    EXPECT_EQ(HooksShare(plan, cost).programs(), 23);
    EXPECT_EQ(HooksShare(plan, cost).one_ns(), 100);
    const Plan inlined = made::plan(true);
    EXPECT_EQ(HooksShare(inlined, cost).programs(), 19) << "what has no hook costs nothing";
}

TEST(HooksShare, TakesFromAStageWhatRunsInsideOfIt) {
    Chain chain;
    chain.add(made::delivered());
    const Path& path = chain.paths().at(0);
    EXPECT_EQ(without(path, SR_SLOT_DRIVER), 3'500 - 100) << "half of each of its own two";
    EXPECT_EQ(without(path, SR_SLOT_XMIT), 5'500 - 300);
    EXPECT_EQ(without(path, SR_SLOT_BODY), 8'000 - 700);
    EXPECT_EQ(without(path, SR_SLOT_SENDMSG), 8'200 - 800);
    EXPECT_EQ(without(path, SR_SLOT_ENTRY), 10'000 - 1'400);
}

TEST(HooksShare, IsNeverMoreThanTheTime) {
    Chain chain;
    chain.add(made::delivered());
    const Plan plan = made::plan();
    EXPECT_EQ(HooksShare(plan, cost).without(chain.paths().at(0), SR_SLOT_SENDMSG, 500), 0U);
}

TEST(HooksShare, IsNotKnownOfACallThatMakesManySends) {
    Chain chain;
    Send send = made::delivered();
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    send.record.syscall = SYS_sendmmsg;
    chain.add(send);
    EXPECT_EQ(without(chain.paths().at(0), SR_SLOT_ENTRY), std::nullopt);
    EXPECT_EQ(without(chain.paths().at(0), SR_SLOT_DRIVER), 3'400U);
}

TEST(HooksShare, OfAPlanWithoutHooksIsNothing) {
    Chain chain;
    chain.add(made::delivered());
    EXPECT_EQ(without(chain.paths().at(0), SR_SLOT_DRIVER, Plan{}), 3'500U);
}

}  // namespace
}  // namespace sockray
