// The sentences of the ledger, in text and in HTML: why sends did not leave, what tracing lost, what else was counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/base/terminal.h"
#include "user/correlate/ledger.h"
#include "user/correlate/sink.h"

namespace sockray {

struct ReasonSends {
    std::uint64_t sends = 0;
    std::string text;  // as recorded: hostile
};

// Of an outcome, the most frequent first; what is beyond the first few as one. Their sends add up to the outcome's.
std::vector<ReasonSends> reason_sends(const Ledger& ledger, const Reasons& reasons, Outcome outcome);

struct LedgerLine {
    Tone tone = Tone::plain;
    std::string text;     // may hold names from the outside: hostile
    bool detail = false;  // explains the line before it
};

// Of a recording that is not whole: what is missing or was not written, and what that leaves unknown. Empty where it
// is whole.
std::vector<LedgerLine> missing_words(const Ending& ending);
// seen = decoded + lost, and why; where the ledger is not there, that it is unknown.
std::vector<LedgerLine> loss_words(const Ending& ending);
// Where sockray drove the traffic itself: driven = correlated.
std::vector<LedgerLine> correlation_words(const Ledger& ledger);
// What a filter and --outcome kept away, and what the filter could not judge.
std::vector<LedgerLine> selection_words(const Ledger& ledger);
// Frames behind their sends, sockets, and the like.
std::vector<LedgerLine> other_counts_words(const Ending& ending);
// How often frames were offered to packet sockets of this machine, and what these did; none where none was.
std::vector<LedgerLine> offer_words(const Offers& offers);
// Of the frames that a capture's filter selected: seen = told + lost, and why. The ending must have a capture.
std::vector<LedgerLine> capture_words(const Ending& ending);
// What a device counted, held against the frames that its driver took.
std::vector<LedgerLine> device_words(const Ending& ending, const Devices& devices, const DeviceDelta& delta);

// The devices that sends came to and of which no counter was read: of other network namespaces, and those that a filter
// passed frames on to where one device alone was asked for.
std::vector<LedgerLine> uncounted_device_words(const Ending& ending, const Devices& devices);
// The same of the packet sockets that got the frames: those that differ, then those that agree, as one where they are
// many, and those that are gone.
std::vector<LedgerLine> receiver_words(const Ending& ending);

}  // namespace sockray
