#include "user/drive/frame.h"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sockray {

static_assert(ethernet_header_size == ETH_HLEN);
static_assert(default_frame_size == ETH_ZLEN);

Status check_frame_size(std::uint64_t size) {
    if (size < min_frame_size)
        return usage(
            fmt::format("a frame of {} bytes is too short: it needs at least {}, {} of Ethernet header and {} "
                        "that carry the send's number",
                        size, min_frame_size, ethernet_header_size, cookie_size));
    if (size > max_frame_size)
        return usage(fmt::format("a frame of {} bytes is too long: at most {} can be sent", size, max_frame_size));
    return {};
}

Result<std::uint64_t> random_cookie_magic() {
    std::uint64_t magic = 0;
    // Up to 256 bytes come whole or not at all (getrandom(2)).
    while (magic == 0)
        if (::getrandom(&magic, sizeof magic, 0) < 0 && errno != EINTR)
            return fail(fmt::format("cannot make a random number for the run: getrandom: {}", errno_text(errno)));
    return magic;
}

std::vector<std::uint8_t> build_frame(const Interface& interface, std::size_t size, std::uint64_t cookie_magic) {
    std::vector<std::uint8_t> frame(size);
    auto at = std::copy(frame_destination.begin(), frame_destination.end(), frame.begin());
    at = std::copy(interface.address.begin(), interface.address.end(), at);
    *at++ = ETH_P_802_EX1 >> 8;
    *at++ = ETH_P_802_EX1 & 0xff;
    std::memcpy(frame.data() + cookie_offset, &cookie_magic, sizeof cookie_magic);
    for (std::size_t offset = min_frame_size; offset < size; ++offset)
        frame[offset] = static_cast<std::uint8_t>(offset);
    return frame;
}

void set_number(std::span<std::uint8_t> frame, std::uint64_t number) {
    std::memcpy(frame.data() + cookie_offset + sizeof(std::uint64_t), &number, sizeof number);
}

}  // namespace sockray
