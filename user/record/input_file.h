// Bytes of a file from its start to its end, decompressed where it is zstd's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "user/base/fd.h"
#include "user/base/result.h"

struct ZSTD_DCtx_s;

namespace sockray {

class InputFile {
  public:
    // What `fd` reads, from its place on. `path` is for the error: cannot be read.
    static Result<InputFile> begin(Fd fd, const std::string& path);

    InputFile(InputFile&&) noexcept;
    InputFile& operator=(InputFile&&) noexcept;
    ~InputFile();

    // What comes next, at least `least` bytes of it, fewer only at the end. Valid until the next call. Errors: reading
    // failed. Where the compressed bytes make no sense the file ends for us, and damage() tells.
    Result<std::string_view> peek(std::size_t least);
    // Passes over what peek() has shown.
    void skip(std::size_t size);

    std::string_view damage() const { return damage_; }

  private:
    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const;
    };
    explicit InputFile(Fd fd);
    Result<std::size_t> read_some(char* to, std::size_t size);
    Result<std::size_t> fill(char* to, std::size_t size);

    Fd fd_;
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> zstd_;
    std::string packed_;  // compressed bytes: [packed_begin_, packed_end_)
    std::size_t packed_begin_ = 0;
    std::size_t packed_end_ = 0;
    bool frame_ended_ = true;  // of zstd's
    std::string buffer_;       // plain bytes: [begin_, end_)
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool at_end_ = false;
    std::string_view damage_;
};

// To read; "-" is standard input. Errors: cannot be opened; is a directory.
Result<Fd> open_input(const std::string& path);

}  // namespace sockray
