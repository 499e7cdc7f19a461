#include "user/report/ledger_text.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "user/live/outcome_tone.h"

namespace sockray {

namespace {

constexpr int label_width = 14;
constexpr int number_width = 12;
constexpr std::size_t reasons_shown = 10;  // of each outcome

void append_count(fmt::memory_buffer& out, const Style& style, Tone tone, int indent, std::string_view label,
                  std::uint64_t count) {
    fmt::format_to(std::back_inserter(out), "{:{}}", "", indent);
    paint_cell(out, style, tone, label, label_width - indent);
    paint_cell(out, style, tone, fmt::format("{}", count), number_width, Align::right);
    out.push_back('\n');
}

void append_reason(fmt::memory_buffer& out, const Style& style, std::uint64_t sends, std::string_view text) {
    const int column = label_width + number_width + 2;
    bool first = true;
    for (const std::string_view line : wrapped(text, std::max(style.width - column, 24))) {
        paint_cell(out, style, Tone::dim, first ? fmt::format("{}", sends) : "", label_width + number_width,
                   Align::right);
        fmt::format_to(std::back_inserter(out), "  {}\n", line);
        first = false;
    }
}

void append_outcome(fmt::memory_buffer& out, const Ledger& ledger, const Reasons& reasons, Outcome outcome,
                    const Style& style) {
    const std::uint64_t sends = ledger.count(outcome);
    append_count(out, style, sends ? tone_of(outcome) : Tone::dim, 4, outcome_name(outcome), sends);
    std::vector<const Reason*> given;
    for (const Reason& reason : reasons.all())
        if (reason.outcome == outcome) given.push_back(&reason);
    std::stable_sort(given.begin(), given.end(), [](const Reason* a, const Reason* b) { return a->sends > b->sends; });
    std::uint64_t others = reasons.others(outcome);
    for (std::size_t i = 0; i < given.size(); i++) {
        if (i < reasons_shown)
            append_reason(out, style, given[i]->sends,
                          given[i]->text.empty() ? "no reason known" : printable(given[i]->text, style.utf8));
        else
            others += given[i]->sends;
    }
    if (others) append_reason(out, style, others, "for other reasons");
    if (outcome == Outcome::unknown && ledger.sends.lost.total())
        append_reason(out, style, ledger.sends.lost.total(), "tracing lost their records, see below");
}

void append_loss(fmt::memory_buffer& out, const Ledger& ledger, const Style& style) {
    const Loss& lost = ledger.sends.lost;
    const bool lossless = lost.total() == 0;
    paint_lines(out, style, lossless ? Tone::plain : Tone::warning,
                fmt::format("seen {} = decoded {} + lost {} (no room {}, missed {}, no memory {}, rejected {})",
                            ledger.sends.seen, ledger.decoded, lost.total(), lost.no_room, lost.missed, lost.map_full,
                            lost.rejected),
                2);
    if (lost.no_room)
        paint_lines(out, style, Tone::warning,
                    "no room: the ring was full when the record was ready; give it more memory with --ring", 4);
    if (lost.missed)
        paint_lines(
            out, style, Tone::warning,
            "missed: the kernel skipped a hook: another probe ran on that CPU, or more calls slept at once than it "
            "keeps kretprobe instances for",
            4);
    if (lost.map_full) paint_lines(out, style, Tone::warning, "no memory: the kernel had none for a task's frame", 4);
    if (!ledger.lost_by_cpu.empty()) {
        std::string cpus;
        for (const CpuLoss& cpu : ledger.lost_by_cpu)
            cpus += fmt::format("{}CPU {}: {}", cpus.empty() ? "" : ", ", cpu.cpu, cpu.total());
        paint_lines(out, style, Tone::warning, "no room, no memory, not followed: " + cpus, 4);
    }
    if (lost.rejected)
        paint_lines(out, style, Tone::warning, "rejected: records that make no sense; this is a bug in sockray", 4);
    if (!ledger.balances())
        paint_lines(out, style, Tone::bad, "the sums do not balance: this is a bug in sockray, do not trust the counts",
                    2);
    if (ledger.shown < ledger.decoded)
        paint_lines(
            out, style, Tone::plain,
            fmt::format("shown above: the first {} of the {} decoded, as -c asked", ledger.shown, ledger.decoded), 2);
    if (ledger.partial)
        paint_lines(out, style, Tone::warning,
                    fmt::format("{} of the decoded sends lack the return of a stage, whose hook the kernel skipped",
                                ledger.partial),
                    2);
    if (ledger.skipped && !ledger.skipped->empty()) {
        std::string stages;
        for (const auto& [stage, hits] : *ledger.skipped)
            stages +=
                fmt::format("{}{} {}", stages.empty() ? "" : ", ",
                            stage == Stage::none ? "programs that several stages share" : stage_name(stage), hits);
        paint_lines(out, style, Tone::warning, "by its own count the kernel skipped hits of: " + stages, 2);
    }
    if (!ledger.uncounted.empty() && (lost.missed || ledger.partial))
        paint_lines(
            out, style, Tone::plain,
            fmt::format("how many hits it skipped of {} hooked stages is unknown: this kernel does not count them",
                        ledger.uncounted.size()),
            2);
}

void append_correlation(fmt::memory_buffer& out, const Ledger& ledger, const Style& style) {
    if (!ledger.driven) return;
    const std::uint64_t found = ledger.correlated.value_or(0);
    const std::uint64_t missing = *ledger.driven - std::min(*ledger.driven, found);
    paint_lines(out, style, missing ? Tone::warning : Tone::plain,
                fmt::format("driven {}, correlated {}{}", *ledger.driven, found,
                            missing ? fmt::format(": {} were not found in the records", missing) : ""),
                2);
    if (ledger.contradicted)
        paint_lines(
            out, style, Tone::bad,
            fmt::format("{} records contradict what the driver knows: this is a bug in sockray", ledger.contradicted),
            2);
}

void append_sockets(fmt::memory_buffer& out, const Ledger& ledger, const Style& style) {
    if (ledger.ring_idle)
        paint_lines(out, style, Tone::plain,
                    fmt::format("calls on a TX ring that found no frame to send: {}", ledger.ring_idle), 2);
    if (ledger.children_lost)
        paint_lines(out, style, Tone::warning,
                    fmt::format("{} children of the command could not be marked: what they sent is missing here",
                                ledger.children_lost),
                    2);
    const FrameTally& frames = ledger.frames;
    if (frames.seen || frames.map_full)
        paint_lines(
            out, style, frames.no_room || frames.map_full || frames.missed ? Tone::warning : Tone::plain,
            fmt::format("frames behind the return of their sends: {} events = decoded {} + lost {}; not followed "
                        "{} (--in-flight), return from the driver not seen {}",
                        frames.seen, frames.decoded, frames.no_room, frames.map_full, frames.missed),
            2);
    if (ledger.pieces_no_room || ledger.pieces_unread)
        paint_lines(out, style, Tone::warning,
                    fmt::format("bytes of frames: {} parts found no room in the ring, {} could not be read where they "
                                "lay: those frames are cut off in the recording",
                                ledger.pieces_no_room, ledger.pieces_unread),
                    2);
    const std::uint64_t lost = ledger.sockets.lost.total();
    paint_lines(out, style, lost ? Tone::warning : Tone::plain,
                fmt::format("sockets created: seen {} = decoded {} + lost {}", ledger.sockets.seen,
                            ledger.sockets_decoded, lost),
                2);
}

void append_device(fmt::memory_buffer& out, const Ledger& ledger, const Devices& devices, const DeviceDelta& delta,
                   const Style& style) {
    const std::uint64_t delivered = devices.frames_delivered(delta.ifname, delta.netns_ino);
    std::string text = fmt::format("{} counted tx_packets +{}", printable(delta.ifname, style.utf8), delta.tx_packets);
    Tone tone = Tone::plain;
    if (delta.tx_packets == delivered) {
        tone = Tone::good;
        text += fmt::format(" = delivered {}", delivered);
    } else if (delta.tx_packets > delivered) {
        text += fmt::format(
            ": {} more than the {} delivered, from other senders or the kernel itself (IPv6 neighbour "
            "discovery, for one)",
            delta.tx_packets - delivered, delivered);
        const std::uint64_t open = ledger.count(Outcome::queued) + ledger.count(Outcome::unknown);
        if (open) text += fmt::format(", or among the {} queued or unknown", open);
    } else {
        tone = Tone::warning;
        text += fmt::format(": {} fewer than the {} that its driver took; it counts late, or dropped them itself",
                            delivered - delta.tx_packets, delivered);
    }
    if (delta.tx_dropped) text += fmt::format("; tx_dropped +{}", delta.tx_dropped);
    if (delta.tx_errors) text += fmt::format("; tx_errors +{}", delta.tx_errors);
    paint_lines(out, style, tone, text, 2);
}

}  // namespace

void append_ledger_text(fmt::memory_buffer& out, const Ledger& ledger, const Reasons& reasons, const Devices& devices,
                        std::span<const DeviceDelta> deltas, const Style& style) {
    paint(out, style, Tone::bold, "LEDGER");
    out.push_back('\n');
    append_count(out, style, Tone::plain, 2, "attempted", ledger.attempted());
    for (const Outcome outcome :
         {Outcome::delivered, Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown})
        append_outcome(out, ledger, reasons, outcome, style);
    append_loss(out, ledger, style);
    append_correlation(out, ledger, style);
    append_sockets(out, ledger, style);
    for (const DeviceDelta& delta : deltas) append_device(out, ledger, devices, delta, style);
}

}  // namespace sockray
