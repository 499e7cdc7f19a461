// Tracepoints that a kernel does not have.
#include "user/probe/edges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sockray {
namespace {

using Names = std::vector<std::string>;

// Attaches all but the one; `asked` are those that were tried.
Result<std::vector<StageWithout>> attach_without(std::string_view missing, Names& asked,
                                                 ErrorKind kind = ErrorKind::failed) {
    return attach_rows(tracepoints(), [&](const TracepointRow& row) -> Status {
        asked.emplace_back(row.tracepoint);
        if (row.tracepoint == missing) return tl::unexpected(Error{kind, "there is none", ""});
        return {};
    });
}

TEST(Tracepoints, AreAttachedEndsFirst) {
    Names asked;
    const auto lost = attach_without("", asked);
    ASSERT_TRUE(lost);
    EXPECT_TRUE(lost->empty());
    EXPECT_EQ(asked, (Names{"kfree_skb", "consume_skb", "net_dev_xmit", "net_dev_start_xmit", "qdisc_dequeue",
                            "qdisc_enqueue"}));
}

TEST(Tracepoints, ThatThisKernelDoesNotHaveCostTheirStageAndNoOther) {
    Names asked;
    const auto lost = attach_without("qdisc_dequeue", asked);
    ASSERT_TRUE(lost) << lost.error().what;
    ASSERT_EQ(lost->size(), 1U);
    EXPECT_EQ(lost->front().stage, Stage::dequeue);
    EXPECT_EQ(lost->front().reason, "there is none");
    EXPECT_EQ(asked.size(), tracepoints().size());
}

TEST(Tracepoints, AreNotAttachedWhereTheOtherOfTheirStageIsMissing) {
    Names asked;
    const auto lost = attach_without("net_dev_xmit", asked);
    ASSERT_TRUE(lost);
    ASSERT_EQ(lost->size(), 1U);
    EXPECT_EQ(lost->front().stage, Stage::ndo);
    EXPECT_EQ(std::count(asked.begin(), asked.end(), "net_dev_start_xmit"), 0);
}

TEST(Tracepoints, ThatAreForbiddenFailTheStart) {
    Names asked;
    const auto lost = attach_without("kfree_skb", asked, ErrorKind::not_allowed);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, ErrorKind::not_allowed);
    EXPECT_EQ(asked.size(), 1U);
}

}  // namespace
}  // namespace sockray
