#include "user/analyze/comparison.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "user/analyze/statistics.h"
#include "user/base/percent.h"

namespace sockray {
namespace {

// And shown of every send that passes it: where it is of some alone, that says nothing of the path of the others.
bool is_hooked(const Plan& plan, Stage stage) {
    const PlanLine* line = plan.find(stage);
    return line && (line->evidence == Evidence::probed || line->evidence == Evidence::located) && !line->partly;
}

bool is_body(Stage stage) {
    return stage == Stage::packet_snd || stage == Stage::tpacket_snd;
}

std::string_view hook_of(const Plan& plan, Stage stage) {
    const PlanLine* line = plan.find(stage);
    if (line && line->partly) return "of some sends";
    return line && is_hooked(plan, stage) ? std::string_view(line->hook) : std::string_view("none");
}

// The paths of one session that look the same in both.
struct PathSide {
    std::uint64_t sends = 0;
    std::vector<std::size_t> numbers;  // in the profile
};

struct PathPair {
    StageBySlot stages{};
    PathSide a;
    PathSide b;
};

// Both sessions, by what can be compared of them.
class Pairs {
  public:
    Pairs(const Profile& a, const Profile& b) : a_(a), b_(b) {
        add(a, &PathPair::a);
        add(b, &PathPair::b);
    }
    std::vector<PathPair>& all() { return pairs_; }

  private:
    // Which body it was follows from the socket, hook or none.
    StageBySlot common(StageBySlot stages) const {
        for (Stage& stage : stages)
            if (stage != Stage::none && !is_body(stage) &&
                !(is_hooked(a_.plan(), stage) && is_hooked(b_.plan(), stage)))
                stage = Stage::none;
        return stages;
    }

    void add(const Profile& profile, PathSide PathPair::*side) {
        for (std::size_t i = 0; i < profile.paths().size(); i++) {
            const StageBySlot stages = common(profile.paths()[i].stages);
            auto pair =
                std::find_if(pairs_.begin(), pairs_.end(), [&](const PathPair& p) { return p.stages == stages; });
            if (pair == pairs_.end()) pair = pairs_.insert(pairs_.end(), {stages, {}, {}});
            ((*pair).*side).sends += profile.paths()[i].sends;
            ((*pair).*side).numbers.push_back(i);
        }
    }

    const Profile& a_;
    const Profile& b_;
    std::vector<PathPair> pairs_;
};

std::vector<Part> parts_of(const Profile& profile, const PathSide& side) {
    std::vector<Part> parts;
    for (const Block& block : profile.blocks().all()) {
        Part of{0, block.sends};
        for (const std::size_t number : side.numbers)
            if (number < block.paths.size()) of.hits += block.paths[number].sends;
        parts.push_back(of);
    }
    return parts;
}

std::uint64_t known(const std::array<std::uint64_t, outcome_count>& outcomes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < outcomes.size(); i++)
        if (static_cast<Outcome>(i) != Outcome::unknown) sum += outcomes[i];
    return sum;
}

std::vector<Part> parts_of(const Profile& profile, Outcome outcome) {
    std::vector<Part> parts;
    for (const Block& block : profile.blocks().all())
        parts.push_back({block.outcomes[static_cast<std::size_t>(outcome)], known(block.outcomes)});
    return parts;
}

// The level of each block that has one, in the order of time.
std::vector<double> levels_of(const Profile& profile, const PathSide& side, int slot) {
    std::vector<double> levels;
    for (const Block& block : profile.blocks().all()) {
        Level level;
        for (const std::size_t number : side.numbers)
            if (number < block.paths.size()) level.add(block.paths[number].levels[static_cast<std::size_t>(slot)]);
        if (level.medians) levels.push_back(level.sum / static_cast<double>(level.medians));
    }
    return levels;
}

StageSide stage_side(const Profile& profile, const PathSide& side, int slot) {
    Histogram times;
    for (const std::size_t number : side.numbers)
        times.merge(profile.paths()[number].times[static_cast<std::size_t>(slot)]);
    return {times.count(), times.quantile(0.5), times.quantile(0.99)};
}

// Whether hooks that differ cost time within the stage of this slot: its own, and those of all that lies in it.
bool hooks_differ_in(const StageBySlot& stages, int slot, const Plan& a, const Plan& b) {
    StageBySlot every;
    every.fill(Stage::packet_sendmsg);
    static const auto depth = depth_by_slot(every);
    const auto last_in = [&] {
        int end = slot + 1;
        while (end < SR_SLOT_COUNT && depth[static_cast<std::size_t>(end)] > depth[static_cast<std::size_t>(slot)])
            end++;
        return end;
    }();
    return std::any_of(all_stages.begin(), all_stages.end(), [&](const StageInfo& info) {
        if (info.slot < slot || info.slot >= last_in || hook_of(a, info.stage) == hook_of(b, info.stage)) return false;
        // Where another stage of this slot was passed, this one was not.
        const Stage passed = stages[static_cast<std::size_t>(info.slot)];
        return passed == Stage::none || passed == info.stage;
    });
}

class Comparer {
  public:
    Comparer(const Profile& a, const Profile& b, Comparison& result) : a_(a), b_(b), result_(result) {}

    void compare_all() {
        selected_ = result_.left_out_a + result_.left_out_b > 0;
        compare_paths();
        compare_outcomes();
        compare_reasons();
        compare_evidence();
        adjust();
        judge();
    }

  private:
    void compare_paths() {
        Pairs pairs(a_, b_);
        for (const PathPair& pair : pairs.all()) {
            PathChange change;
            change.stages = pair.stages;
            change.sends_a = pair.a.sends;
            change.sends_b = pair.b.sends;
            change.share_a = share(change.sends_a, a_.sends());
            change.share_b = share(change.sends_b, b_.sends());
            change.p = proportion_test(parts_of(a_, pair.a), parts_of(b_, pair.b));
            if (std::max(change.share_a, change.share_b) >= path_there) compare_times(change, pair);
            result_.paths.push_back(std::move(change));
        }
        std::stable_sort(result_.paths.begin(), result_.paths.end(), [](const PathChange& x, const PathChange& y) {
            return std::max(x.share_a, x.share_b) > std::max(y.share_a, y.share_b);
        });
    }

    void compare_times(PathChange& path, const PathPair& pair) {
        const auto depth = depth_by_slot(path.stages);
        for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
            const Stage stage = path.stages[static_cast<std::size_t>(slot)];
            if (stage == Stage::none) continue;
            StageChange change;
            change.stage = stage;
            change.slot = slot;
            change.depth = depth[static_cast<std::size_t>(slot)];
            change.a = stage_side(a_, pair.a, slot);
            change.b = stage_side(b_, pair.b, slot);
            change.has_times = change.a.sends && change.b.sends;
            const auto levels_a = levels_of(a_, pair.a, slot);
            const auto levels_b = levels_of(b_, pair.b, slot);
            const int from = is_moment(slot) ? SR_SLOT_SENDMSG : slot;  // a moment is told from there
            const Shift shift = rank_test(levels_a, levels_b);
            if (change.has_times && std::min(levels_a.size(), levels_b.size()) >= least_blocks) {
                change.ratio = std::exp(shift.by);
                change.low = std::exp(shift.low);
                change.high = std::exp(shift.high);
                change.p = shift.p;
                change.verdict =
                    hooks_differ_in(path.stages, from, a_.plan(), b_.plan()) ? TimeVerdict::hooks : TimeVerdict::same;
            }
            path.times.push_back(change);
        }
    }

    void compare_outcomes() {
        const std::uint64_t known_a = known(a_.outcomes());
        const std::uint64_t known_b = known(b_.outcomes());
        for (const Outcome outcome : {Outcome::delivered, Outcome::dropped, Outcome::failed, Outcome::queued}) {
            OutcomeChange change;
            change.outcome = outcome;
            change.sends_a = a_.outcomes()[static_cast<std::size_t>(outcome)];
            change.sends_b = b_.outcomes()[static_cast<std::size_t>(outcome)];
            if (change.sends_a + change.sends_b == 0) continue;
            change.share_a = share(change.sends_a, known_a);
            change.share_b = share(change.sends_b, known_b);
            change.judged = !selected_;
            change.p = proportion_test(parts_of(a_, outcome), parts_of(b_, outcome));
            result_.outcomes.push_back(change);
        }
    }

    void compare_reasons() {
        const auto add = [&](const Profile& profile, std::uint64_t ReasonChange::*sends) {
            for (const Reason& reason : profile.reasons().all()) {
                auto row = std::find_if(result_.reasons.begin(), result_.reasons.end(), [&](const ReasonChange& r) {
                    return r.outcome == reason.outcome && r.words.is_like(reason.words);
                });
                if (row == result_.reasons.end())
                    row = result_.reasons.insert(row, {reason.outcome, "", 0, 0, reason.words});
                row->words.widen(reason.words);
                row->text = row->words.text();
                (*row).*sends += reason.sends;
            }
        };
        add(a_, &ReasonChange::sends_a);
        add(b_, &ReasonChange::sends_b);
        const auto larger = [&](const ReasonChange& r) {
            return std::max(share(r.sends_a, a_.sends()), share(r.sends_b, b_.sends()));
        };
        std::stable_sort(result_.reasons.begin(), result_.reasons.end(),
                         [&](const ReasonChange& x, const ReasonChange& y) { return larger(x) > larger(y); });
    }

    void compare_evidence() {
        for (const StageInfo& info : all_stages) {
            const EvidenceChange change{info.stage, a_.plan().evidence(info.stage), b_.plan().evidence(info.stage),
                                        std::string(hook_of(a_.plan(), info.stage)),
                                        std::string(hook_of(b_.plan(), info.stage))};
            if (change.a != change.b || change.hook_a != change.hook_b) result_.evidence.push_back(change);
        }
    }

    static bool is_judged(const StageChange& change) { return change.verdict == TimeVerdict::same; }

    void adjust() {
        std::vector<double*> tests;
        for (PathChange& path : result_.paths) {
            if (!selected_) tests.push_back(&path.p);
            for (StageChange& stage : path.times)
                if (is_judged(stage)) tests.push_back(&stage.p);
        }
        for (OutcomeChange& outcome : result_.outcomes)
            if (outcome.judged) tests.push_back(&outcome.p);
        std::vector<double> p;
        for (const double* test : tests) p.push_back(*test);
        adjust_holm(p);
        for (std::size_t i = 0; i < tests.size(); i++) *tests[i] = p[i];
        result_.tests = tests.size();
    }

    PathVerdict verdict_of(const PathChange& path) const {
        if (selected_) return PathVerdict::left_out;
        const bool significant = path.p < significance;
        const bool only_b = path.share_a < path_gone && path.share_b >= path_there;
        const bool only_a = path.share_b < path_gone && path.share_a >= path_there;
        if (only_a || only_b) {
            if (!significant) return PathVerdict::unclear;
            return only_b ? PathVerdict::appeared : PathVerdict::vanished;
        }
        return significant && std::abs(path.share_a - path.share_b) > share_shift ? PathVerdict::shifted
                                                                                  : PathVerdict::same;
    }

    void judge() {
        for (PathChange& path : result_.paths) {
            path.verdict = verdict_of(path);
            for (StageChange& stage : path.times) {
                result_.hooks_differ = result_.hooks_differ || stage.verdict == TimeVerdict::hooks;
                if (!is_judged(stage) || stage.p >= significance) continue;
                if (stage.ratio > 1 + result_.tolerance) stage.verdict = TimeVerdict::slower;
                if (stage.ratio < 1 / (1 + result_.tolerance)) stage.verdict = TimeVerdict::faster;
            }
        }
        judge_outcomes();
    }

    void judge_outcomes() {
        double lost_a = 0;
        double lost_b = 0;
        for (const OutcomeChange& outcome : result_.outcomes) {
            if (outcome.outcome != Outcome::dropped && outcome.outcome != Outcome::failed) continue;
            lost_a += outcome.share_a;
            lost_b += outcome.share_b;
        }
        for (OutcomeChange& outcome : result_.outcomes) {
            if (outcome.outcome != Outcome::queued)
                outcome.counts_from = std::clamp(common_loss * std::min(lost_a, lost_b), loss_shift, outcome_shift);
            if (!outcome.judged) continue;
            outcome.significant = outcome.p < significance;
            outcome.changed = outcome.significant && std::abs(outcome.share_a - outcome.share_b) >= outcome.counts_from;
            outcome.worse = outcome.changed && outcome.is_for_the_worse();
            outcome.unclear = !outcome.significant && outcome.outcome != Outcome::delivered &&
                              outcome.is_for_the_worse() && outcome.share_a < path_gone &&
                              outcome.share_b >= path_there;
        }
    }

    const Profile& a_;
    const Profile& b_;
    Comparison& result_;
    bool selected_ = false;  // by --outcome: what is here is not all of a session
};

}  // namespace

bool Comparison::path_changed() const {
    return std::any_of(paths.begin(), paths.end(), [](const PathChange& path) {
        return path.verdict == PathVerdict::appeared || path.verdict == PathVerdict::vanished;
    });
}

bool Comparison::outcomes_worse() const {
    return std::any_of(outcomes.begin(), outcomes.end(), [](const OutcomeChange& change) { return change.worse; });
}

bool Comparison::slower() const {
    return std::any_of(paths.begin(), paths.end(), [](const PathChange& path) {
        return std::any_of(path.times.begin(), path.times.end(),
                           [](const StageChange& stage) { return stage.verdict == TimeVerdict::slower; });
    });
}

Unjudged Comparison::unjudged() const {
    Unjudged count;
    for (const PathChange& path : paths) {
        count.paths += path.verdict == PathVerdict::unclear || path.verdict == PathVerdict::left_out;
        for (const StageChange& stage : path.times) {
            count.hooks += stage.has_times && stage.verdict == TimeVerdict::hooks;
            count.too_few += stage.has_times && stage.verdict == TimeVerdict::too_few;
        }
    }
    for (const OutcomeChange& outcome : outcomes) count.outcomes += outcome.unclear || !outcome.judged;
    return count;
}

Verdict Comparison::verdict() const {
    if (changed()) return Verdict::changed;
    return unjudged().all() ? Verdict::not_all_judged : Verdict::same;
}

Comparison compare(const Profile& a, const Profile& b, double tolerance) {
    Comparison result;
    result.tolerance = tolerance;
    result.sends_a = a.sends();
    result.sends_b = b.sends();
    result.left_out_a = a.ending().ledger.left_out;
    result.left_out_b = b.ending().ledger.left_out;
    Comparer(a, b, result).compare_all();
    return result;
}

}  // namespace sockray
