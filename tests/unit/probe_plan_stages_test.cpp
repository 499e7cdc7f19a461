// The plan of what --stages asks for.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/probe_plans.h"

namespace sockray {
namespace {

using namespace sample;

TEST(ThePlan, HooksNoStageThatWasNotAskedFor) {
    for (const StageSet stages : {core_stages, chain_stages, device_stages, full_stages})
        for (const Names& kernel : {kernel_6_1(), kernel_6_12()}) {
            const Blueprint plan = made(kernel, bodies(), stages);
            for (const Hook& hook : plan.hooks) EXPECT_TRUE(stages & stage_bit(hook.stage)) << stage_name(hook.stage);
            for (const PlanLine& line : plan.plan.lines) {
                if (stages & stage_bit(line.stage)) {
                    EXPECT_EQ(line.reason.find("not asked for"), std::string::npos) << stage_name(line.stage);
                    continue;
                }
                if (line.hook != "tracepoint") {
                    EXPECT_EQ(line.hook, "none") << stage_name(line.stage);
                    EXPECT_EQ(line.function, "") << stage_name(line.stage);
                }
                EXPECT_NE(line.reason.find("not asked for (--stages)"), std::string::npos) << line.reason;
            }
        }
}

TEST(ThePlan, HooksTheChainUnlessMoreIsAskedFor) {
    const auto plan = make_plan(symbols_of(kernel_6_12()), bodies());
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->plan.evidence(Stage::enqueue), Evidence::absent);
    EXPECT_EQ(plan->plan.evidence(Stage::packet_rcv), Evidence::absent);
    EXPECT_EQ(plan->plan.evidence(Stage::start_xmit), Evidence::probed);
}

// Outcomes need them: they are attached whatever is asked for, and sends show what they tell.
TEST(ThePlan, SaysWhichTracepointsAreAttachedWithoutHavingBeenAskedFor) {
    for (const StageSet stages : {core_stages, chain_stages}) {
        const Blueprint plan = made(kernel_6_12(), bodies(), stages);
        EXPECT_EQ(line(plan, Stage::ndo), "probed net_dev_start_xmit tracepoint");
        EXPECT_TRUE(plan.plan.find(Stage::ndo)->partly) << "shown of frames that are followed alone";
        EXPECT_EQ(line(plan, Stage::freed), "absent consume_skb tracepoint") << "no send shows it";
        EXPECT_EQ(line(plan, Stage::enqueue), "absent none");
        EXPECT_EQ(line(plan, Stage::dequeue), "absent none");
        for (const Stage stage : {Stage::ndo, Stage::freed}) {
            const std::string& reason = plan.plan.find(stage)->reason;
            EXPECT_NE(reason.find("attached all the same"), std::string::npos) << reason;
        }
    }
    for (const StageInfo& info : all_stages)
        EXPECT_FALSE(made(kernel_6_12(), bodies(), full_stages).plan.find(info.stage)->partly) << info.name;
}

// Which body a send went through needs no hook.
TEST(ThePlan, DerivesTheBodiesThatWereNotAskedFor) {
    const Blueprint plan = made(kernel_6_12(), bodies(), core_stages);
    for (const Stage stage : {Stage::packet_snd, Stage::tpacket_snd}) {
        EXPECT_EQ(line(plan, stage), "derived none");
        const std::string& reason = plan.plan.find(stage)->reason;
        EXPECT_NE(reason.find("follows from tx_ring.pg_vec"), std::string::npos) << reason;
    }
    EXPECT_EQ(line(plan, Stage::sys_sendto), "absent none");
    EXPECT_EQ(line(plan, Stage::queue_xmit), "probed __dev_queue_xmit kprobe+kretprobe");
}

}  // namespace
}  // namespace sockray
