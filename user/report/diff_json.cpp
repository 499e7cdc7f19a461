#include "user/report/diff_json.h"

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "user/live/json_lines.h"

namespace sockray {
namespace {

std::string_view verdict_name(PathVerdict verdict) {
    switch (verdict) {
        case PathVerdict::same: return "same";
        case PathVerdict::appeared: return "appeared";
        case PathVerdict::vanished: return "vanished";
        case PathVerdict::shifted: return "shifted";
        case PathVerdict::unclear: return "unclear";
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

void begin(fmt::memory_buffer& out, std::string_view subject) {
    fmt::format_to(std::back_inserter(out), R"({{"type":"diff","subject":"{}")", subject);
}

void text(fmt::memory_buffer& out, std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":)", key);
    append_json_string(out, value);
}

void end(fmt::memory_buffer& out) {
    out.append(std::string_view("}\n"));
}

void append_recording(fmt::memory_buffer& out, std::string_view which, const Profile& profile) {
    const Ending& ending = profile.ending();
    begin(out, "recording");
    text(out, "which", which);
    text(out, "host", profile.origin().host);
    text(out, "kernel", profile.origin().kernel);
    text(out, "machine", profile.origin().machine);
    fmt::format_to(std::back_inserter(out), R"(,"sends":{},"lost":{},"cut_off":{})", profile.sends(),
                   ending.ledger.sends.lost.total(), ending.cut_off);
    end(out);
}

void append_evidence(fmt::memory_buffer& out, const EvidenceChange& change) {
    begin(out, "evidence");
    text(out, "stage", stage_name(change.stage));
    text(out, "a", evidence_name(change.a));
    text(out, "b", evidence_name(change.b));
    text(out, "hook_a", change.hook_a);
    text(out, "hook_b", change.hook_b);
    end(out);
}

void append_outcome(fmt::memory_buffer& out, const OutcomeChange& change) {
    begin(out, "outcome");
    text(out, "outcome", outcome_name(change.outcome));
    fmt::format_to(std::back_inserter(out),
                   R"(,"sends_a":{},"sends_b":{},"share_a":{:.6g},"share_b":{:.6g},"p":{:.3g},"changed":{},"worse":{})",
                   change.sends_a, change.sends_b, change.share_a, change.share_b, change.p, change.changed,
                   change.worse);
    end(out);
}

void append_reason(fmt::memory_buffer& out, const ReasonChange& reason) {
    begin(out, "reason");
    text(out, "outcome", outcome_name(reason.outcome));
    text(out, "reason", reason.text);
    fmt::format_to(std::back_inserter(out), R"(,"sends_a":{},"sends_b":{})", reason.sends_a, reason.sends_b);
    end(out);
}

void append_path(fmt::memory_buffer& out, const PathChange& path, std::size_t number) {
    begin(out, "path");
    fmt::format_to(std::back_inserter(out), R"(,"path":{},"stages":[)", number);
    const char* comma = "";
    for (const Stage stage : path.stages) {
        if (stage == Stage::none) continue;
        out.append(std::string_view(std::exchange(comma, ",")));
        append_json_string(out, stage_name(stage));
    }
    fmt::format_to(std::back_inserter(out),
                   R"(],"sends_a":{},"sends_b":{},"share_a":{:.6g},"share_b":{:.6g},"p":{:.3g},"verdict":"{}")",
                   path.sends_a, path.sends_b, path.share_a, path.share_b, path.p, verdict_name(path.verdict));
    end(out);
}

void append_stage(fmt::memory_buffer& out, const StageChange& change, std::size_t path) {
    if (!change.has_times) return;
    begin(out, "stage");
    fmt::format_to(std::back_inserter(out), R"(,"path":{})", path);
    text(out, "stage", stage_name(change.stage));
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"(,"moment":{},"sends_a":{},"sends_b":{},"median_a":{},"median_b":{},"p99_a":{},"p99_b":{})",
                   is_moment(change.slot), change.a.sends, change.b.sends, change.a.median, change.b.median,
                   change.a.p99, change.b.p99);
    if (change.verdict == TimeVerdict::too_few)
        fmt::format_to(to, R"(,"ratio":null,"low":null,"high":null,"p":null)");
    else
        fmt::format_to(to, R"(,"ratio":{:.4g},"low":{:.4g},"high":{:.4g})", change.ratio, change.low, change.high);
    if (change.verdict == TimeVerdict::hooks)
        fmt::format_to(to, R"(,"p":null)");
    else if (change.verdict != TimeVerdict::too_few)
        fmt::format_to(to, R"(,"p":{:.3g})", change.p);
    fmt::format_to(to, R"(,"verdict":"{}")", verdict_name(change.verdict));
    end(out);
}

}  // namespace

void append_diff_json(fmt::memory_buffer& out, const Comparison& comparison, const Profile& a, const Profile& b) {
    append_recording(out, "a", a);
    append_recording(out, "b", b);
    for (const EvidenceChange& change : comparison.evidence) append_evidence(out, change);
    for (const OutcomeChange& change : comparison.outcomes) append_outcome(out, change);
    for (const ReasonChange& reason : comparison.reasons) append_reason(out, reason);
    for (std::size_t i = 0; i < comparison.paths.size(); i++) {
        append_path(out, comparison.paths[i], i + 1);
        for (const StageChange& stage : comparison.paths[i].times) append_stage(out, stage, i + 1);
    }
    begin(out, "verdict");
    fmt::format_to(std::back_inserter(out),
                   R"(,"changed":{},"path_changed":{},"outcomes_worse":{},"slower":{},"tolerance":{:g},"tests":{})",
                   comparison.changed(), comparison.path_changed(), comparison.outcomes_worse(), comparison.slower(),
                   comparison.tolerance, comparison.tests);
    end(out);
}

}  // namespace sockray
