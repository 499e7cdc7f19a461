// Reads recordings and tells them again: to the same sinks, in the same order, as the session did when it was live.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/correlate/sink.h"

namespace sockray {

// What of the files was not read.
struct ReadNotes {
    std::vector<std::string> words;     // a line for each thing that a user should know: cut off, damaged, not in order
    std::uint64_t entries = 0;          // read
    std::uint64_t bad_entries = 0;      // passed over: they make no sense
    std::uint64_t unknown_entries = 0;  // passed over: of a later sockray
};

// The files of one session in their order (-C, -G), or one.
struct RecordingFiles {
    struct File {
        std::string path;
        Fd fd;
    };
    std::vector<File> files;

    // Whether one of them is what this descriptor writes to.
    bool contain(int fd) const;
};

// Opens them, so that whoever reads them needs no privileges any more; "-" is standard input. Errors: cannot be opened.
Result<RecordingFiles> open_recording(std::span<const std::string> paths);

// What a file holds is read up to its last whole block. Where there is no end of the session (it was cut off, or goes
// on in a file that is not among them) the ledger is what could be counted, and Ending::cut_off is set. Memory does not
// grow with the files, whatever they hold (limits.h). Errors: cannot be read; no recording at all; files of different
// sessions.
Result<ReadNotes> replay(RecordingFiles recording, std::span<Sink* const> sinks);

}  // namespace sockray
