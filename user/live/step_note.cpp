#include "user/live/step_note.h"

#include <cstdint>
#include <string_view>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/correlate/receivers.h"

namespace sockray {

namespace {

std::string_view received_text(std::uint32_t received) {
    switch (received) {
        case SR_RECEIVED_TAKEN: return "has it";
        case SR_RECEIVED_FULL: return "had no room";
        case SR_RECEIVED_UNKNOWN: return "was offered others too, what it did is not known";
        default: return "did not want it";
    }
}

// A ring is tpacket_rcv's.
std::string received_note(const Send& send) {
    constexpr std::size_t most = 4;
    std::string text;
    std::size_t named = 0;
    for (const FrameReceiver& one : receivers_of(send)) {
        if (named == most) break;
        text += fmt::format("{}socket {}{} {}", named ? ", " : "", one.socket_ino,
                            one.stage == SR_STAGE_TPACKET_RCV ? " (ring)" : "", received_text(one.received));
        named++;
    }
    if (send.record.receivers > named) text += fmt::format(", {} sockets in all", send.record.receivers);
    return text;
}

}  // namespace

std::string step_note(const Send& send, const Step& step, const KernelNames& names, int room) {
    const sr_send& record = send.record;
    const bool returned = step.span.end != 0;
    switch (stage_info(step.stage).slot) {
        case SR_SLOT_LOOKUP: return fmt::format("socket {}", record.socket_ino);
        case SR_SLOT_INNER: {
            if (record.sendmsg_fn == 0) return {};
            const std::string sendmsg = names.symbol(record.sendmsg_fn);
            const std::string text = fmt::format("ops->sendmsg: {}", sendmsg);
            // The next line says the same.
            const bool next = sendmsg == stage_name(Stage{record.stage[SR_SLOT_SENDMSG]});
            return columns(text) > room && next ? "ops->sendmsg" : text;
        }
        case SR_SLOT_SENDMSG:
            if (!(record.flags & SR_SEND_RETURNED)) return "no return";
            if (const int err = errno_of(record)) return fmt::format("= -{}", errno_name(err));
            return fmt::format("= {}", record.ret);
        case SR_SLOT_WAIT: return "asleep for room in the send buffer";
        case SR_SLOT_XMIT: return returned ? fmt::format("= {}", record.xmit_ret) : "no return";
        case SR_SLOT_DRIVER: return returned ? fmt::format("= {}", record.driver_ret) : "no return";
        case SR_SLOT_ENQUEUE:
            // noqueue takes no frame in; of the queue that did nothing is recorded.
            if (std::string_view(record.qdisc) == "noqueue")
                return fmt::format("of a device below {}", printable(record.ifname));
            return record.qdisc[0] ? fmt::format("{}, {} in it at the return", printable(record.qdisc),
                                                 count_of(record.qdisc_len, "frame"))
                                   : "";
        case SR_SLOT_NDO:
            return record.ndo_fn ? fmt::format("{} = {}", names.symbol(record.ndo_fn), record.driver_ret) : "";
        case SR_SLOT_RECEIVE: return received_note(send);
        case SR_SLOT_FREED: return record.freed_reason ? names.drop_reason(record.freed_reason) : "consumed";
        default: return {};
    }
}

}  // namespace sockray
