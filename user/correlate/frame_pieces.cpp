#include "user/correlate/frame_pieces.h"

#include <utility>

namespace sockray {

void FramePieces::add(const Piece& piece) {
    const auto [found, fresh] = frames_.try_emplace(piece.head.send);
    SentFrame& frame = found->second;
    if (fresh) {
        frame.length = piece.head.length;
        frame.ns = piece.head.ns;
        frame.dev_type = piece.head.dev_type;
        frame.bypass = piece.head.bypass != 0;
        ages_.add(piece.head.send, frames_);
        if (frames_.size() > most_) frames_.erase(ages_.take_oldest(frames_));
    }
    if (piece.head.offset == frame.bytes.size())
        frame.bytes.insert(frame.bytes.end(), piece.bytes.begin(), piece.bytes.end());
}

SentFrame FramePieces::take(std::uint64_t send) {
    if (frames_.empty()) return {};
    const auto found = frames_.find(send);
    if (found == frames_.end()) return {};
    SentFrame frame = std::move(found->second);
    frames_.erase(found);
    return frame;
}

}  // namespace sockray
