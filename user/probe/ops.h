// The kernel's own tables of AF_PACKET, read from the running kernel, every pointer by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "user/base/result.h"

namespace sockray {

class LiveKernel;

struct OpsTable {
    struct Handler {
        std::string name;      // member of the struct: "sendmsg"
        std::string function;  // what it points to: "packet_sendmsg"; empty for a null pointer
    };
    std::string name;  // of the symbol: "packet_ops"
    std::string type;  // of the struct: "proto_ops"
    std::uint64_t address = 0;
    std::int32_t family = 0;  // its .family
    std::vector<Handler> handlers;
};

struct PacketTables {
    std::string net_family;        // the name of what net_families[AF_PACKET] points to: "packet_family_ops"
    std::vector<OpsTable> tables;  // that one, packet_ops, packet_ops_spkt
};

// Errors: AF_PACKET is not registered, or a table cannot be read.
Result<PacketTables> read_packet_tables(LiveKernel& kernel);

}  // namespace sockray
