#include "user/report/timeline_notes.h"

#include <arpa/inet.h>

#include "user/base/terminal.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"

namespace sockray {

namespace {

class Notes {
  public:
    explicit Notes(std::vector<Note>& notes) : notes_(notes) { notes_.clear(); }

    void text(NoteKey key, std::string_view value) {
        if (!value.empty()) notes_.push_back({key, Note::Kind::text, 0, 0, printable(value)});
    }
    void number(NoteKey key, std::uint64_t value) { notes_.push_back({key, Note::Kind::number, value}); }
    void integer(NoteKey key, std::int64_t value) { notes_.push_back({key, Note::Kind::integer, 0, value}); }

    void of_event(const TimelineEvent& event) {
        text(NoteKey::evidence, evidence_name(event.evidence));
        text(NoteKey::note, event.note);
    }

  private:
    std::vector<Note>& notes_;
};

void add_send(Notes& notes, const Send& send) {
    const sr_send& record = send.record;
    notes.text(NoteKey::comm, record.comm);
    notes.text(NoteKey::entry, entry_name(record));
    notes.text(NoteKey::ifname, record.ifname);
    notes.number(NoteKey::len, record.len);
    if (record.flags & SR_SEND_RETURNED) {
        const int err = errno_of(record);
        notes.integer(NoteKey::ret, err ? -1 : record.ret);
        if (err) notes.text(NoteKey::err, errno_name(err));
    }
    notes.text(NoteKey::outcome, outcome_name(send.outcome));
    notes.text(NoteKey::reason, send.reason);
    if (send.end_stage != Stage::none) notes.text(NoteKey::end_stage, stage_name(send.end_stage));
    if (record.qdisc[0]) {
        notes.text(NoteKey::qdisc, record.qdisc);
        notes.number(NoteKey::qdisc_len, record.qdisc_len);
    }
}

void add_frame(Notes& notes, Stage stage, const Send& send, const KernelNames& names) {
    const sr_send& record = send.record;
    switch (stage) {
        case Stage::none: notes.text(NoteKey::drop_reason, names.drop_reason(record.drop_reason)); break;
        case Stage::ndo:
            if (record.ndo_fn) notes.text(NoteKey::driver, names.symbol(record.ndo_fn));
            break;
        case Stage::packet_rcv:
        case Stage::tpacket_rcv:
            notes.text(NoteKey::received, received_name(record.received));
            notes.number(NoteKey::receiver_ino, record.received_ino);
            notes.text(NoteKey::also_received, list_receivers(send, 1, SR_RECEIVERS_MOST));
            break;
        case Stage::freed:
            notes.text(NoteKey::freed, record.freed_reason ? names.drop_reason(record.freed_reason) : "consumed");
            break;
        default: break;
    }
}

}  // namespace

void notes_of(std::vector<Note>& notes, const TimelineEvent& event, const Send& send, const KernelNames& names) {
    Notes to(notes);
    if (event.kind == TimelineEvent::Kind::end) return;
    if (event.first || event.joined) to.number(NoteKey::send, send.id);
    if (event.first) add_send(to, send);
    add_frame(to, event.stage, send, names);
    to.of_event(event);
}

void notes_of(std::vector<Note>& notes, const TimelineEvent& event, const sr_socket& record, std::uint64_t id) {
    Notes to(notes);
    if (event.kind == TimelineEvent::Kind::end) return;
    if (event.first) {
        to.number(NoteKey::socket, id);
        to.text(NoteKey::comm, record.comm);
        to.integer(NoteKey::family, record.family);
        to.integer(NoteKey::sock_type, record.sock_type);
        to.number(NoteKey::protocol, ntohs(static_cast<std::uint16_t>(record.protocol)));
        const int err = errno_of(record);
        to.integer(NoteKey::ret, err ? -1 : record.ret);
        if (err) to.text(NoteKey::err, errno_name(err));
    }
    to.of_event(event);
}

}  // namespace sockray
