#include "user/cli/replaced_file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "user/base/format.h"
#include "user/base/same_file.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

// Beside the file, for there is room as it will need; else, where the directory takes no files, where all others are.
Fd make_spool(const std::string& path) {
    std::error_code none;
    const std::filesystem::path beside = std::filesystem::path(path).parent_path();
    Fd spool(::open(beside.empty() ? "." : beside.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (spool) return spool;
    return Fd(::open(std::filesystem::temp_directory_path(none).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

}  // namespace

Result<std::unique_ptr<ReplacedFile>> ReplacedFile::open(const std::string& path) {
    const bool standard = path == "-";
    Fd target(standard ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                       : ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    const bool fresh = !standard && target;
    if (!target && errno == EEXIST) target = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    if (!target) return fail(fmt::format("cannot write {}: {}", printable(path), errno_text(errno)));
    auto file = std::unique_ptr<ReplacedFile>(new ReplacedFile(path, std::move(target)));
    file->unused_ = fresh;
    struct stat there {};
    if (!standard && ::fstat(file->target(), &there) == 0 && S_ISREG(there.st_mode) && there.st_size > 0) {
        file->spool_ = make_spool(path);
        if (!file->spool_)
            return fail(fmt::format("cannot make a file to write into before it replaces {}: {}", printable(path),
                                    errno_text(errno)),
                        "remove it, or name another one");
    }
    return file;
}

ReplacedFile::~ReplacedFile() {
    if (unused_ && is_same_file(path_, target_.get())) ::unlink(path_.c_str());
}

int ReplacedFile::finish() {
    unused_ = false;
    if (!spool_) return 0;
    struct stat written {};
    if (::fstat(spool_.get(), &written) != 0 || ::ftruncate(target_.get(), 0) != 0) return errno;
    constexpr std::size_t piece = std::size_t{1} << 30;
    for (off_t from = 0; from < written.st_size;)
        if (const ssize_t sent = ::sendfile(target_.get(), spool_.get(), &from, piece); sent <= 0 && errno != EINTR)
            return sent < 0 ? errno : EIO;
    return 0;
}

}  // namespace sockray
