#include "user/report/diff_json.h"

#include <optional>
#include <string_view>
#include <utility>

#include "user/base/json.h"

namespace sockray {
namespace {

std::string_view verdict_name(PathVerdict verdict) {
    switch (verdict) {
        case PathVerdict::same: return "same";
        case PathVerdict::appeared: return "appeared";
        case PathVerdict::vanished: return "vanished";
        case PathVerdict::shifted: return "shifted";
        case PathVerdict::unclear: return "unclear";
        case PathVerdict::left_out: return "left_out";
    }
    return "same";
}

std::string_view verdict_name(TimeVerdict verdict) {
    switch (verdict) {
        case TimeVerdict::same: return "same";
        case TimeVerdict::slower: return "slower";
        case TimeVerdict::faster: return "faster";
        case TimeVerdict::hooks: return "hooks";
        case TimeVerdict::too_few: return "too_few";
    }
    return "same";
}

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::same: return "same";
        case Verdict::changed: return "changed";
        case Verdict::not_all_judged: return "not_all_judged";
    }
    return "not_all_judged";
}

// One line: what `append` puts into the object.
template <typename Append>
void line(fmt::memory_buffer& out, std::string_view subject, Append append) {
    {
        JsonObject object(out);
        object.text("type", "diff");
        object.text("subject", subject);
        append(object);
    }
    out.push_back('\n');
}

void append_shares(JsonObject& object, std::uint64_t sends_a, std::uint64_t sends_b, double share_a, double share_b,
                   double p) {
    object.number("sends_a", sends_a);
    object.number("sends_b", sends_b);
    object.real("share_a", share_a);
    object.real("share_b", share_b);
    object.real("p", p, 3);
}

void append_recording(JsonObject& object, std::string_view which, const Profile& profile) {
    const Ending& ending = profile.ending();
    object.text("which", which);
    object.text("host", profile.origin().host);
    object.text("kernel", profile.origin().kernel);
    object.text("machine", profile.origin().machine);
    object.number("sends", profile.sends());
    object.number("lost", ending.cut_off ? std::nullopt : std::optional(ending.ledger.sends.lost.total()));
    object.boolean("cut_off", ending.cut_off);
    object.boolean("files_missing", ending.missing.any());
    object.number("left_out", ending.cut_off ? std::nullopt : std::optional(ending.ledger.left_out));
}

void append_evidence(JsonObject& object, const EvidenceChange& change) {
    object.text("stage", stage_name(change.stage));
    object.text("a", evidence_name(change.a));
    object.text("b", evidence_name(change.b));
    object.text("hook_a", change.hook_a);
    object.text("hook_b", change.hook_b);
}

void append_outcome(JsonObject& object, const OutcomeChange& change) {
    object.text("outcome", outcome_name(change.outcome));
    append_shares(object, change.sends_a, change.sends_b, change.share_a, change.share_b, change.p);
    object.boolean("changed", change.changed);
    object.boolean("worse", change.worse);
    object.boolean("judged", change.judged);
    object.boolean("significant", change.significant);
    object.boolean("unclear", change.unclear);
    object.real("counts_from", change.counts_from);
}

void append_reason(JsonObject& object, const ReasonChange& reason) {
    object.text("outcome", outcome_name(reason.outcome));
    object.text("reason", reason.text);
    object.number("sends_a", reason.sends_a);
    object.number("sends_b", reason.sends_b);
}

void append_path(JsonObject& object, const PathChange& path, std::size_t number) {
    object.number("path", number);
    {
        JsonArray stages = object.array("stages");
        for (const Stage stage : path.stages)
            if (stage != Stage::none) stages.text(stage_name(stage));
    }
    append_shares(object, path.sends_a, path.sends_b, path.share_a, path.share_b, path.p);
    object.text("verdict", verdict_name(path.verdict));
}

void append_stage(JsonObject& object, const StageChange& change, std::size_t path) {
    object.number("path", path);
    object.text("stage", stage_name(change.stage));
    object.boolean("moment", is_moment(change.slot));
    object.number("sends_a", change.a.sends);
    object.number("sends_b", change.b.sends);
    object.number("median_a", change.a.median);
    object.number("median_b", change.b.median);
    object.number("p99_a", change.a.p99);
    object.number("p99_b", change.b.p99);
    const bool compared = change.verdict != TimeVerdict::too_few;
    for (const auto& [key, value] : {std::pair{"ratio", change.ratio}, {"low", change.low}, {"high", change.high}}) {
        if (compared)
            object.real(key, value, 4);
        else
            object.null(key);
    }
    if (compared && change.verdict != TimeVerdict::hooks)
        object.real("p", change.p, 3);
    else
        object.null("p");
    object.text("verdict", verdict_name(change.verdict));
}

void append_verdict(JsonObject& object, const Comparison& comparison) {
    object.boolean("changed", comparison.changed());
    object.boolean("path_changed", comparison.path_changed());
    object.boolean("outcomes_worse", comparison.outcomes_worse());
    object.boolean("slower", comparison.slower());
    object.real("tolerance", comparison.tolerance);
    object.number("tests", comparison.tests);
    const Unjudged unjudged = comparison.unjudged();
    object.text("verdict", verdict_name(comparison.verdict()));
    object.number("paths_not_judged", unjudged.paths);
    object.number("outcomes_not_judged", unjudged.outcomes);
    object.number("stages_not_judged", unjudged.hooks + unjudged.too_few);
}

}  // namespace

void append_diff_json(fmt::memory_buffer& out, const Comparison& comparison, const Profile& a, const Profile& b) {
    line(out, "recording", [&](JsonObject& object) { append_recording(object, "a", a); });
    line(out, "recording", [&](JsonObject& object) { append_recording(object, "b", b); });
    for (const EvidenceChange& change : comparison.evidence)
        line(out, "evidence", [&](JsonObject& object) { append_evidence(object, change); });
    for (const OutcomeChange& change : comparison.outcomes)
        line(out, "outcome", [&](JsonObject& object) { append_outcome(object, change); });
    for (const ReasonChange& reason : comparison.reasons)
        line(out, "reason", [&](JsonObject& object) { append_reason(object, reason); });
    for (std::size_t i = 0; i < comparison.paths.size(); i++) {
        const PathChange& path = comparison.paths[i];
        line(out, "path", [&](JsonObject& object) { append_path(object, path, i + 1); });
        for (const StageChange& stage : path.times)
            if (stage.has_times) line(out, "stage", [&](JsonObject& object) { append_stage(object, stage, i + 1); });
    }
    line(out, "verdict", [&](JsonObject& object) { append_verdict(object, comparison); });
}

}  // namespace sockray
