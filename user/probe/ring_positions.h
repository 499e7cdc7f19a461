// How far a BPF ring buffer has been written and read, which libbpf tells from 1.3 on only.
#pragma once

#include <cstdint>

namespace sockray {

// Bytes since the ring was made; they never wrap (kernel/bpf/ringbuf.c: consumer_pos and producer_pos, each in a page
// of its own, which a map of that type gives to whoever maps it).
class RingPositions {
  public:
    RingPositions() = default;
    ~RingPositions();
    RingPositions(const RingPositions&) = delete;
    RingPositions& operator=(const RingPositions&) = delete;

    // False, with errno, where the kernel refuses it.
    bool map(int map_fd);

    // With the records that are being written: the reader stops at the first of those.
    std::uint64_t written() const;
    std::uint64_t read() const;

  private:
    void* consumer_ = nullptr;
    void* producer_ = nullptr;
};

}  // namespace sockray
