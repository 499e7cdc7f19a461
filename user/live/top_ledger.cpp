#include "user/live/top_ledger.h"

#include <initializer_list>
#include <vector>

#include "user/base/format.h"
#include "user/live/outcome_tone.h"

namespace sockray {
namespace {

// Records that found no room or no seat: of these no more will be known.
std::uint64_t lost_records(const Ledger& ledger) {
    return ledger.sends.lost.no_room + ledger.sends.lost.no_seat + ledger.sends.lost.rejected;
}

struct Term {
    std::string_view name;
    std::uint64_t count = 0;
    Tone tone = Tone::plain;
};

// The terms as they are and, where that is too long, without those that are 0; dots where even these are too many.
std::string sum_line(std::string_view begin, std::string_view between, std::initializer_list<Term> terms,
                     const Style& style) {
    for (const bool all : {true, false}) {
        fmt::memory_buffer out;
        int used = columns(begin);
        out.append(begin);
        std::string_view before;
        for (const Term& term : terms) {
            if (!all && term.count == 0) continue;
            const std::string text = fmt::format("{} {}", term.name, term.count);
            if (!all && used + columns(before) + columns(text) > style.width) {
                out.append(shortened(fmt::format("{}..", before), style.width - used));
                break;
            }
            used += columns(before) + columns(text);
            out.append(before);
            paint(out, style, term.count ? term.tone : Tone::dim, text);
            before = between;
        }
        if (used <= style.width || !all) return fmt::to_string(out);
    }
    return {};
}

}  // namespace

std::uint64_t open_sends(const Ledger& ledger) {
    const std::uint64_t known = ledger.decoded + lost_records(ledger);
    return ledger.attempted() > known ? ledger.attempted() - known : 0;
}

std::string top_ledger_line(const Ledger& ledger, const Style& style) {
    const auto term = [&](Outcome outcome, std::uint64_t more = 0) {
        return Term{outcome_name(outcome), ledger.decoded_by_outcome[static_cast<std::size_t>(outcome)] + more,
                    tone_of(outcome)};
    };
    const std::uint64_t open = open_sends(ledger);
    const std::uint64_t attempted = ledger.decoded + lost_records(ledger) + open;
    const std::string begin = fmt::format("LEDGER {} = ", attempted);
    if (columns(begin) > style.width) return shortened(begin, style.width);
    return sum_line(begin, " + ",
                    {term(Outcome::delivered),
                     term(Outcome::dropped),
                     term(Outcome::failed),
                     term(Outcome::queued),
                     term(Outcome::unknown, lost_records(ledger)),
                     {"under way", open}},
                    style);
}

std::string top_loss_line(const Ledger& ledger, const Style& style) {
    const Loss& lost = ledger.sends.lost;
    const FrameTally& frames = ledger.frames;
    if (lost_records(ledger) + frames.lost() == 0) {
        fmt::memory_buffer out;
        paint(out, style, Tone::dim, shortened("LOSS   nothing", style.width));
        return fmt::to_string(out);
    }
    const std::string begin = "LOSS   ";
    if (columns(begin) > style.width) return shortened(begin, style.width);
    return sum_line(begin, ", ",
                    {{"no room", lost.no_room, Tone::warning},
                     {"no seat", lost.no_seat, Tone::warning},
                     {"rejected", lost.rejected, Tone::warning},
                     {"frames without room", frames.no_room, Tone::warning},
                     {"frames rejected", frames.rejected, Tone::warning},
                     {"not followed", frames.map_full, Tone::warning},
                     {"not seen to end", frames.missed, Tone::warning}},
                    style);
}

}  // namespace sockray
