// Which check of the kernel a virtio-net header did not pass (PACKET_VNET_HDR).
#pragma once

#include <string>

#include "bpf/records.h"

namespace sockray {

// A phrase, with the field and its value: "hdr_len 200 is more than the frame's 60 bytes". Of a send that failed with
// EINVAL and whose header was read (SR_SEND_VNET). Empty where the header passes all checks that look at it alone.
// `length`: of the frame behind the header. `allocated`: the frame was, so that the first check was passed. The order
// of the checks is that of the kernel: net/packet/af_packet.c: __packet_snd_vnet_parse; include/linux/virtio_net.h:
// virtio_net_hdr_to_skb.
std::string refused_vnet_header(const sr_send& record, std::uint64_t length, bool allocated);

// The checks in one sentence, for a header that was not read, or that passes those above.
std::string vnet_checks(bool allocated);

}  // namespace sockray
