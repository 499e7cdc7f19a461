// A pcap-filter(7) expression as a program for the kernel.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "user/base/link_type.h"
#include "user/base/result.h"

namespace sockray {

// Compiles for what is captured on an interface of this link type. VLAN tags are looked for where the kernel keeps them
// (SKF_AD_VLAN_TAG): to find out that it does, libpcap opens the interface for a moment, which needs CAP_NET_RAW. An
// expression that is wrong is the error also where that is not allowed.
//
// `interface`: its name, or "any". An empty expression gives an empty program: all frames.
// Names of hosts and networks are looked up in this machine's own files, and never by a network query.
// Errors: `usage` for an expression that libpcap does not take, with its words; `not_allowed` without CAP_NET_RAW;
// `failed` where the interface cannot be opened.
Result<std::vector<sock_filter>> compile_expression(const std::string& expression, const std::string& interface,
                                                    LinkType link);

}  // namespace sockray
