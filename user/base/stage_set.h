// Which stages are traced: what is not asked for is not hooked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "user/base/result.h"
#include "user/base/stage.h"

namespace sockray {

// A bit for each stage, 1 << SR_STAGE_*.
using StageSet = std::uint64_t;

constexpr StageSet stage_bit(Stage stage) {
    return StageSet{1} << static_cast<unsigned>(stage);
}

// The stages of a send without which outcomes cannot be told; always on.
extern const StageSet core_stages;

// "chain": how a send gets to the driver. "device": and how long it
// slept for its send buffer, and what queue and driver do with it. "full": and what is copied
// and parsed, who receives the frame on this machine, and when its skb is freed.
extern const StageSet chain_stages;
extern const StageSet device_stages;
extern const StageSet full_stages;

// "device", "chain,ndo_start_xmit,packet_rcv": sets and names of stages, separated by commas. The core is always added,
// and with the stages of receivers the end of the skb, up to which a frame must be followed for them.
Result<StageSet> parse_stages(std::string_view text);

}  // namespace sockray
