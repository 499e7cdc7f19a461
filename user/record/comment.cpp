#include "user/record/comment.h"

#include <algorithm>
#include <iterator>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

std::string_view before_key(const fmt::memory_buffer& out) {
    return out.size() == 0 ? "" : " ";
}

// A value of ours, without blanks, quotes and backslashes.
[[gnu::always_inline]] inline void append_word(fmt::memory_buffer& out, std::string_view key, std::string_view value) {
    append_all(out, before_key(out), key, "=", value);
}

bool is_word(std::string_view value) {
    return !value.empty() &&
           std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void append_value(fmt::memory_buffer& out, std::string_view key, std::string_view value) {
    if (is_word(value)) return append_word(out, key, value);
    const std::string shown = printable(value);
    const auto needs_quotes = [](char c) { return c == ' ' || c == '"' || c == '\\'; };
    if (!shown.empty() && std::ranges::none_of(shown, needs_quotes)) return append_word(out, key, shown);
    append_all(out, before_key(out), key, "=\"");
    for (const char c : shown) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
}

template <typename Integer>
void append_number(fmt::memory_buffer& out, std::string_view key, Integer value) {
    append_word(out, key, view(fmt::format_int(value)));
}

void append_path(fmt::memory_buffer& out, const Steps& steps) {
    append_word(out, "path", "");
    std::string_view before;
    for (const Step& step : steps) {
        append_all(out, before, stage_name(step.stage));
        before = ">";
    }
}

// NAME=ns for a stage that took time, NAME=+ns for a moment: since the send began.
void append_times(fmt::memory_buffer& out, const sr_send& record, const Steps& steps) {
    const std::uint64_t begin = begin_ns(record);
    for (const Step& step : steps) {
        if (!step.span.start) continue;
        if (is_moment(stage_info(step.stage).slot)) {
            if (step.span.start >= begin)
                append_all(out, " ", stage_name(step.stage), "=+", view(fmt::format_int(step.span.start - begin)));
        } else if (step.span.end >= step.span.start) {
            append_number(out, stage_name(step.stage), step.span.end - step.span.start);
        }
    }
}

}  // namespace

void append_comment(fmt::memory_buffer& out, const Send& send, const Plan& plan, const KernelNames& names) {
    const sr_send& record = send.record;
    const Steps steps = steps_of(record, plan);
    append_number(out, "send", send.id);
    append_word(out, "outcome", outcome_name(send.outcome));
    append_value(out, "comm", record.comm);
    append_number(out, "pid", record.pid);
    append_number(out, "tid", record.tid);
    append_word(out, "entry", entry_name(record));
    append_number(out, "len", record.len);
    if (record.flags & SR_SEND_RETURNED) {
        const int err = errno_of(record);
        append_number(out, "ret", err ? -1 : record.ret);
        if (err) append_word(out, "errno", errno_name(err));
    }
    if (!send.reason.empty()) append_value(out, "reason", send.reason);
    if (send.end_stage != Stage::none) append_word(out, "end_stage", stage_name(send.end_stage));
    if (record.ifname[0]) append_value(out, "ifname", record.ifname);
    append_number(out, "netns", record.netns_ino);
    append_number(out, "socket", record.socket_ino);
    if (record.tx_queue) append_number(out, "queue", record.tx_queue - 1);
    if (send.frame.bypass) append_number(out, "bypass", 1);
    if (record.segments) append_number(out, "segments", record.segments);
    if (record.qdisc[0]) append_value(out, "qdisc", record.qdisc);
    if (record.ndo_fn) append_value(out, "driver", names.symbol(record.ndo_fn));
    if (record.flags & SR_SEND_PASSED_ON) append_value(out, "passed_on_to", record.passed_on_to);
    if (record.receivers) append_word(out, "received", received_name(record.received));
    if (!send.also_received.empty()) append_value(out, "receivers", list_receivers(send, 0, 1 + SR_RECEIVERS_MOST));
    append_path(out, steps);
    append_times(out, record, steps);
}

void append_message(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    fmt::format_to(std::back_inserter(out), "{}[{}] {} {}: {}{}{}", printable(record.comm), record.pid,
                   entry_name(record), count_of(record.len, "byte"), outcome_name(send.outcome),
                   send.reason.empty() ? "" : ": ", printable(send.reason));
}

void append_message(fmt::memory_buffer& out, const sr_socket& record) {
    const std::string why = explain_creation(record);
    fmt::format_to(std::back_inserter(out), "{}[{}] socket({}, {}) = {}{}{}", printable(record.comm), record.pid,
                   record.family, record.sock_type, record.ret < 0 ? -1 : record.ret, why.empty() ? "" : ": ",
                   printable(why));
}

}  // namespace sockray
