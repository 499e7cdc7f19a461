// Any bytes as a message of sock_diag: what is decoded can be added to a socket.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "user/probe/packet_diag.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> message(size);  // aligned, as netlink's are
    if (size) std::memcpy(message.data(), data, size);
    const auto told = sockray::decode_packet_diag(message);
    if (!told) return 0;
    sockray::SystemSocket socket;
    sockray::add_packet_diag(*told, socket);
    return 0;
}
