// Messages of sock_diag as the kernel makes them.
#pragma once

#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace sockray {

class PacketDiagMessage {
  public:
    explicit PacketDiagMessage(std::uint32_t ino = 99, std::uint8_t family = AF_PACKET) {
        put(packet_diag_msg{family, SOCK_RAW, 0x88b5, ino, {7, 8}});
    }

    template <typename T>
    PacketDiagMessage& with(unsigned short type, const T& value) {
        return with(type, std::as_bytes(std::span(&value, 1)));
    }
    PacketDiagMessage& with(unsigned short type, std::span<const std::byte> value) {
        put(rtattr{static_cast<unsigned short>(RTA_LENGTH(value.size())), type});
        bytes_.insert(bytes_.end(), value.begin(), value.end());
        bytes_.resize(RTA_ALIGN(bytes_.size()));
        return *this;
    }
    std::span<const std::byte> bytes() const { return bytes_; }

  private:
    template <typename T>
    void put(const T& value) {
        const auto part = std::as_bytes(std::span(&value, 1));
        bytes_.insert(bytes_.end(), part.begin(), part.end());
    }

    std::vector<std::byte> bytes_;
};

}  // namespace sockray
