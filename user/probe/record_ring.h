// The ring buffer that the kernel side writes its records to: maps it, reads it, and says how far it has been read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "user/base/fd.h"
#include "user/base/result.h"

struct ring_buffer;

namespace sockray {

class RecordRing {
  public:
    // The bytes are valid during the call only.
    using Sink = std::function<void(std::span<const std::byte>)>;

    RecordRing();
    ~RecordRing();
    RecordRing(const RecordRing&) = delete;
    RecordRing& operator=(const RecordRing&) = delete;

    // The map stays the caller's. Errors: the kernel refused to map it, or to let it be waited for.
    Status open(int map_fd);

    // Readable when the kernel side woke us: edge-triggered, until read() is called.
    int readable_fd() const { return wakeups_.get(); }

    // Hands over what is there, at most `most` records: senders may be faster than we are. Returns how many.
    std::size_t read(const Sink& sink, std::size_t most);

    // Positions, which libbpf tells from 1.3 on only: bytes since the ring was made; they never wrap
    // (kernel/bpf/ringbuf.c: producer_pos and consumer_pos, each in a page of its own, which a map of that type gives
    // to whoever maps it). `written` has the records that are being written: the reader stops at the first of those.
    std::uint64_t written() const;
    std::uint64_t read_to() const;

  private:
    struct FreeRing {
        void operator()(ring_buffer* ring) const;
    };
    struct Unmap {
        void operator()(void* page) const;
    };
    using Page = std::unique_ptr<void, Unmap>;
    static int take(void* ring, void* data, std::size_t size);
    static Page map_page(int map_fd, long page);

    std::unique_ptr<ring_buffer, FreeRing> ring_;
    Page consumer_;
    Page producer_;
    Fd wakeups_;
    const Sink* sink_ = nullptr;  // during read() only, as the two below
    std::size_t taken_ = 0;
    std::size_t most_ = 0;
};

}  // namespace sockray
