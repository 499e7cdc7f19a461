// Writing to a descriptor that may be a file, a pipe or a terminal.
#pragma once

#include <cstddef>
#include <string_view>

namespace sockray {

// How much may be written to this descriptor at once. A pipe that poll(2) calls writable takes PIPE_BUF bytes without
// blocking, and no more for certain.
std::size_t piece_for(int fd);

// All of it, at most `piece` bytes at once. `stop_fd`: when this becomes readable while the reader does not read,
// writing is given up (ECANCELED); -1: none. Returns 0 or the errno; `written`: so many bytes were, even so.
int write_all(int fd, std::string_view bytes, std::size_t piece, int stop_fd, std::size_t* written = nullptr);

}  // namespace sockray
