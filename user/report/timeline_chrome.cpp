#include "user/report/timeline_chrome.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "user/base/json.h"

namespace sockray {

namespace {

using Kind = TimelineEvent::Kind;

constexpr std::uint32_t no_thread = 4'194'304;  // linux/threads.h: PID_MAX_LIMIT

void append_us(fmt::memory_buffer& out, std::uint64_t ns, std::uint64_t start_ns) {
    const bool is_before = ns < start_ns;
    const std::uint64_t distance = is_before ? start_ns - ns : ns - start_ns;
    fmt::format_to(std::back_inserter(out), "{}{}.{:03}", is_before ? "-" : "", distance / 1000, distance % 1000);
}

}  // namespace

void ChromeTimeline::open_event(char phase, const TimelineEvent& event, std::string_view category,
                                std::string_view name) {
    const Place place = places_[event.track];
    fmt::format_to(std::back_inserter(out_), R"({}{{"ph":"{}","pid":{},"tid":{},"cat":"{}","name":"{}","ts":)",
                   is_first_ ? "\n" : ",\n", phase, place.pid, place.tid, category, name);
    is_first_ = false;
    append_us(out_, event.ns, start_ns_);
}

void ChromeTimeline::put_notes() {
    const char* comma = "";
    fmt::format_to(std::back_inserter(out_), R"(,"args":{{)");
    for (const Note& note : notes_) {
        fmt::format_to(std::back_inserter(out_), R"({}"{}":)", std::exchange(comma, ","), note_name(note.key));
        switch (note.kind) {
            case Note::Kind::number: fmt::format_to(std::back_inserter(out_), "{}", note.number); break;
            case Note::Kind::integer: fmt::format_to(std::back_inserter(out_), "{}", note.integer); break;
            case Note::Kind::text: append_json_printable(out_, note.text); break;
        }
    }
    out_.push_back('}');
}

void ChromeTimeline::put_flow(char phase, const TimelineEvent& event, std::uint64_t id) {
    open_event(phase, event, "frame", "frame");
    fmt::format_to(std::back_inserter(out_), R"(,"id":{}{}}})", id, phase == 's' ? "" : R"(,"bp":"e")");
}

void ChromeTimeline::put_begin(const TimelineEvent& event, std::string_view category) {
    open_event('B', event, category, event_name(event));
    const std::size_t from = out_.size();
    put_notes();
    open_notes_.emplace_back(out_.data() + from, out_.size() - from);
    out_.push_back('}');
}

void ChromeTimeline::put_end(const TimelineEvent& event, std::string_view category) {
    open_event('E', event, category, event_name(event));
    out_.append(open_notes_.back());
    open_notes_.pop_back();
    out_.push_back('}');
}

void ChromeTimeline::put_moment(const TimelineEvent& event, std::string_view category) {
    open_event('i', event, category, event_name(event));
    fmt::format_to(std::back_inserter(out_), R"(,"s":"t")");
    put_notes();
    out_.push_back('}');
}

void ChromeTimeline::put_name(std::string_view what, Place place, std::string_view name) {
    fmt::format_to(std::back_inserter(out_), R"({}{{"ph":"M","pid":{},"tid":{},"ts":0,"name":"{}","args":{{"name":)",
                   is_first_ ? "\n" : ",\n", place.pid, place.tid, what);
    is_first_ = false;
    append_json_printable(out_, name);
    out_.append(std::string_view("}}"));
}

void ChromeTimeline::put_tracks() {
    const auto number = [](std::uint32_t known, std::uint32_t id) {
        return known && known < no_thread ? known : no_thread + id;
    };
    for (const TimelineTrack& track : layout_.new_tracks()) {
        const std::uint32_t other = no_thread + track.id;
        Place place{places_[track.outer].pid, other};
        if (track.kind == TimelineTrack::Kind::process)
            place.pid = place.tid = number(track.pid, track.id);
        else if (track.kind == TimelineTrack::Kind::thread)
            place.tid = number(track.tid, track.id);
        else if (track.kind == TimelineTrack::Kind::device)
            place.pid = other;
        places_[track.id] = place;
        if (track.kind == TimelineTrack::Kind::process || track.kind == TimelineTrack::Kind::device)
            put_name("process_name", place, track.name);
        if (track.kind != TimelineTrack::Kind::process) put_name("thread_name", place, track.name);
    }
}

void ChromeTimeline::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    plan_ = &plan;
    names_ = &names;
    start_ns_ = origin.start_ns;
    fmt::format_to(std::back_inserter(out_), R"({{"displayTimeUnit":"ns","otherData":{{"version":)");
    append_json_string(out_, origin.version);
    fmt::format_to(std::back_inserter(out_), R"(,"host":)");
    append_json_string(out_, origin.host);
    fmt::format_to(std::back_inserter(out_), R"(,"kernel":)");
    append_json_string(out_, origin.kernel);
    // As text: a double does not hold them.
    fmt::format_to(std::back_inserter(out_), R"(,"start_ns":"{}","realtime_offset_ns":"{}"}},"traceEvents":[)",
                   origin.start_ns, origin.realtime_offset_ns);
}

void ChromeTimeline::socket(const sr_socket& record, std::uint64_t id) {
    const auto events = layout_.add(record, *plan_);
    put_tracks();
    for (const TimelineEvent& event : events) {
        notes_of(notes_, event, record, id);
        switch (event.kind) {
            case Kind::begin: put_begin(event, "socket"); break;
            case Kind::end: put_end(event, "socket"); break;
            case Kind::moment: put_moment(event, "socket"); break;
        }
    }
}

void ChromeTimeline::send(const Send& send) {
    const auto events = layout_.add(send, *plan_);
    put_tracks();
    const auto joined =
        std::count_if(events.begin(), events.end(), [](const TimelineEvent& event) { return event.joined; });
    std::ptrdiff_t flows = 0;
    for (const TimelineEvent& event : events) {
        notes_of(notes_, event, send, *names_);
        if (event.kind == Kind::end) {
            put_end(event, "send");
            continue;
        }
        if (event.kind == Kind::moment && !event.joined) {
            put_moment(event, "send");
            continue;
        }
        put_begin(event, "send");
        if (event.joined && joined > 1) {
            flows++;
            put_flow(flows == 1 ? 's' : flows < joined ? 't' : 'f', event, send.id);
        }
        if (event.kind == Kind::moment) put_end(event, "send");
    }
}

void ChromeTimeline::end(const Ending&) {
    out_.append(std::string_view("\n]}\n"));
}

}  // namespace sockray
