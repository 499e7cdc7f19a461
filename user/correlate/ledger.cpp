#include "user/correlate/ledger.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "user/base/format.h"
#include "user/correlate/path.h"

namespace sockray {
namespace {

struct Counts {
    std::uint64_t begun = 0;       // entries with a task frame
    std::uint64_t no_storage = 0;  // entries without
    std::uint64_t unopened = 0;    // returns that found no open frame
    std::uint64_t emitted = 0;
    std::uint64_t no_room = 0;
};

// An entry that found no seat has a return that finds no frame, and is counted by both: what is left of `unopened`
// are the returns whose entry the kernel skipped. What began and never came to the ring, although the tasks were swept
// at the end, is a return that was skipped.
Tally balance(const Counts& counts) {
    Tally tally;
    const std::uint64_t entries_missed = counts.unopened - std::min(counts.unopened, counts.no_storage);
    const std::uint64_t returns_missed = counts.begun - std::min(counts.begun, counts.emitted);
    tally.seen = counts.begun + counts.no_storage + entries_missed;
    tally.emitted = counts.emitted;
    tally.lost.no_room = counts.no_room;
    tally.lost.missed = entries_missed + returns_missed;
    tally.lost.no_seat = counts.no_storage;
    return tally;
}

}  // namespace

void Ledger::add_partial(const sr_send& record) {
    if (!lacks_return(record)) return;
    partial++;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        if (!lacks_return(record, slot)) continue;
        const auto stage = static_cast<Stage>(record.stage[slot]);
        const auto known = std::ranges::find(partial_by_stage, stage, &StageHits::stage);
        (known == partial_by_stage.end() ? partial_by_stage.emplace_back(StageHits{stage}) : *known).hits++;
    }
}

Tally tally_sends(std::span<const sr_counters> cpus) {
    Counts sum;
    for (const sr_counters& cpu : cpus) {
        sum.begun += cpu.sends_begun - cpu.ring_idle - cpu.filtered;
        sum.no_storage += cpu.sends_no_storage;
        sum.unopened += cpu.sends_unopened;
        sum.emitted += cpu.sends_emitted;
        sum.no_room += cpu.sends_no_room;
    }
    return balance(sum);
}

Tally tally_sockets(std::span<const sr_counters> cpus) {
    Counts sum;
    for (const sr_counters& cpu : cpus) {
        sum.begun += cpu.sockets_begun;
        sum.no_storage += cpu.sockets_no_storage;
        sum.emitted += cpu.sockets_emitted;
        sum.no_room += cpu.sockets_no_room;
    }
    return balance(sum);
}

std::vector<CpuLoss> loss_by_cpu(std::span<const sr_counters> cpus) {
    std::vector<CpuLoss> losses;
    for (std::size_t i = 0; i < cpus.size(); i++) {
        const sr_counters& cpu = cpus[i];
        const CpuLoss loss{i,
                           cpu.sends_no_room,
                           cpu.sockets_no_room,
                           cpu.frames_no_room,
                           cpu.sends_no_storage + cpu.sockets_no_storage,
                           cpu.flights_full,
                           cpu.sends_unopened,
                           cpu.passages_lost};
        if (loss.any()) losses.push_back(loss);
    }
    return losses;
}

std::uint64_t Ledger::count(Outcome outcome) const {
    const std::uint64_t known = decoded_by_outcome[static_cast<std::size_t>(outcome)];
    return outcome == Outcome::unknown ? known + sends.lost.total() : known;
}

std::string Ledger::imbalance() const {
    std::string wrong;
    const auto must_equal = [&](std::string_view what, std::uint64_t left, std::uint64_t right) {
        if (left != right) wrong += fmt::format("{}{}: {} are not {}", wrong.empty() ? "" : "; ", what, left, right);
    };
    const std::uint64_t by_outcome =
        std::accumulate(decoded_by_outcome.begin(), decoded_by_outcome.end(), std::uint64_t{0});
    must_equal("decoded sends by their outcomes", by_outcome, decoded);
    must_equal("sends seen, and decoded or lost", sends.seen, decoded + sends.lost.total());
    must_equal("socket creations seen, and decoded or lost", sockets.seen, sockets_decoded + sockets.lost.total());
    must_equal("events of frames seen, and decoded or lost", frames.seen,
               frames.decoded + frames.no_room + frames.rejected);
    return wrong;
}

}  // namespace sockray
