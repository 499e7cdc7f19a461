#include "user/live/lines.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <iterator>

#include "user/base/near_digits.h"
#include "user/base/paragraph.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"
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

// What fills a column of this width up.
std::string_view blanks(int width, int columns) {
    constexpr std::string_view most = "                                ";
    static_assert(most.size() >= widest_sender);
    return most.substr(0, static_cast<std::size_t>(std::max(width - columns, 0)));
}

int size_of(std::string_view ascii) {
    return static_cast<int>(ascii.size());
}

// A cell that makes its column wider where it does not fit, for this line and all that follow, up to `most` columns.
[[gnu::always_inline]] inline void growing_cell(fmt::memory_buffer& out, std::string_view text, int taken, int& width,
                                                int most) {
    width = std::max(width, std::min(taken, most));
    append_all(out, text, blanks(width, taken), gap);
}

// The same for a number, with what stands before and behind it.
[[gnu::always_inline]] inline void number_cell(fmt::memory_buffer& out, std::string_view before,
                                               std::string_view digits, int& width) {
    width = std::max(width, std::min(size_of(digits), widest_number));
    append_all(out, before, blanks(width, size_of(digits)), digits);
}

bool are_same(const StageBySlot& a, const StageBySlot& b) {
    return std::memcmp(a.data(), b.data(), sizeof a) == 0;  // std::array would compare them one by one
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

// What became of the frame that the call's own end does not tell.
std::string frame_note(const Send& send) {
    std::string note;
    const auto took = duration_ns(send.record);
    if (const auto frame = frame_duration_ns(send.record); frame && took && *frame > *took) {
        if (send.outcome == Outcome::delivered) note = fmt::format("frame out after {}", duration(*frame));
        if (send.outcome == Outcome::dropped) note = fmt::format("frame dropped after {}", duration(*frame));
    }
    const std::string full = full_receivers(send);
    return note.empty() || full.empty() ? note + full : note + "; " + full;
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

}  // namespace

// The calendar is asked once a second.
std::string_view Lines::time_of_day(std::uint64_t ns, std::int64_t realtime_offset) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    // Both may be any number in a recording: no sum overflows, and no part of a second is negative.
    const auto realtime = static_cast<std::int64_t>(ns + static_cast<std::uint64_t>(realtime_offset));
    const std::int64_t part_ns = (realtime % second_ns + second_ns) % second_ns;
    const std::time_t second = realtime / second_ns - (realtime % second_ns < 0 ? 1 : 0);
    if (second != second_ || clock_.empty()) {
        std::tm local{};
        ::localtime_r(&second, &local);
        clock_ = fmt::format("{:02}:{:02}:{:02}.000000", local.tm_hour, local.tm_min, local.tm_sec);
        second_ = second;
    }
    put_six_digits(clock_.data() + clock_.size() - 6, static_cast<std::uint32_t>(part_ns / 1000));
    return clock_;
}

const Lines::Name& Lines::sender(const char (&comm)[SR_COMM_LEN], std::uint32_t pid) {
    Sender& known = senders_[pid % senders_.size()];
    if (known.pid != pid || std::memcmp(known.comm, comm, sizeof comm) != 0 || known.name.text.empty()) {
        known.pid = pid;
        std::memcpy(known.comm, comm, sizeof comm);
        known.name.text = fmt::format("{}[{}]", printable(comm, style_.utf8), pid);
        known.name.columns = columns(known.name.text);
    }
    return known.name;
}

const Lines::Name& Lines::interface(const char (&ifname)[SR_IFNAME_LEN]) {
    if (std::memcmp(interface_.ifname, ifname, sizeof ifname) != 0) {
        std::memcpy(interface_.ifname, ifname, sizeof ifname);
        interface_.name.text = printable(ifname, style_.utf8);
        interface_.name.columns = columns(interface_.name.text);
    }
    return interface_.name;
}

void Lines::time_and_sender(fmt::memory_buffer& out, std::string_view time, const Name& sender) {
    const Paint dim = paint_of(style_, Tone::dim);
    append_all(out, dim.before, time, dim.behind, " ");
    growing_cell(out, sender.text, sender.columns, sender_width_, widest_sender);
}

void Lines::send(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    time_and_sender(out, time_of_day(begin_ns(record), realtime_offset_), sender(record.comm, record.pid));
    const Name& device = interface(record.ifname);
    growing_cell(out, device.text, device.columns, ifname_width_, widest_ifname);
    const std::string_view entry = entry_name(record);
    entry_width_ = std::max(entry_width_, std::min(size_of(entry), widest_entry));
    append_all(out, entry, blanks(entry_width_, size_of(entry)));
    number_cell(out, " ", view(fmt::format_int(record.len)), number_width_);
    if (record.flags & SR_SEND_RETURNED)
        number_cell(out, " = ", view(fmt::format_int(errno_of(record) ? -1 : record.ret)), number_width_);
    else
        number_cell(out, " = ", "?", number_width_);
    outcome_and_time(out, send);
    reason_or_path(out, send);
    end_line(out);
}

void Lines::outcome_and_time(fmt::memory_buffer& out, const Send& send) {
    const std::string_view outcome = outcome_name(send.outcome);
    const Paint tone = paint_of(style_, tone_of(send.outcome));
    const auto ns = duration_ns(send.record);
    const DurationText text(ns.value_or(0));
    const std::string_view took = ns ? text.view() : "";
    append_all(out, gap, tone.before, outcome, tone.behind, blanks(outcome_width, size_of(outcome)), gap,
               blanks(duration_width, size_of(took)), took, gap);
}

void Lines::reason_or_path(fmt::memory_buffer& out, const Send& send) {
    const sr_send& record = send.record;
    std::string words = send.reason.empty() ? explain_passing_on(record) : send.reason;
    const Tone tone = send.reason.empty() ? Tone::warning : tone_of(send.outcome);
    if (const std::string wait = explain_wait(record); !wait.empty()) words += (words.empty() ? "" : "; ") + wait;
    const std::string note = frame_note(send);
    if (!words.empty()) {
        if (!note.empty()) words += "; " + note;
        return paint(out, style_, tone, printable(words, style_.utf8));
    }
    if (!note.empty()) append_all(out, note, gap);
    // Sends that follow each other mostly took the same path.
    if (const StageBySlot stages = passed_stages(record); path_.empty() || !are_same(stages, stages_)) {
        path_ = path_of(stages);
        stages_ = stages;
    }
    const int used = time_width + 1 + sender_width_ + 2 + ifname_width_ + 2 + entry_width_ + 1 + number_width_ + 3 +
                     number_width_ + 2 + outcome_width + 2 + duration_width + 2 +
                     (note.empty() ? 0 : size_of(note) + 2);
    paint(out, style_, Tone::dim, style_.terminal ? path_end(path_, style_.width - used) : path_);
}

void Lines::socket(fmt::memory_buffer& out, const sr_socket& record) {
    time_and_sender(out, time_of_day(record.create.start, realtime_offset_), sender(record.comm, record.pid));
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
    const std::string_view direction = frame.outgoing ? "out" : "in";
    time_and_sender(out, time_of_day(frame.realtime_ns, 0), {std::string(direction), size_of(direction)});
    const std::string name = printable(frame.interface->name, style_.utf8);
    growing_cell(out, name, columns(name), ifname_width_, widest_ifname);
    append_all(out, blanks(entry_width_, 0));
    number_cell(out, " ", view(fmt::format_int(frame.length)), number_width_);
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
