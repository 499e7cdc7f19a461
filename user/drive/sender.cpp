#include "user/drive/sender.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "user/base/clock.h"
#include "user/drive/frame.h"

namespace sockray {
namespace {

// What the caller gives for a frame: all of it, or what follows the Ethernet header.
FrameBytes payload_for(SocketType type, FrameBytes frame) {
    return type == SocketType::dgram ? frame.subspan(ethernet_header_size) : frame;
}

// The kernel only reads it: iovec merely has no const.
iovec part_of(FrameBytes bytes) {
    return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

msghdr message_of(const Destination& to, iovec& part) {
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(to.address());
    message.msg_namelen = to.size();
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return message;
}

// One frame a call.
class CallSender final : public FrameSender {
  public:
    CallSender(PacketSocket socket, const Interface& interface, const SocketOptions& options)
        : socket_(std::move(socket)), to_(interface, options.type), options_(options) {}

    SendCall send(std::span<const FrameBytes> frames, std::span<DriveEvent> events) override {
        to_.take_from(frames[0].subspan(options_.vnet_hdr ? vnet_hdr_size : 0));
        const FrameBytes data = payload_for(options_.type, frames[0]);
        SendCall done{1, monotonic_ns(), 0};
        events[0].ret = call(data);
        events[0].err = events[0].ret < 0 ? errno : 0;
        done.after_ns = monotonic_ns();
        return done;
    }

  private:
    ssize_t call(FrameBytes data) const {
        switch (options_.method) {
            case SendMethod::sendto:
                return ::sendto(socket_.fd(), data.data(), data.size(), 0, to_.address(), to_.size());
            case SendMethod::send: return ::send(socket_.fd(), data.data(), data.size(), 0);
            case SendMethod::write: return ::write(socket_.fd(), data.data(), data.size());
            case SendMethod::writev: {
                const std::size_t first = std::min(data.size(), ethernet_header_size);
                const iovec parts[] = {part_of(data.first(first)), part_of(data.subspan(first))};
                return ::writev(socket_.fd(), parts, 2);
            }
            default: break;
        }
        iovec part = part_of(data);
        const msghdr message = message_of(to_, part);
        return ::sendmsg(socket_.fd(), &message, 0);
    }

    PacketSocket socket_;
    Destination to_;
    SocketOptions options_;
};

// Several messages a call.
class MmsgSender final : public FrameSender {
  public:
    MmsgSender(PacketSocket socket, const Interface& interface, const SocketOptions& options)
        : socket_(std::move(socket)),
          options_(options),
          to_(batch_of(options), Destination(interface, options.type)),
          parts_(to_.size()),
          messages_(to_.size()) {}

    SendCall send(std::span<const FrameBytes> frames, std::span<DriveEvent> events) override {
        const std::size_t count = std::min(frames.size(), messages_.size());
        for (std::size_t i = 0; i < count; ++i) {
            to_[i].take_from(frames[i].subspan(options_.vnet_hdr ? vnet_hdr_size : 0));
            parts_[i] = part_of(payload_for(options_.type, frames[i]));
            messages_[i] = {message_of(to_[i], parts_[i]), 0};
        }
        SendCall done{0, monotonic_ns(), 0};
        const int sent = ::sendmmsg(socket_.fd(), messages_.data(), static_cast<unsigned>(count), 0);
        const int err = sent < 0 ? errno : 0;
        done.after_ns = monotonic_ns();
        for (; static_cast<int>(done.frames) < sent; ++done.frames) {
            events[done.frames].ret = messages_[done.frames].msg_len;
            events[done.frames].err = 0;
        }
        // It stops at the first message that fails, which was tried; those behind it were not.
        if (done.frames < count) {
            events[done.frames].ret = -1;
            events[done.frames].err = err;
            done.frames++;
        }
        return done;
    }

  private:
    PacketSocket socket_;
    SocketOptions options_;
    std::vector<Destination> to_;
    std::vector<iovec> parts_;
    std::vector<mmsghdr> messages_;
};

}  // namespace

Result<std::unique_ptr<FrameSender>> FrameSender::open(const Interface& interface, const SocketOptions& options,
                                                       std::size_t frame_size) {
    if (is_ring(options.method)) return open_ring_sender(interface, options, frame_size);
    Result<PacketSocket> socket = PacketSocket::open(interface, options);
    if (!socket) return tl::unexpected(socket.error());
    if (options.method == SendMethod::sendmmsg)
        return std::make_unique<MmsgSender>(std::move(*socket), interface, options);
    return std::make_unique<CallSender>(std::move(*socket), interface, options);
}

}  // namespace sockray
