#include "user/report/diff_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "user/analyze/incomplete.h"
#include "user/analyze/statistics.h"
#include "user/base/paragraph.h"
#include "user/base/percent.h"
#include "user/base/words.h"
#include "user/live/outcome_tone.h"

namespace sockray {
namespace {

constexpr std::size_t paths_shown = 8;
constexpr std::size_t reasons_shown = 8;
constexpr int least_name_width = 34;
constexpr int time_width = 10;
constexpr int change_width = 9;
constexpr int interval_width = 20;
constexpr int words_width = 2 + 13;  // "too few sends"
constexpr int share_width = 9;
constexpr int count_width = 11;

std::string share_words(double share) {
    return percent(share, "%");
}

std::string signed_percent(double ratio) {
    const double by = (ratio - 1) * 100;
    return std::abs(by) < 1000 ? fmt::format("{:+.1f}%", by) : fmt::format("x{:.0f}", ratio);
}

void heading(fmt::memory_buffer& out, const Style& style, std::string_view text) {
    end_line(out);
    paint(out, style, Tone::bold, text);
}

// ---- the verdict

// "packet_sendmsg > packet_snd > ...": the stages by which it is told apart from the others.
std::string name_of(const PathChange& path) {
    std::string name;
    for (const Stage stage : path.stages)
        if (stage != Stage::none) name += fmt::format("{}{}", name.empty() ? "" : " > ", stage_name(stage));
    return name.empty() ? "no stage that both have a hook for" : name;
}

std::vector<std::string> changes_of(const Comparison& comparison) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < comparison.paths.size(); i++) {
        const PathChange& path = comparison.paths[i];
        if (path.verdict == PathVerdict::appeared)
            words.push_back(fmt::format("path {} appeared: {} of B's sends, {} of A's: {}", i + 1,
                                        share_words(path.share_b), share_words(path.share_a), name_of(path)));
        if (path.verdict == PathVerdict::vanished)
            words.push_back(fmt::format("path {} vanished: {} of A's sends, {} of B's: {}", i + 1,
                                        share_words(path.share_a), share_words(path.share_b), name_of(path)));
    }
    for (const OutcomeChange& outcome : comparison.outcomes)
        if (outcome.worse)
            words.push_back(
                fmt::format("{} sends are {}: {} instead of {}", outcome.share_b > outcome.share_a ? "more" : "fewer",
                            outcome_name(outcome.outcome), share_words(outcome.share_b), share_words(outcome.share_a)));
    for (const PathChange& path : comparison.paths)
        for (const StageChange& stage : path.times)
            if (stage.verdict == TimeVerdict::slower)
                words.push_back(fmt::format("{} got slower: {} ({} to {})", stage_name(stage.stage),
                                            signed_percent(stage.ratio), signed_percent(stage.low),
                                            signed_percent(stage.high)));
    return words;
}

// What is lost more than before, or delivered less, and is no change all the same: how much, and why it is none.
std::vector<std::string> small_losses(const Comparison& comparison) {
    std::vector<std::string> words;
    for (const OutcomeChange& outcome : comparison.outcomes) {
        if (!outcome.judged || outcome.worse || !outcome.is_for_the_worse()) continue;
        const bool delivered = outcome.outcome == Outcome::delivered;
        if (delivered && !outcome.significant) continue;
        std::string why = "which may be chance";
        if (outcome.significant)
            why = fmt::format("by less than the {} that counts", share_words(outcome.counts_from));
        else if (outcome.unclear)
            why = "too few, or all in one stretch, to tell it from chance";
        words.push_back(fmt::format("{} sends are {}, {}: {} ({}) instead of {} ({})", delivered ? "fewer" : "more",
                                    outcome_name(outcome.outcome), why, outcome.sends_b, share_words(outcome.share_b),
                                    outcome.sends_a, share_words(outcome.share_a)));
    }
    return words;
}

// Of what was judged. Of losses only where there are not more of them.
std::string nothing_changed(const Comparison& comparison, const Unjudged& unjudged) {
    const bool more_lost =
        std::any_of(comparison.outcomes.begin(), comparison.outcomes.end(), [](const OutcomeChange& outcome) {
            return !outcome.judged || (outcome.outcome != Outcome::delivered && outcome.is_for_the_worse());
        });
    return fmt::format("no path{} changed, {}no stage that was judged got slower by more than {:g}%",
                       unjudged.paths ? " that was judged" : "", more_lost ? "" : "no more sends were lost, ",
                       comparison.tolerance * 100);
}

void append_verdict(fmt::memory_buffer& out, const Comparison& comparison, const Style& style) {
    const std::vector<std::string> changes = changes_of(comparison);
    const Unjudged unjudged = comparison.unjudged();
    switch (comparison.verdict()) {
        case Verdict::same: paint(out, style, Tone::good, "SAME"); break;
        case Verdict::changed: paint(out, style, Tone::bad, "CHANGED"); break;
        case Verdict::not_all_judged: paint(out, style, Tone::warning, "NOT ALL JUDGED"); break;
    }
    end_line(out);
    for (const std::string& change : changes) paint_lines(out, style, Tone::plain, change, 2);
    if (changes.empty()) paint_lines(out, style, Tone::plain, nothing_changed(comparison, unjudged), 2);
    const auto warn = [&](const std::string& words) { paint_lines(out, style, Tone::warning, words, 2); };
    for (const std::string& words : small_losses(comparison)) warn(words);
    if (comparison.left_out_a + comparison.left_out_b)
        warn("paths and outcomes were not judged: of the sends that --outcome left out neither is known");
    else if (unjudged.paths)
        warn(fmt::format("{} in one of them only {} not judged: too few sends, or all in one stretch",
                         count_of(unjudged.paths, "path"), verb_of(unjudged.paths, "was", "were")));
    if (unjudged.hooks)
        warn(fmt::format("the times of {} were not judged: hooks differ there", count_of(unjudged.hooks, "stage")));
    if (unjudged.too_few)
        warn(fmt::format("the times of {} were not judged: too few sends", count_of(unjudged.too_few, "stage")));
}

// ---- what was compared

void append_session(fmt::memory_buffer& out, std::string_view name, const Profile& profile, const Style& style) {
    const Origin& origin = profile.origin();
    std::string command;
    for (const std::string& word : origin.command) command += (command.empty() ? "" : " ") + word;
    constexpr int indent = 5;
    constexpr int most = 60;
    Paragraph head(out, style, 0, indent);
    head.add(Tone::plain, "  ");
    head.add(Tone::bold, name);
    head.add(Tone::plain, fmt::format("  {}, {} {} on {}, by: ", count_of(profile.sends(), "send"),
                                      printable(origin.kernel, style.utf8), printable(origin.machine, style.utf8),
                                      printable(origin.host, style.utf8)));
    head.add(Tone::plain, shortened(printable(command, style.utf8), std::clamp(style.width - indent, 20, most)));
    head.end();
    const Ledger& ledger = profile.ending().ledger;
    const std::uint64_t lost = ledger.sends.lost.total();
    if (ledger.left_out)
        paint_lines(out, style, Tone::warning,
                    fmt::format("{} left out by --outcome: all shares are of those that are here",
                                count_of(ledger.left_out, "more send was", "more sends were")),
                    5);
    const MissingFiles& missing = profile.ending().missing;
    if (missing.any()) paint_lines(out, style, Tone::warning, incomplete_words(missing), 5);
    if (profile.ending().cut_off)
        paint_lines(out, style, Tone::warning, "cut off: it ends before its ledger, so what tracing lost is unknown",
                    5);
    if (lost)
        paint_lines(out, style, Tone::warning,
                    fmt::format("tracing lost {}; what was lost may be what differs", count_of(lost, "send")), 5);
}

std::string evidence_words(Evidence evidence, const std::string& hook) {
    if (hook == "none") return std::string(evidence_name(evidence));
    return fmt::format("{}, {}", evidence_name(evidence), hook);
}

void append_evidence(fmt::memory_buffer& out, const Comparison& comparison, const Style& style) {
    if (comparison.evidence.empty()) return;
    heading(out, style, "EVIDENCE");
    out.append(std::string_view("  stages that A and B know in different ways: no change of the path\n"));
    constexpr int name_width = least_name_width - 4;
    constexpr int a_width = 24;
    for (const EvidenceChange& change : comparison.evidence) {
        out.append(std::string_view("  "));
        const std::string a = "A: " + printable(evidence_words(change.a, change.hook_a), style.utf8);
        const std::string b = "B: " + printable(evidence_words(change.b, change.hook_b), style.utf8);
        paint_cell(out, style, Tone::plain, stage_name(change.stage), name_width);
        paint_cell(out, style, Tone::dim, a, a_width);
        // Where one line has no room for both, B stands below A.
        if (2 + name_width + std::max(columns(a), a_width) + 2 + columns(b) > style.width) {
            end_line(out);
            fmt::format_to(std::back_inserter(out), "{:{}}", "", 2 + name_width);
        } else {
            out.append(std::string_view("  "));
        }
        paint(out, style, Tone::dim, b);
        end_line(out);
    }
    if (comparison.hooks_differ)
        paint_lines(
            out, style, Tone::warning,
            "Hooks cost time, each kind another: times with different hooks in them are shown and not judged. To "
            "have them judged, record both with the same --backend and --stages.",
            2);
}

// ---- outcomes

std::string words_of(const OutcomeChange& outcome) {
    const std::string_view more = outcome.share_b > outcome.share_a ? "more" : "fewer";
    if (outcome.changed) return std::string(more);
    if (outcome.share_a == outcome.share_b || !outcome.judged) return "";
    if (outcome.significant) return fmt::format("{}, by less than {}", more, share_words(outcome.counts_from));
    const bool lost = outcome.outcome == Outcome::dropped || outcome.outcome == Outcome::failed;
    return lost && outcome.is_for_the_worse() ? fmt::format("{}, may be chance", more) : "";
}

void append_outcomes(fmt::memory_buffer& out, const Comparison& comparison, const Style& style) {
    if (comparison.outcomes.empty()) return;
    heading(out, style, "OUTCOMES");
    fmt::format_to(std::back_inserter(out), "{:>{}}{:>{}}", "A", 4 + count_width, "B", share_width + count_width);
    end_line(out);
    for (const OutcomeChange& outcome : comparison.outcomes) {
        out.append(std::string_view("  "));
        paint_cell(out, style, tone_of(outcome.outcome), outcome_name(outcome.outcome), 10);
        fmt::format_to(std::back_inserter(out), "{:>{}}{:>{}}{:>{}}{:>{}}", outcome.sends_a, count_width,
                       share_words(outcome.share_a), share_width, outcome.sends_b, count_width,
                       share_words(outcome.share_b), share_width);
        if (const std::string words = words_of(outcome); !words.empty()) {
            out.append(std::string_view("  "));
            const Tone lesser = outcome.changed ? Tone::warning : Tone::dim;
            paint(out, style, outcome.worse ? Tone::bad : lesser, words);
        }
        end_line(out);
    }
    for (std::size_t i = 0; i < std::min(comparison.reasons.size(), reasons_shown); i++) {
        const ReasonChange& reason = comparison.reasons[i];
        paint_lines(out, style, Tone::dim,
                    fmt::format("{} in A, {} in B: {} {}", reason.sends_a, reason.sends_b, outcome_name(reason.outcome),
                                printable(reason.text, style.utf8)),
                    4);
    }
    if (comparison.reasons.size() > reasons_shown)
        fmt::format_to(std::back_inserter(out), "    and {}\n",
                       count_of(comparison.reasons.size() - reasons_shown, "more reason"));
}

// ---- paths

std::string_view words_of(PathVerdict verdict) {
    switch (verdict) {
        case PathVerdict::same: return "";
        case PathVerdict::appeared: return "appeared";
        case PathVerdict::vanished: return "vanished";
        case PathVerdict::shifted: return "another share of the sends";
        case PathVerdict::unclear: return "in one only: too few sends, or all in one stretch, to tell it from chance";
        case PathVerdict::left_out: return "not judged: --outcome left sends out";
    }
    return "";
}

std::string_view words_of(TimeVerdict verdict) {
    switch (verdict) {
        case TimeVerdict::same: return "";
        case TimeVerdict::slower: return "slower";
        case TimeVerdict::faster: return "faster";
        case TimeVerdict::hooks: return "hooks differ";
        case TimeVerdict::too_few: return "too few sends";
    }
    return "";
}

Tone tone_of(TimeVerdict verdict) {
    if (verdict == TimeVerdict::slower) return Tone::bad;
    return verdict == TimeVerdict::faster ? Tone::good : Tone::dim;
}

// The columns that the output has room for: without all of them, the last go first.
struct StageColumns {
    StageColumns(int name_width, const Style& style) : name(name_width) {
        const int least = 2 + name_width + 2 * time_width + change_width + words_width;
        interval = style.width >= least + interval_width;
        p99 = style.width >= least + interval_width + 2 * time_width;
    }
    int name;
    bool interval;
    bool p99;
};

void append_stage(fmt::memory_buffer& out, const StageChange& change, std::string_view lines, const StageColumns& shown,
                  const Style& style) {
    out.append(std::string_view("  "));
    paint(out, style, Tone::dim, lines);
    if (!change.has_times) {
        paint(out, style, Tone::plain, stage_name(change.stage));
        end_line(out);
        return;
    }
    paint_cell(out, style, Tone::plain, stage_name(change.stage), shown.name - columns(lines));
    const std::string_view since = is_moment(change.slot) ? "+" : "";
    paint_cell(out, style, Tone::plain, fmt::format("{}{}", since, duration(change.a.median)), time_width,
               Align::right);
    paint_cell(out, style, Tone::plain, fmt::format("{}{}", since, duration(change.b.median)), time_width,
               Align::right);
    const bool judged = change.verdict != TimeVerdict::too_few;
    paint_cell(out, style, tone_of(change.verdict), judged ? signed_percent(change.ratio) : "", change_width,
               Align::right);
    if (shown.interval)
        paint_cell(out, style, Tone::dim,
                   judged ? fmt::format("{} to {}", signed_percent(change.low), signed_percent(change.high)) : "",
                   interval_width, Align::right);
    if (shown.p99)
        for (const std::uint64_t p99 : {change.a.p99, change.b.p99})
            paint_cell(out, style, Tone::dim, fmt::format("{}{}", since, duration(p99)), time_width, Align::right);
    if (const std::string_view words = words_of(change.verdict); !words.empty()) {
        out.append(std::string_view("  "));
        paint(out, style, tone_of(change.verdict), words);
    }
    end_line(out);
}

void append_path(fmt::memory_buffer& out, const PathChange& path, std::size_t number, const Style& style) {
    heading(out, style, fmt::format("PATH {}", number));
    fmt::format_to(std::back_inserter(out), "  A: {}, {}; B: {}, {}", count_of(path.sends_a, "send"),
                   share_words(path.share_a), count_of(path.sends_b, "send"), share_words(path.share_b));
    if (path.verdict != PathVerdict::same) {
        const bool changed = path.verdict == PathVerdict::appeared || path.verdict == PathVerdict::vanished;
        out.append(std::string_view(": "));
        paint(out, style, changed ? Tone::bad : Tone::warning, words_of(path.verdict));
    }
    end_line(out);
    std::vector<int> depths;
    for (const StageChange& stage : path.times) depths.push_back(stage.depth);
    int name_width = least_name_width;
    for (std::size_t i = 0; i < path.times.size(); i++)
        name_width = std::max(name_width, columns(branch(depths, i, style)) +
                                              static_cast<int>(stage_name(path.times[i].stage).size()) + 1);
    const StageColumns shown(name_width, style);
    if (std::any_of(path.times.begin(), path.times.end(), [](const StageChange& stage) { return stage.has_times; })) {
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::dim, "stage", name_width);
        for (const std::string_view head : {"A median", "B median"})
            paint_cell(out, style, Tone::dim, head, time_width, Align::right);
        paint_cell(out, style, Tone::dim, "change", change_width, Align::right);
        if (shown.interval)
            paint_cell(out, style, Tone::dim, fmt::format("{:g}% sure", confidence * 100), interval_width,
                       Align::right);
        if (shown.p99)
            for (const std::string_view head : {"A p99", "B p99"})
                paint_cell(out, style, Tone::dim, head, time_width, Align::right);
        end_line(out);
    }
    for (std::size_t i = 0; i < path.times.size(); i++)
        append_stage(out, path.times[i], branch(depths, i, style), shown, style);
}

}  // namespace

void append_diff_text(fmt::memory_buffer& out, const Comparison& comparison, const Profile& a, const Profile& b,
                      const Style& style) {
    append_verdict(out, comparison, style);
    heading(out, style, "RECORDINGS");
    end_line(out);
    append_session(out, "A", a, style);
    append_session(out, "B", b, style);
    append_evidence(out, comparison, style);
    append_outcomes(out, comparison, style);
    std::size_t shown = 0;
    for (const PathChange& path : comparison.paths) {
        if (shown == paths_shown || std::max(path.share_a, path.share_b) < path_there) break;
        append_path(out, path, ++shown, style);
    }
    if (shown < comparison.paths.size())
        fmt::format_to(std::back_inserter(out), "\n{}, of few sends\n",
                       count_of(comparison.paths.size() - shown, "more path"));
    end_line(out);
    paint_lines(
        out, style, Tone::dim,
        fmt::format("{}, corrected for their number (Holm): where nothing has changed, at most {:g} in 100 "
                    "comparisons say so. A change of a time is that of the level of blocks of sends, and not of "
                    "the medians shown. p99 is shown and not tested.",
                    count_of(static_cast<std::uint64_t>(comparison.tests), "test"), significance * 100),
        0);
}

}  // namespace sockray
