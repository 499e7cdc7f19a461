// Names of the numbers that socket(2) takes, as the headers spell them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sockray {

// "SOCK_RAW"; empty where the number has no name.
std::string_view sock_type_name(int type);

// "ETH_P_ARP" for 0x0806 (host order); empty where the number has no name here.
std::string_view ethertype_name(std::uint16_t protocol);

// The name, or the number where there is none: "SOCK_RAW", "9"; "ETH_P_ARP", "0x88b5"; "AF_PACKET".
std::string family_text(int family);
std::string sock_type_text(int type);
std::string ethertype_text(std::uint16_t protocol);

}  // namespace sockray
