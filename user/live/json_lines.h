// JSON Lines: one object a line for each thing that happened. Keys are never renamed and keep their order and
// their meaning; what is added stands behind them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/records.h"
#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/near_digits.h"
#include "user/base/plan.h"
#include "user/base/repeated_symbol.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"
#include "user/correlate/sink.h"
#include "user/correlate/tap_frame.h"
#include "user/live/repeated_fields.h"

namespace sockray {

// Each call appends one object and a newline; the output is valid JSON and valid UTF-8 whatever the records
// hold. Times are integers in ns of CLOCK_MONOTONIC, null where they were not seen. Names of kernel addresses
// are null where the address was not seen. One object for one thread; `plan` and `names` must outlive it.
class JsonLines {
  public:
    JsonLines(const Plan& plan, const KernelNames& names) : plan_(plan), names_(names), steps_(plan), driver_(names) {}

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
    void stages(fmt::memory_buffer& out, const sr_send& record);
    const std::string& sender_fields(const sr_send& record);
    const std::string& socket_fields(const Send& send);

    const Plan& plan_;
    const KernelNames& names_;
    RepeatedSteps steps_;
    std::vector<std::string> stage_heads_;  // of steps_: what stands before the times
    NearDigits starts_;
    NearDigits ends_;
    RepeatedSymbol driver_;

    // What the fields of a sender and of its socket are made of.
    struct SenderKey {
        std::uint32_t pid = 0;
        std::uint32_t tid = 0;
        std::array<char, SR_COMM_LEN> comm{};
        std::array<char, SR_IFNAME_LEN> ifname{};
        const char* entry = nullptr;  // entry_name() gives constants: equal ones are one
        bool operator==(const SenderKey&) const = default;
    };
    struct SocketKey {
        Stage end_stage = Stage::none;
        std::uint64_t socket_ino = 0;
        std::uint64_t sendmsg_fn = 0;
        std::uint32_t netns_ino = 0;
        std::int32_t ifindex = 0;
        std::uint32_t tx_queue = 0;
        std::int32_t syscall = 0;
        std::uint16_t protocol = 0;
        std::uint16_t sock_type = 0;
        bool operator==(const SocketKey&) const = default;
    };
    RepeatedFields<SenderKey> senders_;
    RepeatedFields<SocketKey> sockets_;
};

}  // namespace sockray
