#include "user/base/same_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

namespace sockray {

namespace {

// weakly_canonical leaves a name relative whose first part is not there.
std::filesystem::path without_links(const std::string& path, std::error_code& error) {
    const auto absolute = std::filesystem::absolute(path, error);
    return error ? absolute : std::filesystem::weakly_canonical(absolute, error);
}

}  // namespace

bool is_same_file(const std::string& a, const std::string& b) {
    struct stat first {};
    struct stat second {};
    if (::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0)
        return !S_ISCHR(first.st_mode) && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    std::error_code no_path;
    const auto first_path = without_links(a, no_path);
    if (no_path) return false;
    const auto second_path = without_links(b, no_path);
    return !no_path && first_path == second_path;
}

bool is_same_file(const std::string& path, int fd) {
    struct stat named {};
    struct stat open {};
    return ::stat(path.c_str(), &named) == 0 && ::fstat(fd, &open) == 0 && S_ISREG(named.st_mode) &&
           named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

}  // namespace sockray
