// A session as the texts of user/report show it, for their tests.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/report/chain_text.h"
#include "user/report/ledger_text.h"
#include "user/report/senders_text.h"

namespace sockray::texts {

inline constexpr Style plain{false, true, 100, false};
inline constexpr Style ascii{false, false, 100, false};
inline constexpr Style wide{false, true, 300, false};
inline constexpr Style narrow{false, true, 80, true};
inline constexpr Style colored{true, true, 100, true};

// What a session of sends leaves behind.
struct Session {
    Chain chain;
    Reasons reasons;
    Senders senders;
    Devices devices;
    Ledger ledger;

    void add(const Send& send) {
        chain.add(send);
        reasons.add(send);
        senders.add(send);
        devices.add(send, made::Names());
        ledger.decoded++;
        ledger.sends.seen++;
        ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
    }
    std::string ledger_text(const Style& style = plain, const std::vector<DeviceDelta>& deltas = {}) const {
        fmt::memory_buffer out;
        Ending ending;
        ending.ledger = ledger;
        ending.devices = deltas;
        append_ledger_text(out, ending, reasons, devices, style);
        return fmt::to_string(out);
    }
    std::string chain_text(bool inlined = false, const Style& style = plain) const {
        fmt::memory_buffer out;
        append_chain_text(out, chain, made::plan(inlined), {}, style);
        return fmt::to_string(out);
    }
    std::string senders_text(const Style& style = plain) const {
        fmt::memory_buffer out;
        append_senders_text(out, senders, style);
        return fmt::to_string(out);
    }
};

inline Session mixed() {
    Session session;
    for (int i = 0; i < 1000; i++) session.add(made::delivered());
    for (int i = 0; i < 2; i++) session.add(made::failed());
    session.add(made::dropped());
    session.add(made::ring());
    return session;  // 1004 sends
}

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

inline int widest(const std::string& text) {
    int width = 0;
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin))
        width = std::max(width, columns(std::string_view(text).substr(begin, end - begin)));
    return width;
}

}  // namespace sockray::texts
