#include "tests/vm/ring_race.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace sockray::vm {
namespace {

constexpr unsigned slots = 64;
constexpr unsigned slot_bytes = 2048;
constexpr unsigned block_bytes = 4096;

std::atomic_ref<std::uint32_t> status_of(std::uint8_t* ring, std::uint64_t slot) {
    return std::atomic_ref(reinterpret_cast<tpacket2_hdr*>(ring + slot % slots * slot_bytes)->tp_status);
}

void fill(std::uint8_t* ring, std::uint64_t slot, bool malformed) {
    std::uint8_t* at = ring + slot % slots * slot_bytes;
    std::memset(at + TPACKET2_HDRLEN - sizeof(sockaddr_ll), 0xff, ETH_ZLEN);
    reinterpret_cast<tpacket2_hdr*>(at)->tp_len = malformed ? 60'000 : ETH_ZLEN;
    status_of(ring, slot).store(TP_STATUS_SEND_REQUEST, std::memory_order_release);
}

}  // namespace

bool race(int fd, const RingRace& how, RaceResult& result) {
    const int version = TPACKET_V2;
    const int losing = 1;
    const tpacket_req request{block_bytes, slots * slot_bytes / block_bytes, slot_bytes, slots};
    if (::setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0 ||
        ::setsockopt(fd, SOL_PACKET, PACKET_LOSS, &losing, sizeof losing) != 0 ||
        ::setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request) != 0)
        return false;
    void* memory = ::mmap(nullptr, std::size_t{slots} * slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return false;
    auto* ring = static_cast<std::uint8_t*>(memory);
    std::mutex filling;
    const auto run = [&] {
        for (;;) {
            {
                const std::lock_guard lock(filling);
                if (result.frames >= how.frames) return;
                for (int i = 0; i < 4 && result.frames < how.frames; i++) {
                    if (status_of(ring, result.frames).load(std::memory_order_acquire) != TP_STATUS_AVAILABLE) break;
                    const bool malformed = how.malformed_each && result.frames % how.malformed_each == 0;
                    fill(ring, result.frames++, malformed);
                    result.malformed += malformed;
                }
            }
            ::send(fd, nullptr, 0, 0);
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < how.threads; i++) threads.emplace_back(run);
    for (std::thread& thread : threads) thread.join();
    for (unsigned i = 0; i < slots; i++) {
        ::send(fd, nullptr, 0, 0);
    }
    for (unsigned i = 0; i < slots; i++) result.left += status_of(ring, i).load() != TP_STATUS_AVAILABLE;
    return true;
}

}  // namespace sockray::vm
