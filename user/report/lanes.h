// Lanes: spans of time put side by side, so that none touches another on its lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/records.h"

namespace sockray {

// Spans come in any order. Memory is bounded: of a lane that holds many, the older half becomes one span from its first
// start to its last end, in whose gaps nothing is put any more.
class Lanes {
  public:
    static constexpr std::size_t spans_kept = 512;

    explicit Lanes(std::size_t most) : most_(most) {}

    // Takes the first lane where nothing lies between `start` and `end`, both included; none where there are `most` and
    // all are taken, or where `end` is before `start`. Lanes are numbered 0, 1, 2 ...
    std::optional<std::size_t> place(std::uint64_t start, std::uint64_t end);

    std::size_t size() const { return lanes_.size(); }

  private:
    std::size_t most_;
    std::vector<std::vector<sr_span>> lanes_;  // each in the order of time
};

}  // namespace sockray
