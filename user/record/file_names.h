// The names of the files that a recording is divided into: the words of tcpdump's -C, -G and -W.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

namespace sockray {

struct Rotation {
    std::uint64_t bytes = 0;    // -C: a new file when the one before has so many; 0: never
    std::uint64_t seconds = 0;  // -G: a new file every so many seconds; 0: never
    std::uint32_t files = 0;    // -W: with -C (and -G) at most so many, each new one in place of the oldest; with -G
                                // alone recording ends with the last; 0: no limit

    bool is_on() const { return bytes || seconds; }
    bool is_ring() const { return bytes && files; }
};

// The names of the files of one recording, in their order. None comes twice, but in a ring, whose numbers do: there
// each name is a new one or that of the oldest file.
//
// "cap", "cap1", "cap2" ... with -C; with -W as well "cap00" to "cap11". With -G strftime(3) is applied to the path
// first; without -C the number stands only behind a name that came before. It stands before ".zst".
class FileNames {
  public:
    FileNames(const std::string& path, const Rotation& rotation);

    std::string next(std::int64_t realtime_s);

    // Whether a file of the recording may come to be this one: it has one of their names, and is in their folder.
    bool may_be(const std::string& path) const;

  private:
    std::string numbered(std::uint32_t index, const std::string& stem) const;

    std::string stem_;    // the path before ".zst"
    std::string ending_;  // ".zst" or nothing
    Rotation rotation_;
    std::uint32_t index_ = 0;
    std::unordered_set<std::string> given_;  // those that the time is in
};

// Whether what is written to this path is to be compressed.
bool is_compressed_name(const std::string& path);

}  // namespace sockray
