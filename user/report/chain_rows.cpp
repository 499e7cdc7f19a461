#include "user/report/chain_rows.h"

#include <algorithm>
#include <cstdint>
#include <ranges>

#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {

std::vector<ChainRow> chain_rows(const Path& path, const Plan& plan) {
    const StageBySlot stages = with_derived(path.stages, path.entries.empty() ? "" : path.entries.front(), plan);
    const auto depth = depth_by_slot(stages);
    const Stage entry = stages[SR_SLOT_ENTRY];
    const bool by_descriptor =
        entry == Stage::sys_sendto || entry == Stage::sys_sendmsg || entry == Stage::sys_sendmmsg;
    std::vector<ChainRow> rows;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        Stage stage = stages[slot];
        const bool passed = stage != Stage::none;
        if (slot == SR_SLOT_LOOKUP && by_descriptor) stage = Stage::sockfd_lookup;
        if (slot == SR_SLOT_SOCK) stage = Stage::sock_sendmsg;
        if (slot == SR_SLOT_INNER) stage = Stage::sock_sendmsg_inner;
        if (stage != Stage::none) rows.push_back({slot, stage, depth[slot], passed});
    }
    return rows;
}

std::vector<const Path*> paths_by_sends(const Chain& chain) {
    std::vector<const Path*> paths;
    for (const Path& path : chain.paths()) paths.push_back(&path);
    std::stable_sort(paths.begin(), paths.end(), [](const Path* a, const Path* b) { return a->sends > b->sends; });
    return paths;
}

std::string evidence_text(Stage stage, bool hit, const Plan& plan) {
    const PlanLine* line = plan.find(stage);
    if (hit && line && line->evidence == Evidence::located) return fmt::format("located +{}", line->offset);
    if (hit) return std::string(evidence_name(Evidence::probed));
    // Passed, hooked and yet not hit: known by what the record says of the kernel's state.
    if (line && line->evidence == Evidence::located) return std::string(evidence_name(Evidence::derived));
    return std::string(evidence_name(plan.evidence(stage)));
}

std::string_view without_times(const ChainRow& row, const Plan& plan) {
    const PlanLine* line = plan.find(row.stage);
    const bool hooked = line && (line->evidence == Evidence::probed || line->evidence == Evidence::located);
    if (!hooked) return line ? std::string_view(line->reason).substr(0, line->reason.find(';')) : "";
    return row.passed ? "its hook was not hit; known from tx_ring.pg_vec" : "not on this path";
}

std::vector<ChainNote> chain_notes(const Path& path, const Plan& plan) {
    std::vector<ChainNote> notes;
    const Stage body = path.stages[SR_SLOT_BODY];
    const std::uint64_t hits = path.times[SR_SLOT_BODY].hits;
    if (hits && plan.evidence(body) == Evidence::located) {
        std::string_view next = "its return";
        for (int slot = SR_SLOT_COUNT - 1; slot > SR_SLOT_BODY; slot--)
            if (path.stages[slot] != Stage::none) next = stage_name(path.stages[slot]);
        notes.push_back({fmt::format("located {}: {} of {} {} between {} and {}", stage_name(body), path.body_in_order,
                                     count_of(hits, body == Stage::tpacket_snd ? "frame" : "hit"),
                                     verb_of(hits, "lies", "lie"), stage_name(path.stages[SR_SLOT_SENDMSG]), next),
                         path.body_out_of_order > 0});
    }
    if (body == Stage::tpacket_snd)
        notes.push_back(
            {"TX ring: one call sends many frames, and all hits are counted once a frame; the times of packet_sendmsg "
             "and "
             "tpacket_snd are those of each frame, from the end of the one before"});
    if (std::ranges::any_of(std::views::iota(0, SR_SLOT_COUNT),
                            [&](int slot) { return is_moment(slot) && path.times[slot].hits > 0; }))
        notes.push_back({fmt::format("+: a moment, from the start of {}; it can lie behind the return of the send",
                                     stage_name(path.stages[path.root]))});
    if (path.stages[SR_SLOT_XMIT] == Stage::direct_xmit)
        notes.push_back(
            {"past the qdisc and the taps (PACKET_QDISC_BYPASS): tcpdump on the sending side cannot see "
             "these frames"});
    if (path.stages[SR_SLOT_ENTRY] == Stage::sys_sendmmsg)
        notes.push_back(
            {"sendmmsg: one call makes many sends; __sys_sendmmsg is counted once a send, its times are those of whole "
             "calls"});
    return notes;
}

}  // namespace sockray
