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

// A value of ours, without blanks, quotes and backslashes.
[[gnu::always_inline]] inline void append_word(fmt::memory_buffer& out, std::string_view key, std::string_view value) {
    append_all(out, " ", key, "=", value);
}

template <typename Integer>
[[gnu::always_inline]] inline void append_number(fmt::memory_buffer& out, std::string_view key, Integer value) {
    append_word(out, key, view(fmt::format_int(value)));
}

bool is_word(std::string_view value) {
    return !value.empty() &&
           std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void append_quoted(fmt::memory_buffer& out, std::string_view key, std::string_view shown) {
    append_all(out, " ", key, "=\"");
    for (const char c : shown) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
}

// One that comes from outside.
void append_value(fmt::memory_buffer& out, std::string_view key, std::string_view value) {
    if (is_word(value)) return append_word(out, key, value);
    const std::string shown = printable(value);
    const auto needs_quotes = [](char c) { return c == ' ' || c == '"' || c == '\\'; };
    if (shown.empty() || std::ranges::any_of(shown, needs_quotes)) return append_quoted(out, key, shown);
    append_word(out, key, shown);
}

std::string path_of(const Steps& steps) {
    std::string path;
    for (const Step& step : steps) path.append(path.empty() ? " path=" : ">").append(stage_name(step.stage));
    return path.empty() ? " path=" : path;
}

// NAME=ns for a stage that took time, NAME=+ns for a moment: since the send began.
void append_time(fmt::memory_buffer& out, const Step& step, std::uint64_t begin) {
    const sr_span& span = step.span;
    if (!span.start) return;
    if (!is_moment(stage_info(step.stage).slot)) {
        if (span.end >= span.start) append_number(out, stage_name(step.stage), span.end - span.start);
    } else if (span.start >= begin) {
        append_all(out, " ", stage_name(step.stage), "=+", view(fmt::format_int(span.start - begin)));
    }
}

// What the sender was told.
void append_result(fmt::memory_buffer& out, const sr_send& record) {
    if (!(record.flags & SR_SEND_RETURNED)) return;
    const int err = errno_of(record);
    append_number(out, "ret", err ? -1 : record.ret);
    if (err) append_word(out, "errno", errno_name(err));
}

}  // namespace

void Comments::append_steps(fmt::memory_buffer& out, const sr_send& record) {
    const Steps& steps = steps_.of(record);
    if (steps_.changed()) path_ = path_of(steps);
    append_all(out, path_);
    const std::uint64_t begin = begin_ns(record);
    for (const Step& step : steps) append_time(out, step, begin);
}

void Comments::append(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    append_all(out, "send=", view(fmt::format_int(send.id)), " outcome=", outcome_name(send.outcome));
    append_value(out, "comm", record.comm);
    append_all(out, " pid=", view(fmt::format_int(record.pid)), " tid=", view(fmt::format_int(record.tid)),
               " entry=", entry_name(record), " len=", view(fmt::format_int(record.len)));
    append_result(out, record);
    if (!send.reason.empty()) append_value(out, "reason", send.reason);
    if (send.end_stage != Stage::none) append_word(out, "end_stage", stage_name(send.end_stage));
    if (record.ifname[0]) append_value(out, "ifname", record.ifname);
    append_all(out, " netns=", view(fmt::format_int(record.netns_ino)),
               " socket=", view(fmt::format_int(record.socket_ino)));
    if (record.tx_queue) append_number(out, "queue", record.tx_queue - 1);
    if (send.frame.bypass) append_number(out, "bypass", 1);
    if (record.segments) append_number(out, "segments", record.segments);
    if (record.qdisc[0]) append_value(out, "qdisc", record.qdisc);
    if (record.ndo_fn) append_value(out, "driver", driver_.of(record.ndo_fn));
    if (record.flags & SR_SEND_PASSED_ON) append_value(out, "passed_on_to", record.passed_on_to);
    if (record.receivers) append_word(out, "received", received_name(record.received));
    if (!send.also_received.empty()) append_value(out, "receivers", list_receivers(send, 0, 1 + SR_RECEIVERS_MOST));
    append_steps(out, record);
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
