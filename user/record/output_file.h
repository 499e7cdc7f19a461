// The file, or files, that a recording goes to.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "user/base/fd.h"
#include "user/base/result.h"

struct ZSTD_CCtx_s;

namespace sockray {

struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileId&) const = default;
};

// One file, written from its start to its end, compressed with zstd where that is asked for.
class OutputFile {
  public:
    // "-" is standard output. An existing file is overwritten. `stop_fd`: while a pipe has no reader, or that does
    // not read, it is given up when this becomes readable; -1: none. Errors: cannot be opened; is a terminal.
    static Result<OutputFile> create(const std::string& path, bool compress, int stop_fd);

    OutputFile(OutputFile&&) noexcept;
    OutputFile& operator=(OutputFile&&) noexcept;
    ~OutputFile();

    // The compressor holds nothing back: up to here the file can be read from now on. Errors: the disk is full, the
    // reader of a pipe has gone, and the like. After one, what was written before stays readable.
    Status write(std::string_view bytes);
    // After an error of write(): so many of its bytes, from the first on, can be read all the same.
    std::size_t readable() const { return zstd_ ? 0 : static_cast<std::size_t>(size_ - begin_); }
    // After an error of write(): takes from the file what lies behind the first `keep` of these, where it is a file.
    void cut(std::size_t keep);
    // Ends it; an error may come only now.
    Status finish();

    // Its last name was taken away: what is written is lost when it is closed. Never of what had none to begin with.
    bool is_gone() const;
    // Takes it away, where this is still the file of its name.
    static void remove(const std::string& path, const FileId& id);

    const std::string& path() const { return path_; }
    const FileId& id() const { return id_; }
    // Bytes of the file so far.
    std::uint64_t size() const { return size_; }

  private:
    struct FreeContext {
        void operator()(ZSTD_CCtx_s* context) const;
    };
    OutputFile(std::string path, Fd fd, int stop_fd);
    bool is_standard_output() const { return path_ == "-"; }
    Status put(std::string_view bytes);
    Status compress(std::string_view bytes, int directive);

    std::string path_;
    Fd fd_;
    int stop_fd_;
    std::size_t piece_;
    FileId id_;
    bool can_vanish_ = false;
    std::uint64_t size_ = 0;
    std::uint64_t begin_ = 0;                         // of the last write()
    std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;  // none: not compressed
    std::string packed_;
};

}  // namespace sockray
