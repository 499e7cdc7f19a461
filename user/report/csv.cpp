#include "user/report/csv.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "user/base/terminal.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"

namespace sockray {

namespace {

std::string_view slot_name(int slot) {
    switch (slot) {
        case SR_SLOT_ENTRY: return "entry";
        case SR_SLOT_SENDMSG: return "sendmsg";
        case SR_SLOT_BODY: return "body";
        case SR_SLOT_XMIT: return "xmit";
        case SR_SLOT_RECEIVE: return "receive";
        default: break;
    }
    for (const StageInfo& info : all_stages)
        if (info.slot == slot) return info.name;
    return "none";
}

// What a spreadsheet may take for the begin of a formula, and the guard itself.
bool needs_guard(std::string_view text) {
    constexpr std::string_view starts[] = {"=", "+", "-", "@", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
    return std::any_of(std::begin(starts), std::end(starts), [&](std::string_view s) { return text.starts_with(s); });
}

void append_time(fmt::memory_buffer& out, std::uint64_t ns) {
    out.push_back(',');
    if (!ns) return;
    const fmt::format_int digits(ns);
    out.append(digits.data(), digits.data() + digits.size());
}

}  // namespace

void append_csv_text(fmt::memory_buffer& out, std::string_view text) {
    const std::string shown = printable(text);
    const bool has_blank_edge = !shown.empty() && (shown.front() == ' ' || shown.back() == ' ');
    const bool is_quoted = has_blank_edge || shown.find_first_of(",\"") != std::string::npos;
    if (is_quoted) out.push_back('"');
    if (needs_guard(shown)) out.push_back('\'');
    for (const char c : shown) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    if (is_quoted) out.push_back('"');
}

void Csv::begin(const Origin&, const Plan&, const KernelNames&) {
    out_.append(std::string_view("id,ts_ns,pid,tid,comm,entry,ifname,len,ret,errno,outcome,reason"));
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++)
        fmt::format_to(std::back_inserter(out_), ",{0}_start_ns,{0}_end_ns", slot_name(slot));
    out_.append(std::string_view(",receivers,passed_on_to"));
    out_.append(std::string_view("\r\n"));
}

void Csv::send(const Send& send) {
    const sr_send& record = send.record;
    fmt::format_to(std::back_inserter(out_), "{}", send.id);
    append_time(out_, begin_ns(record));
    fmt::format_to(std::back_inserter(out_), ",{},{},", record.pid, record.tid);
    append_csv_text(out_, record.comm);
    out_.push_back(',');
    append_csv_text(out_, entry_name(record));
    out_.push_back(',');
    append_csv_text(out_, record.ifname);
    fmt::format_to(std::back_inserter(out_), ",{},", record.len);
    if (record.flags & SR_SEND_RETURNED) {
        const int err = errno_of(record);
        fmt::format_to(std::back_inserter(out_), "{},{}", err ? -1 : record.ret, err);
    } else {
        out_.push_back(',');
    }
    fmt::format_to(std::back_inserter(out_), ",{},", outcome_name(send.outcome));
    append_csv_text(out_, send.reason);
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        const sr_span& span = record.span[slot];
        append_time(out_, span.start);
        append_time(out_, slot == SR_SLOT_BODY && span.start ? record.span[SR_SLOT_SENDMSG].end : span.end);
    }
    out_.push_back(',');
    append_csv_text(out_, list_receivers(send, 0, 1 + SR_RECEIVERS_MOST));
    out_.push_back(',');
    append_csv_text(out_, record.flags & SR_SEND_PASSED_ON ? record.passed_on_to : "");
    out_.append(std::string_view("\r\n"));
}

}  // namespace sockray
