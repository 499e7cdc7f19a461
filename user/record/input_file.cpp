#include "user/record/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr std::size_t piece = std::size_t{128} << 10;
constexpr std::string_view zstd_magic = "\x28\xb5\x2f\xfd";

}  // namespace

void InputFile::FreeContext::operator()(ZSTD_DCtx_s* context) const {
    ZSTD_freeDCtx(context);
}

InputFile::InputFile(Fd fd) : fd_(std::move(fd)), buffer_(piece, '\0') {}
InputFile::InputFile(InputFile&&) noexcept = default;
InputFile& InputFile::operator=(InputFile&&) noexcept = default;
InputFile::~InputFile() = default;

Result<Fd> open_input(const std::string& path) {
    Fd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(fmt::format("cannot read {}: {}", printable(path), errno_text(errno)));
    struct stat status {};
    if (::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode))
        return fail(fmt::format("cannot read {}: it is a directory", printable(path)));
    return fd;
}

Result<InputFile> InputFile::begin(Fd fd, const std::string& path) {
    InputFile file(std::move(fd));
    auto start = file.peek(zstd_magic.size());
    if (!start) return fail(fmt::format("cannot read {}: {}", printable(path), start.error().what));
    if (start->starts_with(zstd_magic)) {
        file.zstd_.reset(ZSTD_createDCtx());
        if (!file.zstd_) return fail("no memory for the decompressor");
        file.packed_.swap(file.buffer_);
        file.packed_end_ = std::exchange(file.end_, 0);
        file.buffer_.assign(piece, '\0');
        file.at_end_ = false;
    }
    return file;
}

Result<std::size_t> InputFile::read_some(char* to, std::size_t size) {
    for (;;) {
        const ssize_t count = ::read(fd_.get(), to, size);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno != EINTR) return fail(errno_text(errno));
    }
}

// Plain bytes, none at the end.
Result<std::size_t> InputFile::fill(char* to, std::size_t size) {
    if (!zstd_) return read_some(to, size);
    for (;;) {
        ZSTD_inBuffer in{packed_.data(), packed_end_, packed_begin_};
        ZSTD_outBuffer out{to, size, 0};
        const std::size_t rest = ZSTD_decompressStream(zstd_.get(), &out, &in);
        const bool moved = in.pos > packed_begin_ || out.pos > 0;
        packed_begin_ = in.pos;
        if (ZSTD_isError(rest)) {
            damage_ = "compressed bytes that make no sense";
            return out.pos;
        }
        if (moved) frame_ended_ = rest == 0;
        if (out.pos > 0) return out.pos;
        if (packed_begin_ < packed_end_) continue;
        packed_begin_ = packed_end_ = 0;
        const auto count = read_some(packed_.data(), packed_.size());
        if (!count) return count;
        if (*count == 0) {
            if (!frame_ended_) damage_ = "compressed bytes that are cut off";
            return 0;
        }
        packed_end_ = *count;
    }
}

Result<std::string_view> InputFile::peek(std::size_t least) {
    while (end_ - begin_ < least && !at_end_) {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= std::exchange(begin_, 0);
        }
        if (buffer_.size() < std::max(least, end_ + 1)) buffer_.resize(std::max(least, 2 * buffer_.size()));
        const auto count = fill(buffer_.data() + end_, buffer_.size() - end_);
        if (!count) return tl::unexpected(count.error());
        end_ += *count;
        at_end_ = *count == 0 || !damage_.empty();
    }
    return std::string_view(buffer_.data() + begin_, end_ - begin_);
}

void InputFile::skip(std::size_t size) {
    begin_ += std::min(size, end_ - begin_);
}

}  // namespace sockray
