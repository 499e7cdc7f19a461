// An expression, compiled by libpcap: what all filters share. Who may include libpcap includes this.
#pragma once

#include <pcap/pcap.h>

#include <memory>
#include <string>
#include <string_view>

#include "user/base/frame_filter.h"
#include "user/base/result.h"

namespace sockray {

struct ClosePcap {
    void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};
using PcapHandle = std::unique_ptr<pcap_t, ClosePcap>;

inline constexpr int whole_frame = 262144;  // what tcpdump takes for all of a frame

// `usage`: this expression cannot be used, for this reason, and what to do about it.
tl::unexpected<Error> refused_filter(std::string_view expression, std::string_view words);

// For what the handle captures: its link type, its snapshot length, and what it knows of VLAN tags. Names are looked up
// in this machine's files only, for the whole process from the first call on. Errors: those of compile_filter.
Result<FilterProgram> compile_for(pcap_t* handle, const std::string& expression);

}  // namespace sockray
