#include "user/record/comment.h"

#include <iterator>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

void append_value(std::string& out, std::string_view key, std::string_view value) {
    if (!out.empty()) out += ' ';
    out.append(key) += '=';
    const std::string shown = printable(value);
    if (!shown.empty() && shown.find_first_of(" \"\\") == std::string::npos) {
        out += shown;
        return;
    }
    out += '"';
    for (const char c : shown) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

template <typename Integer>
void append_number(std::string& out, std::string_view key, Integer value) {
    fmt::format_to(std::back_inserter(out), "{}{}={}", out.empty() ? "" : " ", key, value);
}

void append_path(std::string& out, const Steps& steps) {
    out += out.empty() ? "path=" : " path=";
    std::string_view before;
    for (const Step& step : steps) {
        out.append(before).append(stage_name(step.stage));
        before = ">";
    }
}

// NAME=ns for a stage that took time, NAME=+ns for a moment: since the send began.
void append_times(std::string& out, const sr_send& record, const Steps& steps) {
    const std::uint64_t begin = begin_ns(record);
    for (const Step& step : steps) {
        if (!step.span.start) continue;
        if (is_moment(stage_info(step.stage).slot)) {
            if (step.span.start >= begin)
                fmt::format_to(std::back_inserter(out), " {}=+{}", stage_name(step.stage), step.span.start - begin);
        } else if (step.span.end >= step.span.start) {
            append_number(out, stage_name(step.stage), step.span.end - step.span.start);
        }
    }
}

}  // namespace

void append_comment(std::string& out, const Send& send, const Plan& plan, const KernelNames& names) {
    const sr_send& record = send.record;
    const Steps steps = steps_of(record, plan);
    append_number(out, "send", send.id);
    append_value(out, "outcome", outcome_name(send.outcome));
    append_value(out, "comm", record.comm);
    append_number(out, "pid", record.pid);
    append_number(out, "tid", record.tid);
    append_value(out, "entry", entry_name(record));
    append_number(out, "len", record.len);
    if (record.flags & SR_SEND_RETURNED) {
        const int err = errno_of(record);
        append_number(out, "ret", err ? -1 : record.ret);
        if (err) append_value(out, "errno", errno_name(err));
    }
    if (!send.reason.empty()) append_value(out, "reason", send.reason);
    if (send.end_stage != Stage::none) append_value(out, "end_stage", stage_name(send.end_stage));
    if (record.ifname[0]) append_value(out, "ifname", record.ifname);
    append_number(out, "netns", record.netns_ino);
    append_number(out, "socket", record.socket_ino);
    if (record.tx_queue) append_number(out, "queue", record.tx_queue - 1);
    if (send.frame.bypass) append_number(out, "bypass", 1);
    if (record.segments) append_number(out, "segments", record.segments);
    if (record.qdisc[0]) append_value(out, "qdisc", record.qdisc);
    if (record.ndo_fn) append_value(out, "driver", names.symbol(record.ndo_fn));
    if (record.flags & SR_SEND_PASSED_ON) append_value(out, "passed_on_to", record.passed_on_to);
    if (record.receivers) append_value(out, "received", received_name(record.received));
    if (!send.also_received.empty()) append_value(out, "receivers", list_receivers(send, 0, 1 + SR_RECEIVERS_MOST));
    append_path(out, steps);
    append_times(out, record, steps);
}

void append_message(std::string& out, const Send& send) {
    const sr_send& record = send.record;
    fmt::format_to(std::back_inserter(out), "{}[{}] {} {}: {}{}{}", printable(record.comm), record.pid,
                   entry_name(record), count_of(record.len, "byte"), outcome_name(send.outcome),
                   send.reason.empty() ? "" : ": ", printable(send.reason));
}

void append_message(std::string& out, const sr_socket& record) {
    const std::string why = explain_creation(record);
    fmt::format_to(std::back_inserter(out), "{}[{}] socket({}, {}) = {}{}{}", printable(record.comm), record.pid,
                   record.family, record.sock_type, record.ret < 0 ? -1 : record.ret, why.empty() ? "" : ": ",
                   printable(why));
}

}  // namespace sockray
