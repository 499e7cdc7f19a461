// What the ledger says of a recording that is not whole.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/unit/analyze_records.h"
#include "user/report/ledger_text.h"

namespace sockray {
namespace {

constexpr Style wide{false, true, 4000, false};

// 1004 sends that were decoded.
std::string ledger_text(Ending ending) {
    ending.ledger.decoded = ending.ledger.sends.seen = ending.ledger.decoded_by_outcome[0] = 1004;
    fmt::memory_buffer out;
    append_ledger_text(out, ending, {}, {}, wide);
    return fmt::to_string(out);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(LedgerText, OfARecordingThatWasCutOffSaysThatLossIsUnknown) {
    Ending ending;
    ending.cut_off = true;
    const std::string text = ledger_text(ending);
    EXPECT_TRUE(has(text, "  decoded 1004, lost: unknown, the recording ends before its ledger\n")) << text;
    EXPECT_TRUE(has(text, "what the devices counted\n")) << text;
    EXPECT_TRUE(has(text, "sockets created: decoded 0, lost: unknown\n")) << text;
    EXPECT_FALSE(has(text, "lost 0")) << text;
    EXPECT_FALSE(has(text, "no room")) << text;
}

TEST(LedgerText, OfFilesThatAreNotAllSaysWhichAreMissing) {
    Ending ending;
    ending.missing = {2, 1, false};
    ending.devices = {{.ifname = "veth0", .tx_packets = 5000}};
    const std::string text = ledger_text(ending);
    EXPECT_TRUE(
        has(text, "not all files of the session are here, what is missing: 2 before the first, 1 between them\n"))
        << text;
    EXPECT_TRUE(has(text, "the ledger is of the whole session")) << text;
    EXPECT_TRUE(has(text, "or in files of the session that are not here")) << text;
    EXPECT_TRUE(has(text, "lost 0 (no room 0")) << text;  // the ledger is there, and says it
}

TEST(CaptureText, OfARecordingThatWasCutOffSaysThatLossIsUnknown) {
    Ending ending;
    ending.cut_off = true;
    ending.capture.emplace();
    ending.capture->received = ending.capture->seen = 7;
    fmt::memory_buffer out;
    append_capture_text(out, ending, wide);
    const std::string text = fmt::to_string(out);
    EXPECT_TRUE(has(text, "received 7 + sent 0, lost: unknown, the recording ends before its ledger\n")) << text;
    EXPECT_FALSE(has(text, "lost 0")) << text;
}

}  // namespace
}  // namespace sockray
