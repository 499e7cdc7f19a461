#include "user/probe/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

namespace sockray {
namespace {

#if defined(__x86_64__)
constexpr Machine this_machine = Machine::x86_64;
#elif defined(__aarch64__)
constexpr Machine this_machine = Machine::arm64;
#else
#error "no decoder for this architecture's code"
#endif

constexpr const char* body_follows =
    "follows from tx_ring.pg_vec, the kernel's own condition, read at the entry of packet_sendmsg";

// The symbol that realises a row on this kernel.
std::optional<std::string> choose_function(const Kallsyms& symbols, const HookRow& row) {
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

}  // namespace

Result<Blueprint> make_plan(const Kallsyms& symbols, const Result<InlinedBodies>& bodies) {
    Blueprint blueprint;
    std::vector<Hook> returns;
    for (const HookRow& row : hook_rows()) {
        PlanLine line;
        if (const auto function = choose_function(symbols, row)) {
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
    // Entries before returns: then a return that fires never belongs to a call whose entry could not have been seen.
    blueprint.hooks.insert(blueprint.hooks.end(), returns.begin(), returns.end());
    return blueprint;
}

Result<Blueprint> make_plan(LiveKernel& kernel) {
    constexpr std::uint64_t most_code = 8192;
    const auto find_bodies = [&]() -> Result<InlinedBodies> {
        const auto address = kernel.symbols.address("packet_sendmsg");
        if (!address) return fail("there is no packet_sendmsg");
        const auto pg_vec = kernel.types.offset("packet_sock", {"tx_ring", "pg_vec"});
        if (!pg_vec) return fail("this kernel's BTF has no packet_sock.tx_ring.pg_vec");
        const std::uint64_t size = kernel.symbols.size_at(*address);
        const auto code = kernel.memory.read(*address, std::min(size ? size : most_code, most_code));
        if (!code) return tl::unexpected(code.error());
        return find_inlined_bodies(this_machine, *code, size, *pg_vec);
    };
    return make_plan(kernel.symbols, find_bodies());
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
