// sockray's JSON Lines, read back: strictly, and fast enough for 100,000 sends on an emulated machine.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockray::vm {

using Json = nlohmann::ordered_json;  // keeps the order of the keys

struct StageTimes {
    std::string_view name;      // lives as long as the program
    std::string_view evidence;  // the same
    std::uint64_t start = 0;    // ns of CLOCK_MONOTONIC, 0 for null
    std::uint64_t end = 0;
};

struct SendLine {
    std::uint64_t id = 0;
    std::uint64_t ts = 0;
    std::uint64_t pid = 0;
    std::uint64_t tid = 0;
    std::string comm;
    std::string entry;
    std::string ifname;
    std::uint64_t len = 0;
    std::optional<std::int64_t> ret;
    std::optional<std::int64_t> err;  // the key "errno"
    std::string outcome;
    std::string reason;
    std::vector<StageTimes> stages;
    std::optional<std::uint64_t> cookie;
    std::string end_stage;
    std::uint64_t socket_ino = 0;
    std::string sendmsg;
    std::string drop_reason;
    std::optional<std::uint64_t> ring_frame;  // TX ring only: 0 for the first frame of a call
    std::uint64_t wait_errno = 0;
    std::optional<std::uint64_t> frame_ns;
    std::uint64_t segments = 0;  // 0: the frame was not cut up
    std::uint64_t segments_delivered = 0;
    std::string driver;
    std::string qdisc;
    std::uint64_t receivers = 0;
    std::uint64_t receiver_ino = 0;
    std::string received;
    std::string freed;

    const StageTimes* stage(std::string_view name) const;
};

struct Recording {
    std::vector<Json> plan;
    std::vector<Json> sockets;
    std::vector<SendLine> sends;
    std::optional<Json> summary;
    std::vector<std::string> bad_lines;  // not JSON, or of no known type

    // The plan's line of a stage; null where there is none.
    Json plan_of(std::string_view stage) const;
    std::vector<SendLine> sends_of(std::string_view comm) const;
    std::vector<Json> sockets_of(std::string_view comm) const;
    // A number of the summary, by its key; `lost` by the key inside it.
    std::uint64_t total(const std::string& key) const;
    std::uint64_t lost(const std::string& key) const;
    std::uint64_t all_lost() const;
};

Recording parse(std::string_view json_lines);

// Why the summary's sums do not balance, "" where they do: attempted = the sum of the outcomes = seen = decoded + lost,
// and those of socket creations and of frames.
std::string imbalance(const Recording& recording);

}  // namespace sockray::vm
