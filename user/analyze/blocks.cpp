#include "user/analyze/blocks.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sockray {
namespace {

PathBlock& path_of(Block& block, std::size_t path) {
    if (block.paths.size() <= path) block.paths.resize(path + 1);
    return block.paths[path];
}

void merge(Block& into, const Block& from) {
    into.sends += from.sends;
    for (std::size_t i = 0; i < into.outcomes.size(); i++) into.outcomes[i] += from.outcomes[i];
    for (std::size_t path = 0; path < from.paths.size(); path++) {
        PathBlock& to = path_of(into, path);
        to.sends += from.paths[path].sends;
        for (std::size_t slot = 0; slot < to.levels.size(); slot++) to.levels[slot].add(from.paths[path].levels[slot]);
    }
}

}  // namespace

void Blocks::send(std::size_t path, Outcome outcome) {
    if (blocks_.size() == most && blocks_.back().sends == size_) {
        for (std::size_t i = 0; i < most / 2; i++) {
            if (i > 0) blocks_[i] = std::move(blocks_[2 * i]);
            merge(blocks_[i], blocks_[2 * i + 1]);
        }
        blocks_.resize(most / 2);
        size_ *= 2;
    }
    if (blocks_.empty() || blocks_.back().sends == size_) blocks_.emplace_back();
    Block& block = blocks_.back();
    block.sends++;
    block.outcomes[static_cast<std::size_t>(outcome)]++;
    if (path != no_path) path_of(block, path).sends++;
}

void Blocks::time(std::size_t path, int slot, std::uint64_t ns) {
    if (waiting_.size() <= path) waiting_.resize(path + 1);
    Waiting& waiting = waiting_[path][static_cast<std::size_t>(slot)];
    waiting.values[waiting.count++] = ns;
    if (waiting.count < medians_of) return;
    waiting.count = 0;
    const auto middle = waiting.values.begin() + medians_of / 2;
    std::nth_element(waiting.values.begin(), middle, waiting.values.end());
    Level& level = path_of(blocks_.back(), path).levels[static_cast<std::size_t>(slot)];
    level.sum += std::log(static_cast<double>(std::max<std::uint64_t>(*middle, 1)));
    level.medians++;
}

}  // namespace sockray
