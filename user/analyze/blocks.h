// A session cut into blocks of consecutive sends, as many in each: what the tests of statistics.h take as one
// observation. What changes from send to send within a block, or stays for a stretch shorter than one, is averaged away
// in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpf/records.h"
#include "user/correlate/send.h"

namespace sockray {

// The level of a time: the mean of the logarithms of medians of `medians_of` consecutive values, so that neither a rare
// slow send nor a distribution with two peaks moves it much.
struct Level {
    double sum = 0;  // of ln(ns)
    std::uint64_t medians = 0;
    void add(const Level& other) {
        sum += other.sum;
        medians += other.medians;
    }
};

struct PathBlock {
    std::uint64_t sends = 0;
    std::array<Level, SR_SLOT_COUNT> levels{};
};

struct Block {
    std::uint64_t sends = 0;
    std::array<std::uint64_t, outcome_count> outcomes{};  // index: Outcome
    std::vector<PathBlock> paths;                         // by number; as many as were seen by then
};

class Blocks {
  public:
    // When so many are full, each two become one. A session of any length has most / 2 to `most` of them, but for
    // one that has fewer sends.
    static constexpr std::size_t most = 64;
    static constexpr std::size_t medians_of = 7;

    // The next send: `path` by the caller's numbers from 0, or `no_path`.
    void send(std::size_t path, Outcome outcome);
    // Of that send, the time in this slot. ns
    void time(std::size_t path, int slot, std::uint64_t ns);

    const std::vector<Block>& all() const { return blocks_; }

    static constexpr std::size_t no_path = SIZE_MAX;

  private:
    struct Waiting {
        std::array<std::uint64_t, medians_of> values{};
        std::size_t count = 0;
    };

    std::vector<Block> blocks_;
    std::uint64_t size_ = 1;  // sends of a full block
    std::vector<std::array<Waiting, SR_SLOT_COUNT>> waiting_;
};

}  // namespace sockray
