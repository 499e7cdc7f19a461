// Whether two names are of one file, so that what is written by one would be lost by the other.
#pragma once

#include <string>

namespace sockray {

// Two ways to one file, by path, symbolic or hard link; also where it is not there yet. A device is none: nothing is
// lost in /dev/null.
bool is_same_file(const std::string& a, const std::string& b);

// Whether the regular file of this name is what the descriptor writes to.
bool is_same_file(const std::string& path, int fd);

}  // namespace sockray
