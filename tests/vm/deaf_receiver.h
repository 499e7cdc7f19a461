// A packet socket that counts what comes for it, and takes no more than it has room for.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>

namespace sockray::vm {

// Never reads.
class DeafReceiver {
  public:
    // With the smallest receive buffer, or with one of so many bytes.
    explicit DeafReceiver(const std::string& device, int receive_buffer = 1)
        : DeafReceiver(device, [receive_buffer](int fd) {
              EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer), 0);
          }) {}
    // With a ring of two frames (TPACKET_V2), or of two blocks of a page (TPACKET_V3), which are closed when they are
    // full and not by the time.
    DeafReceiver(const std::string& device, tpacket_versions version)
        : DeafReceiver(device, [version](int fd) {
              EXPECT_EQ(::setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version), 0);
              tpacket_req3 ring{};
              ring.tp_block_size = 4096;
              ring.tp_block_nr = version == TPACKET_V3 ? 2 : 1;
              ring.tp_frame_size = 2048;
              ring.tp_frame_nr = ring.tp_block_nr * 2;
              ring.tp_retire_blk_tov = 60'000;
              const socklen_t size = version == TPACKET_V3 ? sizeof ring : sizeof(tpacket_req);
              EXPECT_EQ(::setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, size), 0);
          }) {}
    ~DeafReceiver() { ::close(fd_); }
    DeafReceiver(const DeafReceiver&) = delete;
    DeafReceiver& operator=(const DeafReceiver&) = delete;

    std::uint64_t ino() const {
        struct stat status {};
        return ::fstat(fd_, &status) == 0 ? status.st_ino : 0;
    }
    // Since it was opened: what came for it, and of these what found no room.
    tpacket_stats statistics() const {
        tpacket_stats stats{};
        socklen_t length = sizeof stats;
        EXPECT_EQ(::getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &length), 0);
        return stats;
    }

  private:
    // `prepare` comes before the first frame can.
    DeafReceiver(const std::string& device, const std::function<void(int)>& prepare)
        : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
        prepare(fd_);
        sockaddr_ll own{};
        own.sll_family = AF_PACKET;
        own.sll_protocol = htons(ETH_P_ALL);
        own.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    }

    int fd_;
};

}  // namespace sockray::vm
