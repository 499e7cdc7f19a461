// The file, or files, that a recording goes to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "user/base/fd.h"
#include "user/base/result.h"

struct ZSTD_CCtx_s;

namespace sockray {

// One file, written from its start to its end, compressed with zstd where that is asked for.
class OutputFile {
  public:
    // "-" is standard output. An existing file is overwritten. `stop_fd`: while a pipe's reader does not read, writing
    // is given up when this becomes readable; -1: none. Errors: cannot be opened; is a terminal.
    static Result<OutputFile> create(const std::string& path, bool compress, int stop_fd);

    OutputFile(OutputFile&&) noexcept;
    OutputFile& operator=(OutputFile&&) noexcept;
    ~OutputFile();

    // Errors: the disk is full, the reader of a pipe has gone, and the like. After one, what was written stays
    // readable.
    Status write(std::string_view bytes);
    // Writes what the compressor holds back: up to here the file can be read from now on.
    Status flush();
    // Ends it; an error may come only now.
    Status finish();

    // Bytes of the file so far.
    std::uint64_t size() const { return size_; }

  private:
    struct FreeContext {
        void operator()(ZSTD_CCtx_s* context) const;
    };
    OutputFile(std::string path, Fd fd, int stop_fd);
    Status put(std::string_view bytes);
    Status compress(std::string_view bytes, int directive);

    std::string path_;
    Fd fd_;
    int stop_fd_;
    std::size_t piece_;
    std::uint64_t size_ = 0;
    std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;  // none: not compressed
    std::string packed_;
};

}  // namespace sockray
