// A captured frame, and who takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sockray {

// Valid during the call that hands it over: it stands in memory that goes back to the kernel behind it.
struct CapturedFrame {
    std::span<const std::byte> bytes;  // what was kept of it: at most the snaplen; a VLAN tag is back in its place
    std::uint32_t length = 0;          // bytes of the whole frame, as `bytes` begins: with SLL2 header or VLAN tag
    std::uint32_t rxhash = 0;          // skb->hash, where CaptureOptions::rxhash asks for it
    std::uint64_t realtime_ns = 0;     // CLOCK_REALTIME, the kernel's own time of the frame
    int ifindex = 0;                   // also on "any"
    std::uint16_t protocol = 0;        // sll_protocol: an ETH_P_* in host byte order
    std::uint16_t hatype = 0;          // sll_hatype: ARPHRD_*
    std::uint8_t pkttype = 0;          // sll_pkttype: PACKET_HOST, PACKET_BROADCAST ... PACKET_OUTGOING
    bool has_vlan = false;             // the tag had been taken out of the frame by the device or the kernel
    std::uint16_t vlan_tci = 0;        // priority and id, where has_vlan
    std::uint16_t vlan_tpid = 0;       // ETH_P_8021Q or ETH_P_8021AD, where has_vlan
};

class FrameSink {
  public:
    FrameSink() = default;
    FrameSink(const FrameSink&) = delete;
    FrameSink& operator=(const FrameSink&) = delete;
    virtual ~FrameSink() = default;

    virtual void frame(const CapturedFrame& frame) = 0;
};

}  // namespace sockray
