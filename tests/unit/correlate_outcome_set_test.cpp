// Which outcomes are shown, as the command line says it.
#include "user/correlate/outcome_set.h"

#include <gtest/gtest.h>

namespace sockray {
namespace {

TEST(OutcomeNames, MakeASet) {
    EXPECT_EQ(parse_outcomes("dropped"), outcome_bit(Outcome::dropped));
    EXPECT_EQ(parse_outcomes("failed,unknown,failed"), outcome_bit(Outcome::failed) | outcome_bit(Outcome::unknown));
    EXPECT_EQ(parse_outcomes("delivered,dropped,failed,queued,unknown"), all_outcomes);
}

TEST(OutcomeNames, ThatAreNoneAreRefused) {
    for (const char* text : {"", ",", "drop", "dropped,", "Dropped", "dropped failed"}) {
        const auto set = parse_outcomes(text);
        ASSERT_FALSE(set) << text;
        EXPECT_EQ(set.error().kind, ErrorKind::usage);
        EXPECT_NE(set.error().what.find("delivered, dropped, failed, queued, unknown"), std::string::npos);
    }
}

}  // namespace
}  // namespace sockray
