// What judge() says of a send, in the short words that tests compare.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/correlate_records.h"
#include "user/correlate/outcome.h"

namespace sockray::sample {

inline Verdict verdict_of(const Send& send, const Plan& with = plan()) {
    return judge(send, with, Names());
}
inline Verdict verdict_of(const sr_send& record, const Plan& with = plan()) {
    return verdict_of(send_of(record), with);
}

// "failed in packet_snd: EINVAL: ...", as one text to compare.
inline std::string told(const Send& send, const Plan& with = plan()) {
    const Verdict verdict = verdict_of(send, with);
    std::string text(outcome_name(verdict.outcome));
    if (verdict.stage != Stage::none) text += " in " + std::string(stage_name(verdict.stage));
    return verdict.reason.empty() ? text : text + ": " + verdict.reason;
}
inline std::string told(const sr_send& record, const Plan& with = plan()) {
    return told(send_of(record), with);
}

inline Stage failed_stage(const sr_send& send) {
    EXPECT_EQ(verdict_of(send).outcome, Outcome::failed);
    return verdict_of(send).stage;
}

}  // namespace sockray::sample
