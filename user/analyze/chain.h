// The chain: sends grouped by the path they took, and how long each stage of it took.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "user/analyze/histogram.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"

namespace sockray {

struct StageTimes {
    std::uint64_t hits = 0;  // sends whose record holds a hit of this stage
    Histogram duration;      // ns; sends where the start and the end were seen
    Histogram offset;        // ns from the start of the path's root to the start of this stage
};

// All sends that passed the same stages. What is shown together went the same way.
struct Path {
    StageBySlot stages{};  // passed_stages()
    std::uint64_t sends = 0;
    std::array<std::uint64_t, outcome_count> outcomes{};  // index: Outcome
    std::array<StageTimes, SR_SLOT_COUNT> times;
    int root = SR_SLOT_SENDMSG;        // slot of the outermost stage whose time is one send's: not sendmmsg's entry
    std::vector<std::string> entries;  // "sendto", ...: entry_name(), in the order seen, at most `names_kept`
    std::vector<std::string> ifnames;  // likewise
    bool more_names = false;           // there were more than are kept

    // Of the hits of a located body: were they where they must be, once a send, after the start of
    // packet_sendmsg and before the start of the next stage (without one, the end of packet_sendmsg)?
    std::uint64_t body_in_order = 0;
    std::uint64_t body_out_of_order = 0;

    static constexpr std::size_t names_kept = 4;
};

// Whether the stage of this slot is passed, and as a rule behind the return of its send.
bool is_behind(const Path& path, int slot);

class Chain {
  public:
    static constexpr std::size_t paths_kept = 64;

    void add(const Send& send);

    // In the order first seen.
    const std::vector<Path>& paths() const { return paths_; }
    std::uint64_t sends() const { return sends_; }
    // Sends of paths beyond the first `paths_kept`: counted, and nothing else.
    std::uint64_t other_sends() const { return other_sends_; }

  private:
    Path* path_of(const StageBySlot& stages);
    void keep_names(Path& path, const sr_send& record);

    std::vector<Path> paths_;
    std::size_t last_ = 0;               // most sends go the way of the one before, and have its names
    std::size_t names_of_ = paths_kept;  // the path that these were kept for last
    std::string_view entry_;
    char ifname_[SR_IFNAME_LEN] = {};
    std::uint64_t sends_ = 0;
    std::uint64_t other_sends_ = 0;
};

}  // namespace sockray
