// Joins a send with what became of its frame behind its return: in softirq, in another task, on another CPU.
//
// A frame's records may come before its send's own. A send waits here until every frame of it (one, or its segments)
// has ended, and where the end of the skb is traced, until that is freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

// Ids by age, of what stands in a map that forgets most of it soon.
class Ages {
  public:
    template <typename Map>
    void add(std::uint64_t id, const Map& map) {
        ids_.push_back(id);
        constexpr std::size_t few = 1024;
        if (ids_.size() > 4 * map.size() + few)
            std::erase_if(ids_, [&](std::uint64_t old) { return !map.contains(old); });
    }
    // Takes out the oldest that the map, which must not be empty, still has.
    template <typename Map>
    std::uint64_t take_oldest(const Map& map) {
        while (!map.contains(ids_.front())) ids_.pop_front();
        const std::uint64_t oldest = ids_.front();
        ids_.pop_front();
        return oldest;
    }

  private:
    std::deque<std::uint64_t> ids_;
};

class Flights {
  public:
    // `until_freed`: the end of the skb is traced (Stage::freed), so a frame is under way until then.
    // At most `most` sends wait: the oldest beyond that have lost a record of their frame, and end so. (The kernel side
    // follows no more frames than its map holds: TraceOptions::in_flight.)
    explicit Flights(bool until_freed, std::size_t most = std::size_t{1} << 17)
        : until_freed_(until_freed), most_(most) {}

    // Whether nothing more of the send is to come: it stays the caller's then. Else it waits, and is taken away.
    bool is_done(Send& send, std::vector<Send>& done);
    void add(const sr_frame& frame, std::vector<Send>& done);

    // Tracing has ended: all that still waits, in the order of their ids. `under_way`: the sends whose frames the
    // kernel side still knew of.
    void finish(std::span<const std::uint64_t> under_way, std::vector<Send>& done);

    std::size_t waiting() const { return waiting_.size(); }

  private:
    bool complete(const Send& send) const;

    bool until_freed_;
    std::size_t most_;
    std::unordered_map<std::uint64_t, Send> waiting_;                 // by sr_send.id
    std::unordered_map<std::uint64_t, std::vector<sr_frame>> early_;  // frames whose send has not come
    Ages waiting_ages_;
    Ages early_ages_;
};

}  // namespace sockray
