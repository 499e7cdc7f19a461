// A file that is made, or whose content is replaced, as a whole: what it held stays until what takes its place is
// there.
#pragma once

#include <memory>
#include <string>

#include "user/base/fd.h"
#include "user/base/result.h"

namespace sockray {

// Nothing needs a privilege, nor the right to write into the directory, once it is open.
class ReplacedFile {
  public:
    // "-" is standard output, which is written to as it comes, as a pipe and a device are. Errors: cannot be written
    // to.
    static Result<std::unique_ptr<ReplacedFile>> open(const std::string& path);

    // Without finish() a file that was made is removed, and one that was there is as it was.
    ~ReplacedFile();
    ReplacedFile(const ReplacedFile&) = delete;
    ReplacedFile& operator=(const ReplacedFile&) = delete;

    // The file of that name, and where what is to stand in it is written to.
    int target() const { return target_.get(); }
    int fd() const { return spool_ ? spool_.get() : target_.get(); }

    // What was written takes its place. Returns 0 or the errno; the file may then be cut off.
    int finish();

  private:
    ReplacedFile(std::string path, Fd target) : path_(std::move(path)), target_(std::move(target)) {}
    std::string path_;
    Fd target_;
    Fd spool_;             // without a name; none where the target holds nothing that could be lost
    bool unused_ = false;  // made here, and not finished
};

}  // namespace sockray
