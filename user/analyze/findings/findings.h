// Everything that stands out in a session, by the rules of rules.h.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "user/analyze/finding.h"
#include "user/analyze/findings/rule.h"
#include "user/correlate/sink.h"

namespace sockray {

// Its memory is bounded, however many sends it sees.
class Findings : public Sink {
  public:
    Findings();

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override;
    void send(const Send& send) override;
    void end(const Ending& ending) override;

    // Behind end(): the most costly first.
    const std::vector<Finding>& result() const { return result_; }

    // What a rule looks at. `needs`: a stage that was not traced and without which the rule saw nothing; else none.
    struct Subject {
        std::string_view text;
        Stage needs = Stage::none;
    };
    // Behind begin().
    std::vector<Subject> subjects() const;
    std::uint64_t sends() const { return totals_.sends; }

  private:
    std::vector<std::unique_ptr<Rule>> rules_;
    Plan plan_;
    const KernelNames* names_ = nullptr;
    Totals totals_;
    std::vector<Finding> result_;
};

}  // namespace sockray
