// What the tests of the matcher are made of: events of the driver and records of the kernel that belong together.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "user/correlate/matcher.h"

namespace sockray::sample {

inline constexpr std::uint32_t thread_a = 11;
inline constexpr std::uint32_t thread_b = 22;

// Send `number` of a thread: begun at 1000 * number, returned 100 later; packet_sendmsg lies within.
inline DriveEvent event(std::uint64_t number, std::uint32_t tid = thread_a, std::int64_t ret = 60,
                        std::int32_t err = 0) {
    return {number, 1000 * number, 1000 * number + 100, ret, tid, err};
}

inline Send record(std::uint64_t number, std::uint32_t tid = thread_a, std::int64_t ret = 60) {
    Send send;
    send.record.tid = tid;
    send.record.flags = SR_SEND_RETURNED;
    send.record.ret = ret;
    if (ret >= 0) {
        send.record.flags |= SR_SEND_COOKIE;
        send.record.cookie = number;
    }
    send.record.span[SR_SLOT_SENDMSG] = {1000 * number + 20, 1000 * number + 80};
    return send;
}

// Records and events go in, and what is decided comes out.
struct Joined {
    Matcher matcher;
    std::vector<Send> out;

    void events(std::vector<DriveEvent> events) { matcher.add_events(events); }
    void records(std::vector<Send> sends) {
        for (Send& send : sends) matcher.add_send(std::move(send));
    }
    void take(bool all = false) { matcher.take_matched(out, all); }
    // The numbers of what came out, 0 where there is none.
    std::vector<std::uint64_t> numbers() const {
        std::vector<std::uint64_t> numbers;
        for (const Send& send : out) numbers.push_back(send.number.value_or(0));
        return numbers;
    }
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace sockray::sample
