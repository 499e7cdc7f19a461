#include "user/probe/plan.h"

#include <algorithm>
#include <optional>
#include <string>

#include "user/base/format.h"

namespace sockray {
namespace {

#if defined(__x86_64__)
constexpr Machine this_machine = Machine::x86_64;
#elif defined(__aarch64__)
constexpr Machine this_machine = Machine::arm64;
#else
#error "no decoder for this architecture's code"
#endif

constexpr const char* hook_of_tracepoints = "tracepoint";
constexpr const char* body_follows =
    "follows from tx_ring.pg_vec, the kernel's own condition, read at the entry of packet_sendmsg";

// The symbol that realises a row on this kernel.
std::optional<std::string> choose_function(const KernelSymbols& symbols, const HookRow& row) {
    for (const std::string_view name : row.functions)
        if (!name.empty() && symbols.address(name)) return std::string(name);
    if (row.takes_arguments) return std::nullopt;
    for (const std::string_view name : row.functions) {
        if (name.empty()) continue;
        const std::vector<std::string> derived = symbols.derived_names(name);
        if (!derived.empty()) return derived.front();
    }
    return std::nullopt;
}

bool is_body(Stage stage) {
    return stage == Stage::packet_snd || stage == Stage::tpacket_snd;
}

PlanLine located_line(Stage stage, const InlinedBodies& bodies) {
    const std::uint64_t offset = stage == Stage::packet_snd ? bodies.packet_snd : bodies.tpacket_snd;
    return {stage,
            Evidence::located,
            "packet_sendmsg",
            offset,
            "kprobe",
            fmt::format("inlined: packet_sendmsg tests tx_ring.pg_vec at +{} and branches at +{}", bodies.test,
                        bodies.branch)};
}

PlanLine line_without_function(Stage stage, const Result<InlinedBodies>& bodies) {
    if (!is_body(stage)) {
        const auto [evidence, reason] = absence_of(stage);
        return {stage, evidence, "", 0, "none", std::string(reason)};
    }
    if (bodies) return located_line(stage, *bodies);
    return {stage, Evidence::derived, "", 0, "none", fmt::format("{}; {}", body_follows, bodies.error().what)};
}

PlanLine line_of_stage_off(Stage stage) {
    constexpr const char* off = "not asked for (--stages)";
    if (is_body(stage))
        return {stage, Evidence::derived, "", 0, "none", fmt::format("{}; its hook is {}", body_follows, off)};
    return {stage, Evidence::absent, "", 0, "none", off};
}

PlanLine line_of_tracepoint(const TracepointRow& row, bool asked_for) {
    if (!asked_for && !row.always) return line_of_stage_off(row.stage);
    const Evidence evidence = asked_for ? Evidence::probed : row.unasked;
    const std::string_view reason = asked_for ? row.reason : row.unasked_reason;
    PlanLine line{row.stage, evidence, std::string(row.tracepoint), 0, hook_of_tracepoints, std::string(reason)};
    line.partly = !asked_for && evidence == Evidence::probed;
    return line;
}

void order_as_passed(Plan& plan) {
    const auto place = [](const PlanLine& line) {
        return std::ranges::find(all_stages, line.stage, &StageInfo::stage) - all_stages.begin();
    };
    std::ranges::stable_sort(plan.lines, {}, place);
}

}  // namespace

Result<Blueprint> make_plan(const KernelSymbols& symbols, const Result<InlinedBodies>& bodies, StageSet stages) {
    Blueprint blueprint;
    std::vector<Hook> returns;
    for (const HookRow& row : hook_rows()) {
        PlanLine line;
        if (!(stages & stage_bit(row.stage))) {
            line = line_of_stage_off(row.stage);
        } else if (const auto function = choose_function(symbols, row)) {
            const bool has_return = !row.exit.empty();
            line = {row.stage, Evidence::probed, *function, 0, has_return ? "kprobe+kretprobe" : "kprobe", ""};
            if (*function != stage_name(row.stage)) line.reason = "under this name on this kernel";
            if (has_return) returns.push_back({row.stage, std::string(row.exit), *function, 0, true});
        } else {
            line = line_without_function(row.stage, bodies);
            if (row.stage == Stage::packet_sendmsg)
                return not_allowed(
                    fmt::format("tracing is not possible here: this kernel has no {}", stage_name(row.stage)),
                    "load AF_PACKET first (modprobe af_packet), if it is a module here");
        }
        if (line.hook != "none")
            blueprint.hooks.push_back({row.stage, std::string(row.enter), line.function, line.offset, false});
        blueprint.plan.lines.push_back(std::move(line));
    }
    for (const TracepointRow& row : tracepoints()) {
        if (row.reason.empty()) continue;
        blueprint.plan.lines.push_back(line_of_tracepoint(row, (stages & stage_bit(row.stage)) != 0));
    }
    order_as_passed(blueprint.plan);
    // Entries before returns: then a return that fires never belongs to a call whose entry could not have been seen.
    blueprint.hooks.insert(blueprint.hooks.end(), returns.begin(), returns.end());
    return blueprint;
}

namespace {

const HookRow& row_of(Stage stage) {
    const auto rows = hook_rows();
    return *std::ranges::find(rows, stage, &HookRow::stage);
}

std::optional<std::string> refused(Backend backend, const PlanLine& line, const std::vector<Refusal>& refusals) {
    for (const Refusal& one : refusals)
        if (one.stage == line.stage && one.backend == backend) return one.reason;
    if (line.offset && backend != Backend::kprobe) return "only a kprobe reaches inside of a function";
    return std::nullopt;
}

// The alternatives of a line, and which of them is taken.
std::optional<Backend> choose_backend(PlanLine& line, std::optional<Backend> only,
                                      const std::vector<Refusal>& refusals) {
    std::optional<Backend> taken;
    line.alternatives.clear();
    for (const Backend backend : all_backends) {
        Alternative alternative{std::string(backend_name(backend)), "", ""};
        if (const auto reason = refused(backend, line, refusals)) {
            alternative.verdict = "refused";
            alternative.reason = *reason;
        } else if (taken) {
            alternative.verdict = "not tried";
            alternative.reason = fmt::format("{} works and is cheaper", backend_name(*taken));
        } else if (only && backend != *only && backend != Backend::kprobe) {
            alternative.verdict = "not tried";
            alternative.reason = fmt::format("--backend {} was asked for", backend_name(*only));
        } else {
            taken = backend;
            alternative.verdict = "taken";
        }
        line.alternatives.push_back(std::move(alternative));
    }
    return taken;
}

std::string all_reasons(const PlanLine& line) {
    std::string text;
    for (const Alternative& one : line.alternatives)
        if (one.verdict == "refused")
            text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", one.backend, one.reason);
    return text;
}

}  // namespace

Status choose_backends(Blueprint& blueprint, std::optional<Backend> only, const std::vector<Refusal>& refusals) {
    std::vector<Stage> without;
    for (PlanLine& line : blueprint.plan.lines) {
        if (line.hook == "none" || line.hook == hook_of_tracepoints) continue;
        const auto backend = choose_backend(line, only, refusals);
        if (line.stage == Stage::packet_sendmsg && (!backend || (only && *backend != *only)))
            return not_allowed(fmt::format("tracing {}is not possible here: {} cannot be hooked: {}",
                                           only ? fmt::format("with --backend {} ", backend_name(*only)) : "",
                                           line.function, all_reasons(line)),
                               only ? "leave it to --backend auto, which takes what works" : "");
        if (!backend) {
            without.push_back(line.stage);
            continue;
        }
        const HookRow& row = row_of(line.stage);
        line.hook = hook_words(*backend, !row.exit.empty());
        for (Hook& hook : blueprint.hooks) {
            if (hook.stage != line.stage) continue;
            hook.backend = *backend;
            hook.program = program_for(row, *backend, hook.on_return);
        }
    }
    for (const Stage stage : without) withdraw(blueprint, stage, all_reasons(*blueprint.plan.find(stage)));
    return {};
}

void note_trial(Plan& plan, Stage stage, Backend backend, const std::string& why_not) {
    PlanLine* line = plan.find(stage);
    if (!line) return;
    for (Alternative& one : line->alternatives) {
        if (one.backend != backend_name(backend) || one.verdict != "not tried") continue;
        one.verdict = why_not.empty() ? "works" : "refused";
        if (!why_not.empty()) one.reason = why_not;
    }
}

Result<Blueprint> make_plan(LiveKernel& kernel, StageSet stages) {
    constexpr std::uint64_t most_code = 8192;
    const auto find_bodies = [&]() -> Result<InlinedBodies> {
        const auto address = kernel.symbols->address("packet_sendmsg");
        if (!address) return fail("there is no packet_sendmsg");
        const auto pg_vec = kernel.types.offset("packet_sock", {"tx_ring", "pg_vec"});
        if (!pg_vec) return fail("this kernel's BTF has no packet_sock.tx_ring.pg_vec");
        const std::uint64_t size = kernel.symbols->size_at(*address);
        const auto code = kernel.memory.read(*address, std::min(size ? size : most_code, most_code));
        if (!code) return tl::unexpected(code.error());
        return find_inlined_bodies(this_machine, *code, size, *pg_vec);
    };
    return make_plan(*kernel.symbols, find_bodies(), stages);
}

void withdraw(Blueprint& blueprint, Stage stage, const std::string& reason) {
    std::erase_if(blueprint.hooks, [stage](const Hook& hook) { return hook.stage == stage; });
    PlanLine* line = blueprint.plan.find(stage);
    if (!line) return;
    *line = {stage,  is_body(stage) ? Evidence::derived : Evidence::absent,
             "",     0,
             "none", is_body(stage) ? fmt::format("{}; {}", body_follows, reason) : reason};
}

}  // namespace sockray
