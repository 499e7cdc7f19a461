// What a timeline says of its slices and moments beside their names: the same in all formats.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/kernel_names.h"
#include "user/correlate/send.h"
#include "user/report/timeline_layout.h"

namespace sockray {

// Keys as in JSON Lines (docs/json.md); `send` and `socket` are the ids of these.
enum class NoteKey {
    send,
    socket,
    comm,
    entry,
    ifname,
    len,
    ret,
    err,
    outcome,
    reason,
    end_stage,
    qdisc,
    qdisc_len,
    driver,
    received,
    receiver_ino,
    also_received,
    freed,
    drop_reason,
    family,
    sock_type,
    protocol,
    evidence,
    note
};

inline constexpr std::array<std::string_view, 24> note_names = {
    "send",          "socket", "comm",        "entry",  "ifname",    "len",      "ret",      "errno",
    "outcome",       "reason", "end_stage",   "qdisc",  "qdisc_len", "driver",   "received", "receiver_ino",
    "also_received", "freed",  "drop_reason", "family", "sock_type", "protocol", "evidence", "note"};

constexpr std::string_view note_name(NoteKey key) {
    return note_names[static_cast<std::size_t>(key)];
}

struct Note {
    enum class Kind { number, integer, text };  // which of the values below holds
    NoteKey key;
    Kind kind = Kind::number;
    std::uint64_t number = 0;
    std::int64_t integer = 0;
    std::string text = {};  // printable
};

// Replaces what `notes` holds. What is known of the whole goes to its first event; an end has no notes.
void notes_of(std::vector<Note>& notes, const TimelineEvent& event, const Send& send, const KernelNames& names);
void notes_of(std::vector<Note>& notes, const TimelineEvent& event, const sr_socket& record, std::uint64_t id);

}  // namespace sockray
