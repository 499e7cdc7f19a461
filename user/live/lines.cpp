#include "user/live/lines.h"

#include <arpa/inet.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "user/base/paragraph.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/live/constants.h"
#include "user/live/dissect.h"
#include "user/live/outcome_tone.h"
#include "user/live/socket_block.h"
#include "user/live/tree.h"

namespace sockray {

namespace {

constexpr int time_width = 15;     // "12:34:56.123456"
constexpr int outcome_width = 9;   // "delivered"
constexpr int duration_width = 7;  // "12.3 us"
constexpr int widest_sender = 24;  // a name that is longer moves its own line only
constexpr int widest_ifname = 15;
constexpr int widest_entry = 8;
constexpr int widest_number = 6;
constexpr std::string_view gap = "  ";

// A cell that makes its column wider where it does not fit, for this line and all that follow, up to `most`
// columns.
void growing_cell(fmt::memory_buffer& out, const Style& style, std::string_view text, int& width, int most,
                  Align align) {
    const int taken = columns(text);
    width = std::max(width, std::min(taken, most));
    if (align == Align::right) append_blanks(out, width - taken);
    paint(out, style, Tone::plain, text);
    if (align == Align::left) append_blanks(out, width - taken);
}

std::string path_of(const StageBySlot& stages) {
    std::string path;
    for (const int slot : {SR_SLOT_SENDMSG, SR_SLOT_BODY, SR_SLOT_XMIT, SR_SLOT_DRIVER}) {
        if (stages[slot] == Stage::none) continue;
        if (!path.empty()) path += '>';
        path += stage_name(stages[slot]);
    }
    return path;
}

// The end of a path that is too long: where it led to tells more than where it began. Whole names only.
std::string_view path_end(std::string_view path, int width) {
    while (static_cast<int>(path.size()) > width) {
        const std::size_t cut = path.find('>', 1);
        if (cut == std::string_view::npos) return {};
        path.remove_prefix(cut);
    }
    return path;
}

std::string result_text(const sr_send& record) {
    if (!(record.flags & SR_SEND_RETURNED)) return "?";
    return fmt::format_int(errno_of(record) ? -1 : record.ret).str();
}

}  // namespace

// The calendar is asked once a second.
std::string Lines::time_of_day(std::uint64_t ns, std::int64_t realtime_offset) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    const std::int64_t realtime = static_cast<std::int64_t>(ns) + realtime_offset;
    const std::time_t second = realtime / second_ns;
    if (second != second_ || clock_.empty()) {
        std::tm local{};
        ::localtime_r(&second, &local);
        clock_ = fmt::format("{:02}:{:02}:{:02}.000000", local.tm_hour, local.tm_min, local.tm_sec);
        second_ = second;
    }
    std::string text = clock_;
    std::int64_t rest = realtime % second_ns / 1000;
    for (std::size_t at = text.size(); rest > 0; rest /= 10) text[--at] = static_cast<char>('0' + rest % 10);
    return text;
}

void Lines::time_and_sender(fmt::memory_buffer& out, std::uint64_t ns, std::string_view comm, std::uint32_t pid) {
    paint(out, style_, Tone::dim, time_of_day(ns, realtime_offset_));
    out.push_back(' ');
    std::string sender = printable(comm, style_.utf8);
    sender.append(1, '[').append(fmt::format_int(pid).str()).append(1, ']');
    growing_cell(out, style_, sender, sender_width_, widest_sender, Align::left);
    append_all(out, gap);
}

void Lines::send(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    const Tone tone = tone_of(send.outcome);
    time_and_sender(out, begin_ns(record), record.comm, record.pid);
    growing_cell(out, style_, printable(record.ifname, style_.utf8), ifname_width_, widest_ifname, Align::left);
    append_all(out, gap);
    growing_cell(out, style_, entry_name(record), entry_width_, widest_entry, Align::left);
    out.push_back(' ');
    growing_cell(out, style_, fmt::format_int(record.len).str(), number_width_, widest_number, Align::right);
    append_all(out, " = ");
    growing_cell(out, style_, result_text(record), number_width_, widest_number, Align::right);
    append_all(out, gap);
    paint_cell(out, style_, tone, outcome_name(send.outcome), outcome_width);
    append_all(out, gap);
    const auto took = duration_ns(record);
    paint_cell(out, style_, Tone::plain, took ? duration(*took) : "", duration_width, Align::right);
    append_all(out, gap);

    if (!send.reason.empty()) {
        paint(out, style_, tone, printable(send.reason, style_.utf8));
    } else if (const std::string passed_on = explain_passing_on(record); !passed_on.empty()) {
        paint(out, style_, Tone::warning, printable(passed_on, style_.utf8));
    } else if (const std::string wait = explain_wait(record); !wait.empty()) {
        paint(out, style_, Tone::warning, wait);
    } else {
        // Sends that follow each other mostly took the same path.
        if (const StageBySlot stages = passed_stages(record); stages != stages_ || path_.empty()) {
            path_ = path_of(stages);
            stages_ = stages;
        }
        const int used = time_width + 1 + sender_width_ + 2 + ifname_width_ + 2 + entry_width_ + 1 + number_width_ + 3 +
                         number_width_ + 2 + outcome_width + 2 + duration_width + 2;
        paint(out, style_, Tone::dim, style_.terminal ? path_end(path_, style_.width - used) : path_);
    }
    end_line(out);
}

void Lines::socket(fmt::memory_buffer& out, const sr_socket& record) {
    time_and_sender(out, record.create.start, record.comm, record.pid);
    fmt::format_to(std::back_inserter(out), "socket({}, {}, {}) = ", family_text(record.family),
                   sock_type_text(record.sock_type),
                   ethertype_text(ntohs(static_cast<std::uint16_t>(record.protocol))));
    if (record.ret < 0)
        paint(out, style_, Tone::bad, fmt::format("-1  {}", explain_creation(record)));
    else
        fmt::format_to(std::back_inserter(out), "{}, inode {}, {}", record.ret, record.socket_ino,
                       names_.symbol(record.ops));
    end_line(out);
}

void Lines::frame(fmt::memory_buffer& out, const TapFrame& frame) {
    paint(out, style_, Tone::dim, time_of_day(frame.realtime_ns, 0));
    out.push_back(' ');
    growing_cell(out, style_, frame.outgoing ? "out" : "in", sender_width_, widest_sender, Align::left);
    append_all(out, gap);
    growing_cell(out, style_, printable(frame.interface->name, style_.utf8), ifname_width_, widest_ifname, Align::left);
    append_all(out, gap);
    growing_cell(out, style_, "", entry_width_, widest_entry, Align::left);
    out.push_back(' ');
    growing_cell(out, style_, fmt::format("{}", frame.length), number_width_, widest_number, Align::right);
    if (const std::string words = dissected(frame); !words.empty()) {
        append_all(out, gap);
        out.append(words);
    } else if (const std::uint16_t type = ethertype_of(frame)) {
        append_all(out, gap);
        out.append(ethertype_text(type));
    }
    end_line(out);
}

void Lines::socket_block(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id) {
    append_socket_block(out, record, id, plan_, names_, style_, time_of_day(record.create.start, realtime_offset_));
}

void Lines::tree(fmt::memory_buffer& out, const Send& send) {
    append_tree(out, send, plan_, names_, style_, time_of_day(begin_ns(send.record), realtime_offset_));
}

}  // namespace sockray
