// Sending through a TX ring: frames stand in memory that is shared with the kernel, and one call sends them.
//
// The kernel side is tpacket_snd() in net/packet/af_packet.c. It begins at its own place in the ring and goes on while
// the next frame is TP_STATUS_SEND_REQUEST. A frame that it took becomes SENDING and, when its skb is freed, AVAILABLE.
// At the first frame that it refuses (WRONG_FORMAT) or fails at (SEND_REQUEST again) it stops and returns the error,
// whatever it sent before, and its place stays at that frame: so the next frame must stand there.
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "user/base/clock.h"
#include "user/base/format.h"
#include "user/base/words.h"
#include "user/drive/frame.h"
#include "user/drive/sender.h"

namespace sockray {
namespace {

constexpr std::size_t aligned(std::size_t size) {
    return TPACKET_ALIGN(size);
}

int version_of(SendMethod method) {
    switch (method) {
        case SendMethod::ring_v1: return TPACKET_V1;
        case SendMethod::ring_v2: return TPACKET_V2;
        default: return TPACKET_V3;
    }
}

// Where the data of a frame begins: tpacket_parse_header() counts from po->tp_hdrlen less a sockaddr_ll.
std::size_t data_offset(int version) {
    switch (version) {
        case TPACKET_V1: return aligned(sizeof(tpacket_hdr));
        case TPACKET_V2: return aligned(sizeof(tpacket2_hdr));
        default: return aligned(sizeof(tpacket3_hdr));
    }
}

// All powers of two, so that blocks are whole pages and hold whole slots.
struct RingShape {
    std::size_t slot_size;
    std::size_t block_size;
    std::size_t slots;

    std::size_t bytes() const { return slots * slot_size; }
};

RingShape shape_of(const SocketOptions& options, std::size_t frame_size) {
    // packet_set_ring() wants room for the header and a sockaddr_ll in each slot, used or not.
    const std::size_t data = (options.vnet_hdr ? vnet_hdr_size : 0) + frame_size;
    const std::size_t slot = data_offset(version_of(options.method)) + std::max(data, sizeof(sockaddr_ll));
    RingShape shape{std::bit_ceil(slot), 0, 0};
    shape.block_size = std::max(shape.slot_size, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
    shape.slots = std::max(std::size_t{std::bit_ceil(batch_of(options))}, shape.block_size / shape.slot_size);
    return shape;
}

class Mapping {
  public:
    Mapping(void* at, std::size_t size) : at_(static_cast<std::uint8_t*>(at)), size_(size) {}
    Mapping(Mapping&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping() {
        if (at_) ::munmap(at_, size_);
    }
    std::uint8_t* at() const { return at_; }

  private:
    std::uint8_t* at_;
    std::size_t size_;
};

class RingSender final : public FrameSender {
  public:
    RingSender(PacketSocket socket, Mapping memory, const Interface& interface, const SocketOptions& options,
               const RingShape& shape)
        : socket_(std::move(socket)),
          memory_(std::move(memory)),
          to_(interface, options.type),
          options_(options),
          shape_(shape),
          version_(version_of(options.method)) {}

    SendCall send(std::span<const FrameBytes> frames, std::span<DriveEvent> events) override {
        const std::size_t count = fill(frames);
        SendCall done{0, monotonic_ns(), 0};
        const ssize_t ret = kick();
        const int err = ret < 0 ? errno : 0;
        done.after_ns = monotonic_ns();
        std::size_t taken = 0;
        for (; taken < count; ++taken) {
            const std::uint32_t status = status_of(taken);
            if (status != TP_STATUS_AVAILABLE && status != TP_STATUS_SENDING) break;
            events[taken].ret = static_cast<std::int64_t>(given(frames[taken]).size() - vnet_hdr());
            events[taken].err = 0;
            events[taken].ring_status = static_cast<std::int32_t>(status);
        }
        done.frames = taken;
        // The frame at which the call failed. (A call that succeeded and left frames did not try them: interrupted
        // while it waited for the send buffer. But where it did nothing at all the run would never end.)
        if (taken < count && (ret < 0 || taken == 0)) {
            events[taken].ret = -1;
            events[taken].err = err;
            events[taken].ring_status = static_cast<std::int32_t>(status_of(taken));
            done.frames++;
        }
        for (std::size_t i = taken; i < count; ++i) set_status(i, TP_STATUS_AVAILABLE);
        place_ += taken;
        return done;
    }

  private:
    std::size_t vnet_hdr() const { return options_.vnet_hdr ? vnet_hdr_size : 0; }

    FrameBytes given(FrameBytes frame) const {
        return options_.type == SocketType::dgram ? frame.subspan(ethernet_header_size) : frame;
    }

    // Puts frames into the slots behind the kernel's place, as many as one call takes; returns how many. On SOCK_DGRAM
    // the call names one destination and one protocol for all.
    std::size_t fill(std::span<const FrameBytes> frames) {
        const std::size_t most = std::min(frames.size(), std::size_t{batch_of(options_)});
        std::size_t count = 0;
        for (; count < most && status_of(count) == TP_STATUS_AVAILABLE; ++count) {
            const FrameBytes frame = frames[count];
            if (options_.type == SocketType::dgram &&
                !std::equal(frame.begin(), frame.begin() + ethernet_header_size, frames[0].begin()))
                break;
            const FrameBytes data = given(frame);
            std::memcpy(slot(count) + data_offset(version_), data.data(), data.size());
            set_length(count, static_cast<std::uint32_t>(data.size()));
        }
        // In the order of the ring, and only when all stand there.
        for (std::size_t i = 0; i < count; ++i) set_status(i, TP_STATUS_SEND_REQUEST);
        if (count) to_.take_from(frames[0].subspan(vnet_hdr()));
        return count;
    }

    ssize_t kick() const {
        if (options_.type == SocketType::dgram) return ::sendto(socket_.fd(), nullptr, 0, 0, to_.address(), to_.size());
        return ::send(socket_.fd(), nullptr, 0, 0);
    }

    // Slot `i` behind the kernel's place.
    std::uint8_t* slot(std::size_t i) const { return memory_.at() + (place_ + i) % shape_.slots * shape_.slot_size; }

    std::uint32_t status_of(std::size_t i) const {
        void* const at = slot(i);
        switch (version_) {
            case TPACKET_V1:
                return static_cast<std::uint32_t>(
                    __atomic_load_n(&static_cast<tpacket_hdr*>(at)->tp_status, __ATOMIC_ACQUIRE));
            case TPACKET_V2: return __atomic_load_n(&static_cast<tpacket2_hdr*>(at)->tp_status, __ATOMIC_ACQUIRE);
            default: return __atomic_load_n(&static_cast<tpacket3_hdr*>(at)->tp_status, __ATOMIC_ACQUIRE);
        }
    }

    void set_status(std::size_t i, std::uint32_t status) const {
        void* const at = slot(i);
        switch (version_) {
            case TPACKET_V1:
                __atomic_store_n(&static_cast<tpacket_hdr*>(at)->tp_status, static_cast<unsigned long>(status),
                                 __ATOMIC_RELEASE);
                break;
            case TPACKET_V2:
                __atomic_store_n(&static_cast<tpacket2_hdr*>(at)->tp_status, status, __ATOMIC_RELEASE);
                break;
            default: __atomic_store_n(&static_cast<tpacket3_hdr*>(at)->tp_status, status, __ATOMIC_RELEASE);
        }
    }

    void set_length(std::size_t i, std::uint32_t length) const {
        void* const at = slot(i);
        switch (version_) {
            case TPACKET_V1: static_cast<tpacket_hdr*>(at)->tp_len = length; break;
            case TPACKET_V2: static_cast<tpacket2_hdr*>(at)->tp_len = length; break;
            default:
                static_cast<tpacket3_hdr*>(at)->tp_len = length;
                static_cast<tpacket3_hdr*>(at)->tp_next_offset = 0;  // anything else is EINVAL for sending
        }
    }

    PacketSocket socket_;
    Mapping memory_;  // goes before the socket
    Destination to_;
    SocketOptions options_;
    RingShape shape_;
    int version_;
    std::size_t place_ = 0;  // frames that the kernel ever took: its own place in the ring
};

tl::unexpected<Error> ring_error(const char* what, const RingShape& shape, int err) {
    return fail(fmt::format("cannot {} a TX ring of {} of {} bytes: {}", what, count_of(shape.slots, "frame"),
                            shape.slot_size, errno_text(err)),
                err == ENOMEM ? "use a smaller --batch, --size or --threads" : "");
}

}  // namespace

std::size_t ring_bytes(const SocketOptions& options, std::size_t frame_size) {
    return is_ring(options.method) ? shape_of(options, frame_size).bytes() : 0;
}

Result<std::unique_ptr<FrameSender>> open_ring_sender(const Interface& interface, const SocketOptions& options,
                                                      std::size_t frame_size) {
    Result<PacketSocket> socket = PacketSocket::open(interface, options);
    if (!socket) return tl::unexpected(socket.error());
    const RingShape shape = shape_of(options, frame_size);
    const int version = version_of(options.method);
    if (::setsockopt(socket->fd(), SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
        return ring_error("choose the version of", shape, errno);
    tpacket_req3 request{};  // its first four fields are struct tpacket_req; the others must be 0 for a TX ring
    request.tp_block_size = static_cast<unsigned>(shape.block_size);
    request.tp_block_nr = static_cast<unsigned>(shape.bytes() / shape.block_size);
    request.tp_frame_size = static_cast<unsigned>(shape.slot_size);
    request.tp_frame_nr = static_cast<unsigned>(shape.slots);
    const auto size = static_cast<socklen_t>(version == TPACKET_V3 ? sizeof(tpacket_req3) : sizeof(tpacket_req));
    if (::setsockopt(socket->fd(), SOL_PACKET, PACKET_TX_RING, &request, size) != 0)
        return ring_error("set up", shape, errno);
    void* const memory = ::mmap(nullptr, shape.bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, socket->fd(), 0);
    if (memory == MAP_FAILED) return ring_error("map", shape, errno);
    return std::make_unique<RingSender>(std::move(*socket), Mapping(memory, shape.bytes()), interface, options, shape);
}

}  // namespace sockray
