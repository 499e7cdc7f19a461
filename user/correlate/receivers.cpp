#include "user/correlate/receivers.h"

#include <algorithm>

#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {

std::string_view received_name(std::uint32_t received) {
    switch (received) {
        case SR_RECEIVED_TAKEN: return "taken";
        case SR_RECEIVED_FULL: return "full";
        case SR_RECEIVED_UNKNOWN: return "unknown";
        default: return "filtered";
    }
}

std::vector<FrameReceiver> receivers_of(const Send& send) {
    const sr_send& record = send.record;
    std::vector<FrameReceiver> all;
    if (!record.receivers) return all;
    all.push_back({record.received_ino, record.span[SR_SLOT_RECEIVE].start, record.received,
                   std::uint32_t{record.stage[SR_SLOT_RECEIVE]}});
    all.insert(all.end(), send.also_received.begin(), send.also_received.end());
    return all;
}

std::uint64_t unnamed_receivers(const Send& send) {
    const std::uint64_t named = send.record.receivers ? 1 + send.also_received.size() : 0;
    return send.record.receivers - std::min<std::uint64_t>(send.record.receivers, named);
}

std::string list_receivers(const Send& send, std::size_t first, std::size_t most) {
    const std::vector<FrameReceiver> all = receivers_of(send);
    std::string text;
    std::size_t named = std::min(first, all.size());
    for (; named < all.size() && named < first + most; named++)
        text +=
            fmt::format("{}{} {}", text.empty() ? "" : ", ", all[named].socket_ino, received_name(all[named].received));
    const std::uint64_t rest = all.size() - named + unnamed_receivers(send);
    if (rest) text += fmt::format("{}{} more", text.empty() ? "" : ", ", rest);
    return text;
}

std::string full_receivers(const Send& send) {
    std::uint64_t full = 0;
    std::uint64_t first = 0;
    for (const FrameReceiver& one : receivers_of(send))
        if (one.received == SR_RECEIVED_FULL && full++ == 0) first = one.socket_ino;
    if (full == 1) return fmt::format("packet socket {} had no room", first);
    return full ? fmt::format("{} had no room", count_of(full, "packet socket")) : "";
}

}  // namespace sockray
