// What traces the sends of packet sockets through the interfaces of a capture, where that is possible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "user/base/frame_filter.h"
#include "user/base/result.h"
#include "user/capture/receiver.h"
#include "user/cli/device_delta.h"
#include "user/cli/output.h"
#include "user/cli/session.h"
#include "user/cli/verbs.h"
#include "user/correlate/capture_teller.h"
#include "user/drive/interface.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"

namespace sockray {

class CaptureStory {
  public:
    // Loads and attaches; nothing is traced yet. `interface`: none for any, where all sends of the namespace are
    // traced, and no device's counters are held against the ledger. Errors: this kernel or these privileges do not
    // allow it; stop_fd became readable (TraceOptions::stop_fd).
    static Result<std::unique_ptr<CaptureStory>> start(const CaptureVerbOptions& options, const TapInterface& tap,
                                                       const std::optional<Interface>& interface,
                                                       const FrameFilter& frames, int stop_fd);

    // Begins the session, whose sink is `teller`. Both, `receiver` and `out` must outlive it.
    Status begin(const Receiver& receiver, CaptureTeller& teller, Output& out);

    // To poll for POLLIN.
    int fd() const { return tracer_->readable_fd(); }
    // What waits, Tracer::most_read at most. Returns the number of records.
    std::size_t read() { return session_->read(); }
    // Tracer::written() and Tracer::read_to().
    std::uint64_t written() const { return tracer_->written(); }
    std::uint64_t read_to() const { return tracer_->read_to(); }
    // No new sends from here on. Once more does nothing.
    void stop() { session_->stop(); }
    // Session::waiting(), halt() and close().
    std::size_t waiting() const { return session_->waiting(); }
    void halt() { session_->halt(); }
    void close() { session_->close(); }
    // Tells the teller the end. Returns whether the story is one: its sums balance. Says what of it was lost.
    bool end(const CaptureTeller& teller);

    const Tracer& tracer() const { return *tracer_; }

  private:
    CaptureStory(std::optional<Interface> interface, StageSet stages)
        : interface_(std::move(interface)), stages_(stages) {}

    std::optional<Interface> interface_;
    StageSet stages_;
    std::unique_ptr<LiveKernel> kernel_;
    std::optional<Tracer> tracer_;
    std::optional<Session> session_;
};

}  // namespace sockray
