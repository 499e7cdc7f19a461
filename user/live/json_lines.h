// JSON Lines: one object a line for each thing that happened. Keys are never renamed and keep their order and
// their meaning; what is added stands behind them.
#pragma once

#include <cstdint>
#include <string>

#include "bpf/records.h"
#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"
#include "user/correlate/sink.h"
#include "user/correlate/tap_frame.h"

namespace sockray {

// Each call appends one object and a newline; the output is valid JSON and valid UTF-8 whatever the records
// hold. Times are integers in ns of CLOCK_MONOTONIC, null where they were not seen. Names of kernel addresses
// are null where the address was not seen. One object for one thread; `plan` and `names` must outlive it.
class JsonLines {
  public:
    JsonLines(const Plan& plan, const KernelNames& names) : plan_(plan), names_(names) {}

    void plan_line(fmt::memory_buffer& out, const PlanLine& line);
    void plan(fmt::memory_buffer& out);  // every line of the plan
    // `id`: 1, 2, 3 ... in the order in which the records were read.
    void socket(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id);
    void send(fmt::memory_buffer& out, const Send& send);
    // `realtime_offset_ns`: CLOCK_REALTIME - CLOCK_MONOTONIC.
    void frame(fmt::memory_buffer& out, const TapFrame& frame, std::int64_t realtime_offset_ns);
    // The ending must have a capture.
    void capture(fmt::memory_buffer& out, const Ending& ending);

  private:
    void symbol(fmt::memory_buffer& out, std::uint64_t address);

    const Plan& plan_;
    const KernelNames& names_;
    // sock->ops->sendmsg hardly ever changes: its name is looked up once, not once a send.
    std::uint64_t sendmsg_fn_ = 0;
    std::string sendmsg_;
};

}  // namespace sockray
