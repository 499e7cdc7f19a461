// One line of text a send, for a terminal or a log, and one line or one block a socket.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "bpf/records.h"
#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/base/terminal.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"
#include "user/correlate/tap_frame.h"

namespace sockray {

// Columns grow with what was seen, so that lines stay aligned. One object for one output; `plan` and `names`
// must outlive it. `realtime_offset`: CLOCK_REALTIME - CLOCK_MONOTONIC in ns; times are shown as local time
// of day.
class Lines {
  public:
    Lines(const Plan& plan, const KernelNames& names, const Style& style, std::int64_t realtime_offset)
        : plan_(plan), names_(names), style_(style), realtime_offset_(realtime_offset) {}

    // 12:34:56.123456 arping[812]  veth0  sendto    42 =   42  delivered  12.3 us
    // packet_sendmsg>packet_snd>...
    void send(fmt::memory_buffer& out, const Send& send);
    // 12:34:56.123456 arping[812]  socket(AF_PACKET, SOCK_RAW, ETH_P_ARP) = 0, inode 34567, packet_ops
    void socket(fmt::memory_buffer& out, const sr_socket& record);
    // Everything that is known of the socket's creation, several lines.
    void socket_block(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id);
    // 12:34:56.123456 in           veth0         60  ETH_P_IP
    void frame(fmt::memory_buffer& out, const TapFrame& frame);
    // The send as a tree of stages (live/tree.h).
    void tree(fmt::memory_buffer& out, const Send& send);

  private:
    // A name from outside as it is shown.
    struct Name {
        std::string text;
        int columns = 0;
    };

    // Local time: "12:34:56.123456". Until the next call.
    std::string_view time_of_day(std::uint64_t ns, std::int64_t realtime_offset);
    // "arping[812]". Until the next call, as that of the device is.
    const Name& sender(const char (&comm)[SR_COMM_LEN], std::uint32_t pid);
    const Name& interface(const char (&ifname)[SR_IFNAME_LEN]);
    void time_and_sender(fmt::memory_buffer& out, std::string_view time, const Name& sender);
    void outcome_and_time(fmt::memory_buffer& out, const Send& send);
    // Why it did not go well, or the path that it took.
    void reason_or_path(fmt::memory_buffer& out, const Send& send);

    const Plan& plan_;
    const KernelNames& names_;
    Style style_;
    std::int64_t realtime_offset_;
    std::int64_t second_ = 0;  // that clock_ is of
    std::string clock_;
    StageBySlot stages_{};  // that path_ is of
    std::string path_;
    int sender_width_ = 11;
    int ifname_width_ = 5;
    int entry_width_ = 6;
    int number_width_ = 4;

    // Most sends come from few senders and go to few devices.
    struct Sender {
        char comm[SR_COMM_LEN] = {};
        std::uint32_t pid = 0;
        Name name;
    };
    struct Interface {
        char ifname[SR_IFNAME_LEN] = {};
        Name name;
    };
    std::array<Sender, 16> senders_;  // by the last digit of their pid
    Interface interface_;
};

}  // namespace sockray
