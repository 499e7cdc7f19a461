// The sentences that explain an end, from what the kernel side recorded. Pure.
#pragma once

#include <string>

#include "bpf/records.h"
#include "user/base/kernel_names.h"

namespace sockray {

// Why packet_sendmsg returned this error, in a sentence that begins with the errno's name:
// "EMSGSIZE: 1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)". The order of the checks is that of
// net/packet/af_packet.c: packet_snd, tpacket_snd and packet_sendmsg_spkt.
std::string explain_failure(const sr_send& record, const KernelNames& names);

// "a filter at the egress of eth0 (netfilter, tc) passed the frame on to eth1"; empty for all other sends. Not told is
// who it was: past the qdisc netfilter alone, inside of __dev_queue_xmit either.
std::string explain_passing_on(const sr_send& record);

// What took a frame that went past the qdisc, where __dev_direct_xmit returned an error other than NETDEV_TX_BUSY
// (net/core/dev.c). That gives a frame to the driver only with a carrier, and as it is: one that would have to be cut
// up first is dropped. No tracepoint tells that the driver has it; the place that freed it does.
enum class DirectDrop { no_carrier, not_given, driver };
DirectDrop direct_drop(const sr_send& record, const KernelNames& names);

// Whether a frame was allocated for this send: an error is of what came behind that. Without the xmit stage that is
// netfilter's egress, which with PACKET_QDISC_BYPASS comes before __dev_direct_xmit (net/packet/af_packet.c:
// packet_direct_xmit in 6.1, packet_xmit in 6.12).
bool has_frame(const sr_send& record);

// Whether the allocation was seen to give no frame: the error is its own.
bool allocation_failed(const sr_send& record);

// Whether the frame's transmit queue was stopped when the call returned, by the driver or the stack: where the device
// kept or did not take the frame. False too where it is not known which queue that was.
bool queue_is_stopped(const sr_send& record);

// What the call on a TX ring whose last frame this is told of its wait for the frames' ends: "the call returned
// ETIMEDOUT: ..."; empty for all other sends.
std::string explain_wait(const sr_send& record);

// The same as a positive errno, 0 for all other sends.
int wait_errno(const sr_send& record);

// Why socket(AF_PACKET, ...) returned this error; empty where it succeeded.
std::string explain_creation(const sr_socket& record);

}  // namespace sockray
