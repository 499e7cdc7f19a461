#include "user/record/output_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/write_all.h"

namespace sockray {

void OutputFile::FreeContext::operator()(ZSTD_CCtx_s* context) const {
    ZSTD_freeCCtx(context);
}

OutputFile::OutputFile(std::string path, Fd fd, int stop_fd)
    : path_(std::move(path)), fd_(std::move(fd)), stop_fd_(stop_fd), piece_(piece_for(fd_.get())) {}
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;
OutputFile::~OutputFile() = default;

namespace {

// A named pipe is open when somebody reads it: until then waits, and no longer than `stop_fd` is not readable, at which
// open() would not look. Errors: errno, ECANCELED where that was so.
Fd open_to_write(const std::string& path, int stop_fd) {
    constexpr int every_ms = 100;
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    for (;;) {
        struct stat status {};
        const bool pipe = ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
        Fd fd(::open(path.c_str(), flags | (pipe ? O_NONBLOCK : 0), 0666));
        if (fd && pipe) ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
        if (fd || !pipe || errno != ENXIO) return fd;
        pollfd stop{stop_fd, POLLIN, 0};
        if (::poll(&stop, 1, every_ms) <= 0) continue;
        errno = ECANCELED;
        return fd;
    }
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path, bool compress, int stop_fd) {
    const bool standard = path == "-";
    Fd fd = standard ? Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) : open_to_write(path, stop_fd);
    if (!fd)
        return fail(fmt::format("cannot write {}: {}", printable(path),
                                errno == ECANCELED ? "nobody reads it" : errno_text(errno)),
                    errno == ENOENT ? "make the directory first" : "");
    if (standard && ::isatty(fd.get()))
        return usage("a recording is no text for a terminal", "send standard output into a file or a pipe");
    OutputFile file(path, std::move(fd), stop_fd);
    struct stat status {};
    if (!standard && ::fstat(file.fd_.get(), &status) == 0) {
        file.id_ = {status.st_dev, status.st_ino};
        file.can_vanish_ = S_ISREG(status.st_mode) && status.st_nlink > 0;
    }
    if (compress) {
        file.zstd_.reset(ZSTD_createCCtx());
        if (!file.zstd_) return fail("no memory for the compressor");
        ZSTD_CCtx_setParameter(file.zstd_.get(), ZSTD_c_compressionLevel, 1);  // senders do not wait for us
        ZSTD_CCtx_setParameter(file.zstd_.get(), ZSTD_c_checksumFlag, 1);
    }
    return file;
}

Status OutputFile::put(std::string_view bytes) {
    std::size_t written = 0;
    const int error = write_all(fd_.get(), bytes, piece_, stop_fd_, &written);
    size_ += written;
    if (error)
        return fail(fmt::format("cannot write to {}: {}", printable(path_),
                                error == ECANCELED ? "nobody reads it" : errno_text(error)));
    return {};
}

Status OutputFile::compress(std::string_view bytes, int directive) {
    packed_.resize(ZSTD_CStreamOutSize());
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
        ZSTD_outBuffer out{packed_.data(), packed_.size(), 0};
        const std::size_t rest =
            ZSTD_compressStream2(zstd_.get(), &out, &in, static_cast<ZSTD_EndDirective>(directive));
        if (ZSTD_isError(rest))
            return fail(fmt::format("cannot compress {}: {}", printable(path_), ZSTD_getErrorName(rest)));
        if (Status written = put({packed_.data(), out.pos}); !written) return written;
        if (rest == 0) return {};
    }
}

Status OutputFile::write(std::string_view bytes) {
    begin_ = size_;
    return zstd_ ? compress(bytes, ZSTD_e_flush) : put(bytes);
}

void OutputFile::cut(std::size_t keep) {
    // What standard output holds is not all ours.
    const std::uint64_t end = begin_ + std::min(keep, readable());
    if (!is_standard_output() && ::ftruncate(fd_.get(), static_cast<off_t>(end)) == 0) size_ = end;
}

bool OutputFile::is_gone() const {
    struct stat status {};
    return can_vanish_ && fd_ && ::fstat(fd_.get(), &status) == 0 && status.st_nlink == 0;
}

void OutputFile::remove(const std::string& path, const FileId& id) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && FileId{status.st_dev, status.st_ino} == id)
        ::unlink(path.c_str());
}

Status OutputFile::finish() {
    if (!fd_) return {};
    Status status = zstd_ ? compress({}, ZSTD_e_end) : Status{};
    // Some file systems say only here that the disk is full.
    if (::close(fd_.release()) != 0 && status)
        status = fail(fmt::format("cannot write to {}: {}", printable(path_), errno_text(errno)));
    return status;
}

}  // namespace sockray
