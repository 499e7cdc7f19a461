// Which frames are wanted: a pcap-filter(7) expression, compiled to classic BPF by libpcap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/records.h"
#include "user/base/result.h"

namespace sockray {

// Classic BPF as the kernel takes it (struct sock_filter, SO_ATTACH_FILTER): 1 to SR_FILTER_MOST instructions. It
// returns how many bytes of a frame are wanted, 0: none, the frame does not match.
using FilterProgram = std::vector<sr_instruction>;

// `link_type`: DLT_* of pcap/dlt.h, what a frame begins with: 1 (DLT_EN10MB) an Ethernet header, 12 (DLT_RAW) an IP
// header. `snaplen`: what the program returns for a frame that matches, bytes, 1 to INT_MAX. An empty expression
// matches all frames.
//
// The program looks at nothing but the frame's bytes (no SKF_AD_*): a VLAN tag is found where it stands in the frame,
// and not where the kernel has taken it out of a frame that it received. Every frame is one that is sent: "outbound" is
// true and "inbound" is not.
//
// Names of hosts and networks are looked up in this machine's own files (/etc/hosts, /etc/networks), and never by a
// network query. That holds for the whole process from the first call on.
//
// Errors: usage, for an expression that libpcap does not take, with its words.
Result<FilterProgram> compile_filter(std::string_view expression, int link_type, std::uint32_t snaplen);

// The filter of frames that may leave through any device. Each kind of link has a program of its own, empty where the
// expression makes no sense there: nothing matches then.
struct FrameFilter {
    std::string expression;  // empty: no filter
    FilterProgram ethernet;
    FilterProgram ip;
};

// Errors: those of compile_filter for Ethernet; both programs together have more than SR_FILTER_MOST instructions.
Result<FrameFilter> make_frame_filter(const std::string& expression);

}  // namespace sockray
