// Single sends, stage by stage along their own time.
#pragma once

#include <cstdint>
#include <set>

#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"

namespace sockray::html {

class Waterfalls {
  public:
    // All must outlive it. `start_ns`: of tracing.
    Waterfalls(fmt::memory_buffer& out, const Plan& plan, const KernelNames& names, std::uint64_t start_ns)
        : out_(out), plan_(plan), names_(names), start_ns_(start_ns) {}

    // `open`: seen without a click. A send that is on the page already is only pointed to. Its anchor is "send-ID".
    void append(const Send& send, bool open);

  private:
    void append_head(const Send& send);
    void append_rows(const Send& send);

    fmt::memory_buffer& out_;
    const Plan& plan_;
    const KernelNames& names_;
    std::uint64_t start_ns_;
    std::set<std::uint64_t> shown_;
};

}  // namespace sockray::html
