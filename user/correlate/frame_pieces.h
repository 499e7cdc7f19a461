// Puts the pieces of frames together, until the send that they belong to comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "user/correlate/flights.h"
#include "user/correlate/send.h"
#include "user/decode/decode.h"

namespace sockray {

class FramePieces {
  public:
    // The pieces of a frame stand in the ring before its send, so few sends wait at a time. At most `most` frames are
    // kept: the oldest beyond that belong to sends whose record was lost.
    explicit FramePieces(std::size_t most = 4096) : most_(most) {}

    // Pieces behind a gap are left out: the bytes of a frame are the first ones, without a hole.
    void add(const Piece& piece);
    // What is there of the frame of this send (sr_send.id); length 0 where nothing is.
    SentFrame take(std::uint64_t send);

  private:
    std::size_t most_;
    std::unordered_map<std::uint64_t, SentFrame> frames_;
    Ages ages_;
};

}  // namespace sockray
