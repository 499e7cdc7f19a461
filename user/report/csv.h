// Sends as comma-separated values (RFC 4180), one row a send behind a row of names, for spreadsheets and data frames.
//
// Columns: id, ts_ns, pid, tid, comm, entry, ifname, len, ret, errno, outcome, reason as in JSON Lines (docs/json.md),
// then the start and the end of each slot of a send's stages, ns of CLOCK_MONOTONIC, empty where not seen. A slot that
// one stage alone can fill has its name (sock_alloc_send_pskb_start_ns); the others are `entry` (__sys_sendto ...,
// sock_write_iter), `sendmsg` (packet_sendmsg, packet_sendmsg_spkt), `body` (packet_snd, tpacket_snd; it ends with
// sendmsg), `xmit` (__dev_queue_xmit, __dev_direct_xmit) and `receive` (packet_rcv, tpacket_rcv).
//
// Names are chosen by whoever owns them, and a spreadsheet calculates a text that looks like a formula. So a text that
// begins with = + - @ (or their full-width forms) gets an apostrophe before it, and one that begins with an apostrophe
// another one: taking one away from each gives back the text. What is no visible character is written \xNN, a backslash
// \x5c.
#pragma once

#include <string_view>

#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray {

// `text` as a cell, guarded and quoted where it must be.
void append_csv_text(fmt::memory_buffer& out, std::string_view text);

// Appends to `out` as it goes, whole rows with each call; `out` must outlive it, and may be emptied in between.
class Csv : public Sink {
  public:
    explicit Csv(fmt::memory_buffer& out) : out_(out) {}

    void begin(const Origin&, const Plan&, const KernelNames&) override;
    void send(const Send& send) override;

  private:
    fmt::memory_buffer& out_;
};

}  // namespace sockray
