#include "user/capture/frame_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "user/base/format.h"

namespace sockray {

void FrameCopies::frame(const CapturedFrame& frame) {
    bytes_.insert(bytes_.end(), frame.bytes.begin(), frame.bytes.end());
    frames_.push_back(frame);
}

void FrameCopies::hand_to(FrameSink& sink) const {
    std::size_t at = 0;
    for (CapturedFrame frame : frames_) {
        const std::size_t size = frame.bytes.size();  // their place has gone
        frame.bytes = std::span(bytes_).subspan(at, size);
        at += size;
        sink.frame(frame);
    }
}

void FrameCopies::swap(FrameCopies& other) {
    frames_.swap(other.frames_);
    bytes_.swap(other.bytes_);
}

void FrameCopies::clear() {
    frames_.clear();
    bytes_.clear();
}

Result<std::unique_ptr<FrameReader>> FrameReader::start(Receiver& receiver) {
    Fd ready(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!ready || !stop) return fail("cannot make an eventfd: " + errno_text(errno));
    std::unique_ptr<FrameReader> reader(new FrameReader(receiver, std::move(ready), std::move(stop)));
    if (receiver.rings() == 1) return reader;
    for (std::size_t i = 0; i < receiver.rings(); i++) reader->rings_.push_back(std::make_unique<Ring>());
    for (std::size_t i = 0; i < receiver.rings(); i++) {
        try {
            reader->rings_[i]->thread = std::thread([&own = *reader, i] { own.work(i); });
        } catch (const std::system_error& error) {
            return fail(fmt::format("cannot start the thread that reads ring {} of {}: {}", i + 1, receiver.rings(),
                                    error.code().message()),
                        "raise the limit of processes (ulimit -u, or pids.max of the control group), or capture with "
                        "fewer rings (--fanout)");
        }
    }
    return reader;
}

FrameReader::~FrameReader() {
    stop();
}

void FrameReader::tell() const {
    const std::uint64_t one = 1;
    (void)!::write(ready_.get(), &one, sizeof one);
}

void FrameReader::work(std::size_t index) {
    Ring& ring = *rings_[index];
    for (;;) {
        pollfd waits[] = {{receiver_.fd(index), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
        ::poll(waits, 2, -1);
        std::unique_lock lock(ring.mutex);
        ring.taken.wait(lock, [&] { return !ring.full || stopping_; });
        if (stopping_) return;
        lock.unlock();
        std::optional<Error> ended;
        try {
            if (const auto frames = receiver_.read(index, ring.copies); !frames) ended = frames.error();
        } catch (const std::bad_alloc&) {
            ring.copies.clear();  // counted as unread, but for the last block, which comes again (Receiver::finish)
            ended = Error{ErrorKind::failed, "there is no memory for what a ring holds",
                          "raise the limit (ulimit -v), or capture with a smaller --ring or fewer rings (--fanout)"};
        }
        lock.lock();
        ring.full = !ring.copies.empty();
        ring.ended = std::move(ended);
        if (ring.full || ring.ended) tell();
        if (ring.ended) return;
    }
}

Status FrameReader::take(FrameSink& sink) {
    if (rings_.empty()) {
        if (const auto frames = receiver_.read(0, sink); !frames) return tl::unexpected(frames.error());
        return {};
    }
    std::uint64_t told = 0;
    (void)!::read(ready_.get(), &told, sizeof told);
    std::optional<Error> ended;
    for (const auto& ring : rings_) {
        std::unique_lock lock(ring->mutex);
        if (ring->full) ring->copies.swap(ring->taking);
        ring->full = false;
        if (ring->ended && !ended) ended = ring->ended;
        lock.unlock();
        ring->taken.notify_one();
        ring->taking.hand_to(sink);
        ring->taking.clear();
    }
    if (ended) return tl::unexpected(*ended);
    return {};
}

void FrameReader::stop() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    {
        std::vector<std::unique_lock<std::mutex>> locks;
        for (const auto& ring : rings_) locks.emplace_back(ring->mutex);
        stopping_ = true;
    }
    for (const auto& ring : rings_) {
        ring->taken.notify_one();
        if (ring->thread.joinable()) ring->thread.join();
    }
}

}  // namespace sockray
