// What a captured frame says of itself, in a few words: the headers that libtins knows.
#pragma once

#include <string>

#include "user/correlate/tap_frame.h"

namespace sockray {

// "10.9.0.1.5000 > 10.9.0.2.53: UDP, 18 bytes", "vlan 7: ARP who has 10.9.0.2, tell 10.9.0.1". Empty where nothing is
// known of it but its EtherType, and where it makes no sense: whatever bytes it has.
std::string dissected(const TapFrame& frame);

}  // namespace sockray
