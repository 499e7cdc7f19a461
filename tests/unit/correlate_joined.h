// Sends joined with what became of their frames, for the tests of correlate/flights.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/correlate/flights.h"
#include "user/correlate/outcome.h"

namespace sockray::sample {

// With everything that came out of it.
struct Joined {
    explicit Joined(bool until_freed = false) : flights(until_freed) {}

    void send(const sr_send& record) {
        Send made = send_of(record);
        made.id = ++sends;
        if (flights.is_done(made, done)) done.push_back(std::move(made));
    }
    void frame(const sr_frame& frame) { flights.add(frame, done); }
    void finish(const std::vector<std::uint64_t>& under_way = {}) { flights.finish(under_way, done); }
    const sr_send& only() const {
        EXPECT_EQ(done.size(), 1U);
        static const sr_send nothing{};
        return done.size() == 1 ? done[0].record : nothing;
    }
    std::vector<std::uint64_t> ids() const {
        std::vector<std::uint64_t> ids;
        for (const Send& send : done) ids.push_back(send.record.id);
        return ids;
    }

    std::uint64_t sends = 0;
    Flights flights;
    std::vector<Send> done;
};

inline std::string outcome_of(const Send& send) {
    return std::string(outcome_name(judge(send, plan(), Names()).outcome));
}

}  // namespace sockray::sample
