// A session that Findings have seen, for their tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/analyze/findings/findings.h"

namespace sockray::made {

class Session {
  public:
    explicit Session(Plan with = plan()) : plan_(std::move(with)) { findings.begin({}, plan_, names_); }

    void add(Send send) {
        send.id = ++ids_;
        ending.ledger.decoded++;
        ending.ledger.sends.seen++;
        ending.ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
        findings.send(send);
    }
    void add(int times, const Send& send) {
        for (int i = 0; i < times; i++) add(send);
    }
    const std::vector<Finding>& end() {
        findings.end(ending);
        return findings.result();
    }
    // After end(); nullptr where that rule found nothing.
    const Finding* found(std::string_view rule) const {
        for (const Finding& finding : findings.result())
            if (finding.rule == rule) return &finding;
        return nullptr;
    }

    Ending ending;
    Findings findings;

  private:
    Names names_;
    Plan plan_;
    std::uint64_t ids_ = 0;
};

// Sends as they come one after the other, with a rest of `gap` between them: nothing stands out in them.
inline Send rested(std::uint64_t number, std::uint64_t gap = 1'000'000) {
    return delivered(number, 1'000'000 + number * (gap + 10'000));
}

inline Plan plan_without(Stage stage) {
    Plan changed = plan();
    *changed.find(stage) = {stage, Evidence::absent, "", 0, "none", "not asked for (--stages)"};
    return changed;
}

inline std::string evidence(const Finding* finding) {
    std::string text;
    if (finding)
        for (const std::string& line : finding->evidence) text += line + "\n";
    return text;
}

inline bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace sockray::made
