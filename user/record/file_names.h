// The names of the files that a recording is divided into: the words of tcpdump's -C, -G and -W.
#pragma once

#include <cstdint>
#include <string>

namespace sockray {

struct Rotation {
    std::uint64_t bytes = 0;    // -C: a new file when the one before has so many; 0: never
    std::uint64_t seconds = 0;  // -G: a new file every so many seconds; 0: never
    std::uint32_t files = 0;    // -W: with -C at most so many, then the first is overwritten; with -G alone recording
                                // ends behind the last; 0: no limit

    bool is_on() const { return bytes || seconds; }
};

// The name of file number `index` of `path`: "cap", "cap1", "cap2" ... with -C; with -W as well "cap00" to "cap11";
// with -G strftime(3) is applied to `path` first, and where nothing in it changes the number tells the files apart. A
// number stands before ".zst".
std::string file_name(const std::string& path, const Rotation& rotation, std::uint32_t index, std::int64_t realtime_s);

// Whether what is written to this path is to be compressed.
bool is_compressed_name(const std::string& path);

}  // namespace sockray
