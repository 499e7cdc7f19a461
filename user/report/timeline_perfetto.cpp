#include "user/report/timeline_perfetto.h"

#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_writer.hpp>
#include <string_view>

#include "user/base/terminal.h"

namespace sockray {

namespace {

// Field numbers of perfetto's protos/perfetto/trace: trace.proto and trace_packet.proto, clock_snapshot.proto,
// track_event/*.proto, interned_data/interned_data.proto.
enum class Trace : protozero::pbf_tag_type { packet = 1 };
enum class Packet : protozero::pbf_tag_type {
    clock_snapshot = 6,
    timestamp = 8,
    trusted_packet_sequence_id = 10,
    track_event = 11,
    interned_data = 12,
    sequence_flags = 13,
    timestamp_clock_id = 58,
    track_descriptor = 60
};
enum class ClockSnapshot : protozero::pbf_tag_type { clocks = 1, primary_trace_clock = 2 };
enum class Clock : protozero::pbf_tag_type { clock_id = 1, timestamp = 2 };
enum class Interned : protozero::pbf_tag_type { event_categories = 1, event_names = 2, debug_annotation_names = 3 };
enum class InternedName : protozero::pbf_tag_type { iid = 1, name = 2 };
enum class Track : protozero::pbf_tag_type { uuid = 1, name = 2, process = 3, thread = 4, parent_uuid = 5 };
enum class Process : protozero::pbf_tag_type { pid = 1, name = 6 };
enum class Thread : protozero::pbf_tag_type { pid = 1, tid = 2, name = 5 };
enum class Event : protozero::pbf_tag_type {
    category_iids = 3,
    debug_annotations = 4,
    type = 9,
    name_iid = 10,
    track_uuid = 11,
    flow_ids = 47
};
enum class Annotation : protozero::pbf_tag_type { name_iid = 1, uint_value = 3, int_value = 4, string_value = 6 };

constexpr std::uint32_t clock_realtime = 1;
constexpr std::uint32_t clock_monotonic = 3;
constexpr std::uint32_t state_cleared = 1;  // TracePacket.SequenceFlags
constexpr std::uint32_t needs_state = 2;
constexpr std::uint32_t sequence = 1;  // all packets are of one writer

constexpr std::uint64_t category_send = 1;
constexpr std::uint64_t category_socket = 2;

// What a name that is used often is known by; 0 is none.
std::uint64_t iid_of(Stage stage) {
    return static_cast<std::uint64_t>(stage) + 1;
}
std::uint64_t iid_of(NoteKey key) {
    return static_cast<std::uint64_t>(key) + 1;
}

std::int32_t type_of(TimelineEvent::Kind kind) {
    switch (kind) {
        case TimelineEvent::Kind::begin: return 1;
        case TimelineEvent::Kind::end: return 2;
        case TimelineEvent::Kind::moment: return 3;
    }
    return 3;
}

using PacketBuilder = protozero::pbf_builder<Packet>;

void add_clock(protozero::pbf_builder<ClockSnapshot>& snapshot, std::uint32_t id, std::uint64_t ns) {
    protozero::pbf_builder<Clock> clock(snapshot, ClockSnapshot::clocks);
    clock.add_uint32(Clock::clock_id, id);
    clock.add_uint64(Clock::timestamp, ns);
}

void add_name(protozero::pbf_builder<Interned>& interned, Interned kind, std::uint64_t iid, std::string_view name) {
    protozero::pbf_builder<InternedName> entry(interned, kind);
    entry.add_uint64(InternedName::iid, iid);
    entry.add_string(InternedName::name, name.data(), name.size());
}

void add_note(protozero::pbf_builder<Event>& event, const Note& note) {
    protozero::pbf_builder<Annotation> annotation(event, Event::debug_annotations);
    annotation.add_uint64(Annotation::name_iid, iid_of(note.key));
    switch (note.kind) {
        case Note::Kind::number: annotation.add_uint64(Annotation::uint_value, note.number); break;
        case Note::Kind::integer: annotation.add_int64(Annotation::int_value, note.integer); break;
        case Note::Kind::text: annotation.add_string(Annotation::string_value, note.text); break;
    }
}

}  // namespace

void PerfettoTimeline::put_packet() {
    std::string head;
    protozero::pbf_builder<Trace> trace(head);
    trace.add_message(Trace::packet, packet_);
    out_.append(head);
    packet_.clear();
}

void PerfettoTimeline::put_clocks(const Origin& origin) {
    {
        PacketBuilder packet(packet_);
        packet.add_uint32(Packet::trusted_packet_sequence_id, sequence);
        protozero::pbf_builder<ClockSnapshot> snapshot(packet, Packet::clock_snapshot);
        add_clock(snapshot, clock_monotonic, origin.start_ns);
        add_clock(snapshot, clock_realtime, origin.start_ns + static_cast<std::uint64_t>(origin.realtime_offset_ns));
        snapshot.add_uint32(ClockSnapshot::primary_trace_clock, clock_monotonic);
    }
    put_packet();
}

void PerfettoTimeline::put_names() {
    {
        PacketBuilder packet(packet_);
        packet.add_uint32(Packet::trusted_packet_sequence_id, sequence);
        packet.add_uint32(Packet::sequence_flags, state_cleared);
        protozero::pbf_builder<Interned> interned(packet, Packet::interned_data);
        add_name(interned, Interned::event_categories, category_send, "send");
        add_name(interned, Interned::event_categories, category_socket, "socket");
        add_name(interned, Interned::event_names, iid_of(Stage::none), event_name({}));
        for (const StageInfo& info : all_stages)
            add_name(interned, Interned::event_names, iid_of(info.stage), info.name);
        for (std::size_t key = 0; key < note_names.size(); key++)
            add_name(interned, Interned::debug_annotation_names, iid_of(static_cast<NoteKey>(key)), note_names[key]);
    }
    put_packet();
}

void PerfettoTimeline::put_tracks() {
    for (const TimelineTrack& track : layout_.new_tracks()) {
        {
            PacketBuilder packet(packet_);
            packet.add_uint32(Packet::trusted_packet_sequence_id, sequence);
            protozero::pbf_builder<Track> descriptor(packet, Packet::track_descriptor);
            descriptor.add_uint64(Track::uuid, track.id);
            if (track.outer) descriptor.add_uint64(Track::parent_uuid, track.outer);
            if (track.kind == TimelineTrack::Kind::process && track.pid) {
                protozero::pbf_builder<Process> process(descriptor, Track::process);
                process.add_int32(Process::pid, static_cast<std::int32_t>(track.pid));
                process.add_string(Process::name, track.name);
            } else if (track.kind == TimelineTrack::Kind::thread && track.pid) {
                protozero::pbf_builder<Thread> thread(descriptor, Track::thread);
                thread.add_int32(Thread::pid, static_cast<std::int32_t>(track.pid));
                thread.add_int32(Thread::tid, static_cast<std::int32_t>(track.tid));
                thread.add_string(Thread::name, track.name);
            } else {
                descriptor.add_string(Track::name, track.name);
            }
        }
        put_packet();
    }
}

void PerfettoTimeline::put_event(const TimelineEvent& event, std::uint64_t category, std::uint64_t flow) {
    {
        PacketBuilder packet(packet_);
        packet.add_uint64(Packet::timestamp, event.ns);
        packet.add_uint32(Packet::timestamp_clock_id, clock_monotonic);
        packet.add_uint32(Packet::trusted_packet_sequence_id, sequence);
        packet.add_uint32(Packet::sequence_flags, needs_state);
        protozero::pbf_builder<Event> to(packet, Packet::track_event);
        to.add_enum(Event::type, type_of(event.kind));
        to.add_uint64(Event::track_uuid, event.track);
        if (event.kind != TimelineEvent::Kind::end) {
            to.add_uint64(Event::category_iids, category);
            to.add_uint64(Event::name_iid, iid_of(event.stage));
            if (flow) to.add_fixed64(Event::flow_ids, flow);
            for (const Note& note : notes_) add_note(to, note);
        }
    }
    put_packet();
}

void PerfettoTimeline::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    plan_ = &plan;
    names_ = &names;
    put_clocks(origin);
    put_names();
}

void PerfettoTimeline::socket(const sr_socket& record, std::uint64_t id) {
    const auto events = layout_.add(record, *plan_);
    put_tracks();
    for (const TimelineEvent& event : events) {
        notes_of(notes_, event, record, id);
        put_event(event, category_socket, 0);
    }
}

void PerfettoTimeline::send(const Send& send) {
    const auto events = layout_.add(send, *plan_);
    put_tracks();
    for (const TimelineEvent& event : events) {
        notes_of(notes_, event, send, *names_);
        put_event(event, category_send, event.joined ? send.id : 0);
    }
}

}  // namespace sockray
