// The ways to hand frames to the kernel: one class behind one interface for each kind of system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "user/base/result.h"
#include "user/drive/event.h"
#include "user/drive/interface.h"
#include "user/drive/socket.h"

namespace sockray {

// What is to be sent: the frame, whole for every socket type, behind its virtio_net_hdr where the socket has one.
using FrameBytes = std::span<const std::uint8_t>;

// One system call: its times, and how many frames it decided on.
struct SendCall {
    std::size_t frames = 0;
    std::uint64_t before_ns = 0;
    std::uint64_t after_ns = 0;
};

// Belongs to one thread.
class FrameSender {
  public:
    // Opens a socket as the options say, in the network namespace of the calling thread. Expects options that
    // check_socket() passed. `frame_size`: the longest frame that will be sent, in bytes, without a virtio_net_hdr.
    static Result<std::unique_ptr<FrameSender>> open(const Interface& interface, const SocketOptions& options,
                                                     std::size_t frame_size);

    FrameSender() = default;
    virtual ~FrameSender() = default;
    FrameSender(const FrameSender&) = delete;
    FrameSender& operator=(const FrameSender&) = delete;
    FrameSender(FrameSender&&) = delete;
    FrameSender& operator=(FrameSender&&) = delete;

    // Makes one system call for the first of these frames, and for as many more as the method takes with it (up to its
    // batch). Sets ret, err and ring_status of an event for each frame whose end is known then: at least the first,
    // unless the call was interrupted before a TX ring had room. `events` is as long as `frames`.
    // Blocks while the send buffer is full, and with a TX ring until the last frame is done with; a signal whose
    // handler has no SA_RESTART then ends it with EINTR.
    virtual SendCall send(std::span<const FrameBytes> frames, std::span<DriveEvent> events) = 0;
};

// The TX rings, user/drive/ring_sender.cpp.
Result<std::unique_ptr<FrameSender>> open_ring_sender(const Interface& interface, const SocketOptions& options,
                                                      std::size_t frame_size);

// Bytes of memory that a sender's TX ring takes; 0 without one.
std::size_t ring_bytes(const SocketOptions& options, std::size_t frame_size);

}  // namespace sockray
