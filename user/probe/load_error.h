// What libbpf and the kernel say when a program cannot be loaded, turned into one error.
#pragma once

#include <string>
#include <string_view>

#include "user/base/result.h"

namespace sockray {

// While it lives, libbpf's messages are kept here and do not reach standard error: in the innermost, where one lives
// inside another. Of one thread.
class LibbpfLog {
  public:
    LibbpfLog();
    ~LibbpfLog();
    LibbpfLog(const LibbpfLog&) = delete;
    LibbpfLog& operator=(const LibbpfLog&) = delete;

    // The last line of libbpf's that is a warning; empty without one.
    std::string last_warning() const;

    // What the verifier said last of the program that it refused, with the program's name; empty where it refused none.
    std::string verifier_words() const;

    // Called by libbpf's print function.
    void add(std::string_view text) { text_.append(text); }

  private:
    std::string text_;
    LibbpfLog* outer_;
};

// The text of an errno value, libbpf's own (above 4000) included.
std::string libbpf_text(int err);

// "cannot <what>: <why>", with the remedy that fits: EPERM (privileges or lockdown) is not_allowed, and so is a kernel
// that lacks something; everything else is a failure.
Error load_error(std::string_view what, int err, const LibbpfLog& log);

}  // namespace sockray
