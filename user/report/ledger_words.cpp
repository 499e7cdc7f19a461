#include "user/report/ledger_words.h"

#include <algorithm>
#include <functional>

#include "user/analyze/incomplete.h"
#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

constexpr std::string_view loss_unknown = "lost: unknown, the recording ends before its ledger";

std::string untapped_words(std::uint64_t frames) {
    return fmt::format(
        "beside them {} of sends that did not come by the taps: past them, dropped before, or without "
        "room",
        frames);
}

// "WHAT CPU 0: 3, CPU 2: 1"; no line where no CPU has any.
template <typename Count>
void add_by_cpu(std::vector<LedgerLine>& lines, const char* what, const std::vector<CpuLoss>& losses, Count count) {
    std::string cpus;
    for (const CpuLoss& loss : losses)
        if (const std::uint64_t lost = std::invoke(count, loss))
            cpus += fmt::format("{}CPU {}: {}", cpus.empty() ? "" : ", ", loss.cpu, lost);
    if (!cpus.empty()) lines.push_back({Tone::warning, what + cpus, true});
}

void add_cut_short(std::vector<LedgerLine>& lines, std::string_view what, const CutShort::Count& count) {
    if (!count.total()) return;
    const std::string removed = count.removed ? fmt::format(" + removed by -W {}", count.removed) : "";
    lines.push_back({Tone::warning, fmt::format("{} to record {} = written {} + not written {}{}", what, count.total(),
                                                count.written, count.not_written, removed)});
}

std::string hits_words(const std::vector<StageHits>& all) {
    std::string words;
    for (const auto& [stage, hits] : all)
        words += fmt::format("{}{} {}", words.empty() ? "" : ", ",
                             stage == Stage::none ? "what is no single stage's" : stage_name(stage), hits);
    return words;
}

// A recording of an older sockray does not say which stages.
std::string partial_words(const Ledger& ledger) {
    const std::string stages = hits_words(ledger.partial_by_stage);
    return fmt::format("{} the return of a stage{}",
                       count_of(ledger.partial, "decoded send lacks", "decoded sends lack"),
                       stages.empty() ? "" : " (" + stages + ")");
}

}  // namespace

std::vector<ReasonSends> reason_sends(const Ledger& ledger, const Reasons& reasons, Outcome outcome) {
    constexpr std::size_t most = 10;
    std::vector<const Reason*> given;
    for (const Reason& reason : reasons.all())
        if (reason.outcome == outcome) given.push_back(&reason);
    std::stable_sort(given.begin(), given.end(), [](const Reason* a, const Reason* b) { return a->sends > b->sends; });
    std::vector<ReasonSends> words;
    std::uint64_t others = reasons.others(outcome);
    for (std::size_t i = 0; i < given.size(); i++) {
        if (i < most)
            words.push_back({given[i]->sends, given[i]->text.empty() ? "no reason known" : given[i]->text});
        else
            others += given[i]->sends;
    }
    if (others) words.push_back({others, "for other reasons (with --json every send tells its own)"});
    if (outcome == Outcome::unknown && ledger.sends.lost.total())
        words.push_back({ledger.sends.lost.total(), "tracing lost their records, see below"});
    return words;
}

std::vector<LedgerLine> missing_words(const Ending& ending) {
    std::vector<LedgerLine> lines;
    const MissingFiles& missing = ending.missing;
    if (ending.cut_off)
        lines.push_back(
            {Tone::warning,
             "the rows are what the recording has; unknown too: what became of frames behind their sends where no "
             "record says it, what a filter or --outcome kept away, and what the devices counted",
             true});
    if (missing.any()) lines.push_back({Tone::warning, incomplete_words(missing)});
    if (missing.any() && !ending.cut_off)
        lines.push_back(
            {Tone::warning, "the ledger is of the whole session, senders, chains and reasons of what is here", true});
    if (const auto& cut = ending.cut_short) {
        add_cut_short(lines, "sends", cut->sends);
        add_cut_short(lines, ending.capture ? "frames of no known send" : "frames", cut->frames);
        lines.push_back({Tone::warning, fmt::format("not written: {}", cut->cause), true});
    }
    return lines;
}

std::vector<LedgerLine> loss_words(const Ending& ending) {
    std::vector<LedgerLine> lines;
    const Ledger& ledger = ending.ledger;
    if (ending.cut_off) {
        lines.push_back({Tone::warning, fmt::format("decoded {}, {}", ledger.decoded, loss_unknown)});
        if (ledger.partial) lines.push_back({Tone::warning, partial_words(ledger)});
        return lines;
    }
    const Loss& lost = ledger.sends.lost;
    const bool lossless = lost.total() == 0;
    lines.push_back({lossless ? Tone::plain : Tone::warning,
                     fmt::format("seen {} = decoded {} + lost {} (no room {}, missed {}, no seat {}, rejected {})",
                                 ledger.sends.seen, ledger.decoded, lost.total(), lost.no_room, lost.missed,
                                 lost.no_seat, lost.rejected)});
    if (lost.no_room)
        lines.push_back({Tone::warning,
                         "no room: the ring was full when the record was ready; give it more memory with --ring",
                         true});
    if (lost.missed)
        lines.push_back(
            {Tone::warning,
             "missed: the kernel skipped a hook: another probe ran on that CPU, or more calls slept at once than it "
             "keeps kretprobe instances for",
             true});
    if (lost.no_seat)
        lines.push_back({Tone::warning, "no seat: the sender's thread found none free for what is traced of it", true});
    add_by_cpu(lines, "no room, no seat, not followed: ", ledger.lost_by_cpu, &CpuLoss::total);
    add_by_cpu(lines, "returns of packet_sendmsg whose entry was skipped or found no seat: ", ledger.lost_by_cpu,
               &CpuLoss::unopened);
    add_by_cpu(lines, "frames whose return from the driver, or end, was not seen: ", ledger.lost_by_cpu,
               &CpuLoss::passages_lost);
    if (lost.rejected)
        lines.push_back({Tone::warning, "rejected: records that make no sense; this is a bug in sockray", true});
    const std::uint64_t others = ledger.sockets.lost.rejected + ledger.frames.rejected + ledger.pieces_rejected;
    if (others || ledger.others_rejected)
        lines.push_back(
            {Tone::warning,
             fmt::format("records that make no sense, and are none of a send: {} of socket creations, {} of "
                         "frames, {} of frames' bytes, {} of no kind; this is a bug in sockray",
                         ledger.sockets.lost.rejected, ledger.frames.rejected, ledger.pieces_rejected,
                         ledger.others_rejected),
             true});
    if (const std::string wrong = ledger.imbalance(); !wrong.empty())
        lines.push_back({Tone::bad, fmt::format("the sums do not balance ({}): this is a bug in sockray, do not trust "
                                                "the counts",
                                                wrong)});
    if (ledger.partial) lines.push_back({Tone::warning, partial_words(ledger) + ", whose hook the kernel skipped"});
    if (ledger.skipped && !ledger.skipped->empty())
        lines.push_back({Tone::warning, "by its own count the kernel skipped hits of: " + hits_words(*ledger.skipped)});
    if (!ledger.uncounted.empty()) {
        constexpr std::size_t most_named = 4;
        std::string stages;
        for (const Stage stage : ledger.uncounted)
            stages += fmt::format("{}{}", stages.empty() ? "" : ", ", stage_name(stage));
        if (ledger.uncounted.size() > most_named) stages = fmt::format("{} stages", ledger.uncounted.size());
        lines.push_back(
            {Tone::dim, fmt::format("how often the kernel skipped the hooks of {} is unknown: this one does "
                                    "not count it",
                                    stages)});
    }
    return lines;
}

std::vector<LedgerLine> correlation_words(const Ledger& ledger) {
    // Sends of one call share its times: they are told apart by their order, where all are there (matcher.h).
    constexpr const char* in_part = ", or were sent by one call with others, of which the filter took some";
    std::vector<LedgerLine> lines;
    if (!ledger.driven) return lines;
    const std::uint64_t found = ledger.correlated.value_or(0);
    const std::uint64_t missing = *ledger.driven - std::min(*ledger.driven, found + ledger.filtered);
    lines.push_back({missing ? Tone::warning : Tone::plain,
                     fmt::format("driven {}, correlated {}{}", *ledger.driven, found,
                                 missing ? fmt::format(": {} not found in the records{}",
                                                       count_of(missing, "was", "were"), ledger.filtered ? in_part : "")
                                         : "")});
    if (ledger.contradicted)
        lines.push_back(
            {Tone::bad, fmt::format("{} what the driver knows: this is a bug in sockray",
                                    count_of(ledger.contradicted, "record contradicts", "records contradict"))});
    return lines;
}

std::vector<LedgerLine> selection_words(const Ledger& ledger) {
    std::vector<LedgerLine> lines;
    if (ledger.filtered)
        lines.push_back(
            {Tone::plain,
             fmt::format("{} seen whose frame did not match the filter: without a record, and in no row above",
                         count_of(ledger.filtered, "more send was", "more sends were"))});
    if (ledger.filter_no_frame)
        lines.push_back(
            {Tone::plain,
             fmt::format("{} of the decoded sends ended before there was a frame that the filter could judge",
                         ledger.filter_no_frame)});
    if (ledger.filter_unjudged)
        lines.push_back(
            {Tone::warning,
             fmt::format("{} of the decoded sends have a frame that the filter could not judge, and are kept: what it "
                         "asks for is out of reach (of a frame in page fragments only the beginning is read), or the "
                         "device's kind of link is unknown to it",
                         ledger.filter_unjudged)});
    if (ledger.left_out)
        lines.push_back({Tone::plain, fmt::format("{} of the decoded sends were neither shown nor recorded: --outcome "
                                                  "did not ask for them",
                                                  ledger.left_out)});
    return lines;
}

namespace {

// What a program was told of its frames' ends is nobody's send, and asked for all the same.
void add_rings(std::vector<LedgerLine>& lines, const Ledger& ledger) {
    if (ledger.ring_idle)
        lines.push_back(
            {Tone::plain, fmt::format("calls on a TX ring that found no frame to send: {}", ledger.ring_idle)});
    if (ledger.ring_idle_timed_out)
        lines.push_back({Tone::plain,
                         fmt::format("of these, {} ETIMEDOUT: SO_SNDTIMEO ran out while waiting for the ends of "
                                     "earlier frames",
                                     count_of(ledger.ring_idle_timed_out, "call was told", "calls were told")),
                         true});
    if (ledger.ring_idle_interrupted)
        lines.push_back({Tone::plain,
                         fmt::format("of these, {} by a signal while waiting for the ends of earlier frames "
                                     "(ERESTARTSYS: the program sees EINTR, or the call begins again)",
                                     count_of(ledger.ring_idle_interrupted, "call was ended", "calls were ended")),
                         true});
    if (ledger.ring_overlapped)
        lines.push_back({Tone::warning,
                         fmt::format("calls on a TX ring with PACKET_LOSS that may have passed over malformed frames "
                                     "unseen: {}: another thread's call moved the ring on at the same time",
                                     ledger.ring_overlapped)});
}

}  // namespace

std::vector<LedgerLine> other_counts_words(const Ending& ending) {
    std::vector<LedgerLine> lines;
    const Ledger& ledger = ending.ledger;
    if (ending.cut_off) {
        lines.push_back(
            {Tone::warning, fmt::format("sockets created: decoded {}, lost: unknown", ledger.sockets_decoded)});
        return lines;
    }
    add_rings(lines, ledger);
    if (ledger.children_lost)
        lines.push_back(
            {Tone::warning, fmt::format("{} of the command could not be marked: what was sent there is missing here",
                                        count_of(ledger.children_lost, "child", "children"))});
    const FrameTally& frames = ledger.frames;
    if (frames.seen || frames.map_full)
        lines.push_back(
            {frames.no_room || frames.rejected || frames.map_full || frames.missed ? Tone::warning : Tone::plain,
             fmt::format(
                 "what became of frames after their calls: {} = decoded {} + lost {}{}; not followed for want of "
                 "room (--in-flight) {}, end not seen {}",
                 count_of(frames.seen, "record"), frames.decoded, frames.no_room,
                 frames.rejected ? fmt::format(" + rejected {}", frames.rejected) : "", frames.map_full,
                 frames.missed)});
    if (ledger.pieces_no_room || ledger.pieces_unread)
        lines.push_back({Tone::warning,
                         fmt::format("bytes of frames: {} found no room in the ring, {} could not be read where they "
                                     "lay: those frames are cut off in the recording",
                                     count_of(ledger.pieces_no_room, "part"), ledger.pieces_unread)});
    const std::uint64_t lost = ledger.sockets.lost.total();
    lines.push_back(
        {lost ? Tone::warning : Tone::plain, fmt::format("sockets created: seen {} = decoded {} + lost {}",
                                                         ledger.sockets.seen, ledger.sockets_decoded, lost)});
    return lines;
}

std::vector<LedgerLine> offer_words(const Offers& offers) {
    if (!offers.total()) return {};
    std::vector<LedgerLine> lines{
        {offers.full ? Tone::warning : Tone::plain,
         fmt::format(
             "offered to packet sockets of this machine: {}{} = taken {} + no room {} + not wanted {} + unknown {}",
             count_of(offers.total(), "time"),
             offers.to_rings ? fmt::format(" ({} by tpacket_rcv, to a ring)", offers.to_rings) : "", offers.taken,
             offers.full, offers.filtered, offers.unknown)}};
    if (offers.full)
        lines.push_back({Tone::warning,
                         "no room: the socket's buffer or ring was full; of the send this says nothing, its frame was "
                         "there",
                         true});
    return lines;
}

std::vector<LedgerLine> capture_words(const Ending& ending) {
    const CaptureLedger& ledger = *ending.capture;
    if (ending.cut_off) {
        std::vector<LedgerLine> lines{
            {Tone::warning, fmt::format("received {} + sent {}, {}", ledger.received, ledger.sent, loss_unknown)}};
        if (ledger.untapped) lines.push_back({Tone::plain, untapped_words(ledger.untapped)});
        return lines;
    }
    const std::uint64_t lost = ledger.dropped + ledger.unread;
    const std::string left_out = ledger.left_out ? fmt::format(" + left out {}", ledger.left_out) : "";
    const std::string beyond = ledger.beyond ? fmt::format(" + behind the last of -c {}", ledger.beyond) : "";
    std::vector<LedgerLine> lines{
        {lost ? Tone::warning : Tone::plain,
         fmt::format("seen {} = received {} + sent {}{}{} + lost {} (no room {}, unread {})", ledger.seen,
                     ledger.received, ledger.sent, left_out, beyond, lost, ledger.dropped, ledger.unread)}};
    if (ledger.dropped)
        lines.push_back({Tone::warning,
                         fmt::format("no room: the kernel came upon a full ring {}; give it more with --ring, "
                                     "share the work with --fanout, or take fewer frames with a filter",
                                     count_of(ledger.freezes, "time")),
                         true});
    if (ledger.unread) lines.push_back({Tone::warning, "unread: the kernel kept frames back in its ring", true});
    if (!ledger.balances())
        lines.push_back({Tone::bad, "the sums do not balance: this is a bug in sockray, do not trust the counts"});
    if (ledger.untapped) lines.push_back({Tone::plain, untapped_words(ledger.untapped)});
    if (ledger.cut) lines.push_back({Tone::plain, fmt::format("{} were longer than the snaplen", ledger.cut)});
    return lines;
}

}  // namespace sockray
