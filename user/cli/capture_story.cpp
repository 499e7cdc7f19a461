#include "user/cli/capture_story.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "user/base/format.h"
#include "user/base/frame_filter.h"
#include "user/base/words.h"

namespace sockray {
namespace {

TraceOptions trace_options(const CaptureVerbOptions& options, const TapInterface& tap, const FrameFilter& frames) {
    TraceOptions trace;
    trace.ring_bytes = std::max(default_ring_bytes, static_cast<std::uint32_t>(options.ring_bytes));
    trace.stages = options.stages;
    trace.in_flight = options.in_flight;
    trace.taps = true;
    if (!options.record.write.empty()) trace.snaplen = options.record.snaplen;
    trace.filter.tgid = options.select.pid;
    trace.filter.comm = options.select.comm;
    trace.filter.netns = tap.netns_ino;
    if (tap.ifindex) {
        trace.filter.ifindex = tap.ifindex;
        trace.filter.ifname = tap.name;
    }
    trace.filter.frames = frames;
    return trace;
}

// Sends that left no story, and frames that were told, or left out, without it.
void say_loss(const Ledger& ledger, const CaptureTeller& teller) {
    const char* without = teller.selects_sends() ? "left out" : "told";
    const std::uint64_t lost = ledger.sends.lost.total() + ledger.frames.no_room + ledger.frames.rejected;
    if (lost)
        say(fmt::format(
            "the story has gaps: {} lost (see the ledger); their frames were {} without it",
            count_of(lost, "record of sends and their frames was", "records of sends and their frames were"), without));
    if (teller.given_up())
        say(fmt::format("the story has gaps: {} {} before it was known who sent them",
                        count_of(teller.given_up(), "frame was", "frames were"), without));
    if (teller.unjoined())
        say(fmt::format("the story has gaps: {} told apart: {}",
                        count_of(teller.unjoined(), "send and its frame are", "sends and their frames are"),
                        ledger.frames.no_room ? "what joins them found no room, or the kernel skipped the hook"
                                              : "the kernel skipped the hook that joins them"));
}

}  // namespace

Result<std::unique_ptr<CaptureStory>> CaptureStory::start(const CaptureVerbOptions& options, const TapInterface& tap,
                                                          const std::optional<Interface>& interface,
                                                          const FrameFilter& frames, int stop_fd) {
    TraceOptions trace = trace_options(options, tap, frames);
    trace.stop_fd = stop_fd;
    std::unique_ptr<CaptureStory> story(new CaptureStory(interface, options.stages));
    auto kernel = LiveKernel::open(Purpose::tracing, options.btf);
    if (!kernel) return tl::unexpected(kernel.error());
    story->kernel_ = std::move(*kernel);
    auto tracer = Tracer::start(*story->kernel_, trace);
    if (!tracer) return tl::unexpected(tracer.error());
    story->tracer_.emplace(std::move(*tracer));
    story->kernel_->types.forget();
    return story;
}

Status CaptureStory::begin(const Receiver& receiver, CaptureTeller& teller, Output& out) {
    std::vector<std::uint64_t> inodes;
    for (std::size_t i = 0; i < receiver.rings(); i++) {
        struct stat info {};
        if (::fstat(receiver.fd(i), &info) != 0)
            return fail("cannot tell the inode of a packet socket: " + errno_text(errno));
        inodes.push_back(info.st_ino);
    }
    tracer_->set_taps(inodes);
    session_.emplace(*kernel_, *tracer_, out, View::none, false);
    session_->add_sink(teller);
    session_->prepare(stages_);
    if (interface_) session_->watch_devices(*interface_);
    session_->start();
    return {};
}

bool CaptureStory::end(const CaptureTeller& teller) {
    session_->finish();
    say_loss(session_->ledger(), teller);
    return !say_imbalance(session_->ledger());
}

}  // namespace sockray
