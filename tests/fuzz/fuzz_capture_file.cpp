// Any bytes as a file of frames: refused with a reason, or every frame can be sent and times never go back.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "user/drive/capture_file.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int fd = ::memfd_create("frames", MFD_CLOEXEC);
    require(::ftruncate(fd, 0) == 0 && ::pwrite(fd, data, size, 0) == static_cast<ssize_t>(size));
    const auto capture = sockray::read_capture_here("/proc/self/fd/" + std::to_string(fd));
    if (!capture) {
        require(!capture.error().what.empty());
        return 0;
    }
    const sockray::FrameSource& frames = *capture->frames;
    require(capture->count > 0 && capture->cut <= capture->count);
    require(frames.shortest() > 0 && frames.shortest() <= frames.longest());
    require(frames.longest() <= sockray::max_frame_size);
    std::vector<std::uint8_t> frame(frames.longest());
    for (std::uint64_t number = 1; number <= capture->count + 1; ++number) {
        const std::size_t written = frames.compose(number, frame);
        require(written >= frames.shortest() && written <= frames.longest());
        require(frames.due_ns(number) <= frames.due_ns(number + 1));
    }
    require(frames.due_ns(capture->count + 1) <= frames.due_ns(UINT64_MAX));
    return 0;
}
