// A session of made-up sends for the tests of exporters: every way a stage can lie, and hostile names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray::made {

inline constexpr std::string_view hostile = "</svg>\"\x01;\xff'\n=";

inline Origin origin() {
    Origin origin;
    origin.version = "0.1.0";
    origin.host = "host</svg>\x02";
    origin.kernel = "6.12.1";
    origin.machine = "x86_64";
    origin.start_ns = 950'000;
    origin.realtime_offset_ns = 1'700'000'000'000'000'000;
    return origin;
}

// The first of a sendmmsg of two, or the second, which saw the end of the call.
inline Send of_sendmmsg(bool last, std::uint64_t id) {
    Send send = delivered(id, last ? 20'010'000 : 20'000'000);
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    send.record.span[SR_SLOT_ENTRY] = {19'999'000, last ? 20'021'000U : 0U};
    send.record.span[SR_SLOT_LOOKUP] = {19'999'200, 19'999'500};
    return send;
}

inline std::vector<Send> session() {
    std::vector<Send> sends;
    sends.push_back(delivered(1, 1'000'000));
    sends.push_back(followed(2, 1'100'000));
    sends.push_back(failed(4, 1'300'000));
    sends.push_back(followed(3, 1'111'000));  // its driver's call touches nothing of the other's
    sends.push_back(followed(5, 1'400'000));
    sends.push_back(followed(6, 1'415'000));
    sends.back().record.span[SR_SLOT_NDO] = {1'429'500, 1'430'500};  // while the one before is in the driver
    sends.push_back(dropped(7, 1'500'000));
    sends.back().record.drop_ns = 1'540'000;  // in the queue, behind the send
    sends.push_back(dropped(8, 1'600'000));
    sends.back().record.drop_ns = 1'606'000;
    sends.push_back(delivered(9, 1'700'000));
    sends.back().record.span[SR_SLOT_DRIVER].end = 1'709'100;  // beyond __dev_queue_xmit
    sends.push_back(delivered(10, 1'800'000));
    sends.back().record.span[SR_SLOT_ENTRY].end = 0;
    // Frames of a TX ring: each begins when the one before has ended, and they end in another order.
    for (const std::uint32_t frame : {1U, 0U, 2U}) {
        Send send = ring_of_many(frame, 11 + frame);
        send.record.span[SR_SLOT_SENDMSG] = {3'000'000 + frame * 40'000, 3'040'000 + frame * 40'000};
        for (int slot = SR_SLOT_BODY; slot < SR_SLOT_COUNT; slot++)
            if (send.record.span[slot].start) {
                send.record.span[slot].start += 1'996'000 - frame * 10'000ULL;
                if (send.record.span[slot].end) send.record.span[slot].end += 1'996'000 - frame * 10'000ULL;
            }
        sends.push_back(send);
    }
    sends.push_back(of_sendmmsg(false, 14));
    sends.push_back(of_sendmmsg(true, 15));
    sends.push_back(delivered(16, 30'000'000));
    set(sends.back().record.comm, hostile);
    set(sends.back().record.ifname, "\xff</svg>\"'");
    sends.back().record.tid = sends.back().record.pid = 900;
    sends.push_back(followed(17, 31'000'000));
    set(sends.back().record.ifname, "=1+\x01<b>");
    sends.back().reason = "=cmd|' /C calc'!A0, \"x\"";
    sends.push_back(delivered(18, 1'000'500));  // overlaps the first of the same thread
    return sends;
}

// What the sink writes of the session, taken away after each call as a caller does that flushes.
template <typename Exporter>
std::string exported(const std::vector<Send>& sends = session()) {
    fmt::memory_buffer out;
    std::string all;
    const auto flush = [&] {
        all.append(out.data(), out.size());
        out.clear();
    };
    const Origin from = origin();
    const Plan with = plan();
    const Names names;
    Exporter exporter(out);
    exporter.begin(from, with, names);
    flush();
    exporter.socket(socket(), 1);
    flush();
    for (const Send& send : sends) {
        exporter.send(send);
        flush();
    }
    exporter.end(Ending{});
    flush();
    return all;
}

}  // namespace sockray::made
