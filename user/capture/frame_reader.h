// Reads the rings of a capture and hands the frames to one thread. One ring is read by that thread itself, where its
// frames stand: a copy of each would cost more than all else that is done with it here. Several are each read by a
// thread of its own, for no single one keeps pace with as many CPUs that fill them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/capture/receiver.h"

namespace sockray {

// Copies of frames, until they are cleared.
class FrameCopies : public FrameSink {
  public:
    void frame(const CapturedFrame& frame) override;
    void hand_to(FrameSink& sink) const;
    bool empty() const { return frames_.empty(); }
    void clear();
    void swap(FrameCopies& other);

  private:
    std::vector<CapturedFrame> frames_;  // `bytes`: to be found in bytes_, one behind the other
    std::vector<std::byte> bytes_;
};

// With several rings a thread copies what its ring holds and then waits until that has been taken: memory is bounded by
// twice the rings, and what finds no room meanwhile is dropped, and counted, by the kernel.
class FrameReader {
  public:
    // Starts the threads, where there are several rings, with the signals and privileges of the calling one. `receiver`
    // must outlive it. Errors: there may be no more threads (EAGAIN).
    static Result<std::unique_ptr<FrameReader>> start(Receiver& receiver);
    ~FrameReader();
    FrameReader(const FrameReader&) = delete;
    FrameReader& operator=(const FrameReader&) = delete;

    // Readable when there is something to take, or the capture has ended by itself.
    int fd() const { return rings_.empty() ? receiver_.fd(0) : ready_.get(); }

    // Hands over what has been copied, or what the ring holds. Errors: the capture has ended, for the first ring of
    // which that was noticed, or there was no memory for copies; what the rings still hold has Receiver::finish().
    Status take(FrameSink& sink);

    // Ends the threads; take() has what they copied last.
    void stop();

  private:
    struct Ring {
        std::mutex mutex;
        std::condition_variable taken;
        FrameCopies copies;  // of the thread while it is empty, else of the taker
        bool full = false;
        std::optional<Error> ended;
        FrameCopies taking;  // the taker's own
        std::thread thread;
    };

    FrameReader(Receiver& receiver, Fd ready, Fd stop)
        : receiver_(receiver), ready_(std::move(ready)), stop_(std::move(stop)) {}
    void work(std::size_t index);
    void tell() const;

    Receiver& receiver_;
    Fd ready_;                                  // eventfd
    Fd stop_;                                   // eventfd
    std::vector<std::unique_ptr<Ring>> rings_;  // none: there is one, and the taker reads it
    bool stopping_ = false;                     // under every ring's mutex
};

}  // namespace sockray
