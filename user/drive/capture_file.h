// Frames from a pcap or pcapng file, to be sent as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "user/base/result.h"
#include "user/drive/frame.h"

namespace sockray {

struct CaptureFile {
    std::shared_ptr<const FrameSource> frames;
    std::uint64_t count = 0;  // frames in the file; send number count + 1 is the first one again
    std::uint64_t cut = 0;    // of these, frames of which the capture kept only the beginning
};

// What is kept in memory of one file.
inline constexpr std::size_t max_capture_bytes = std::size_t{512} << 20;

// Reads the whole file. Errors name the file: it cannot be read, is no capture, ends within a frame, is not of
// Ethernet, holds no frames, or one that is too long to be sent.
//
// Frames are due at the times of the file: those that go back count as at once. From the last frame of a round to the
// first of the next it takes as long as from frame to frame on average.
//
// The file is opened with this process' privileges, "-" is standard input; it is parsed by a process of its own that
// has none (confined()). Before there are threads.
Result<CaptureFile> read_capture(const std::string& path);

// The same without that process.
Result<CaptureFile> read_capture_here(const std::string& path);

}  // namespace sockray
