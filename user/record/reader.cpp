#include "user/record/reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/correlate/path.h"
#include "user/record/entry.h"
#include "user/record/input_file.h"
#include "user/record/layout.h"
#include "user/record/limits.h"
#include "user/record/pcapng.h"
#include "user/record/recorded_names.h"
#include "user/record/syscalls.h"

namespace sockray {
namespace {

// The entry in a block's body; empty where the block is somebody else's.
std::optional<std::string_view> entry_bytes(std::string_view body, bool swapped) {
    std::uint32_t length = 0;
    const std::size_t head = entry_magic.size() + sizeof length;
    if (body.size() < head || !body.starts_with(entry_magic)) return std::nullopt;
    std::memcpy(&length, body.data() + entry_magic.size(), sizeof length);
    if (swapped) length = __builtin_bswap32(length);
    if (length > body.size() - head) return std::nullopt;
    return body.substr(head, length);
}

class Replay {
  public:
    explicit Replay(std::span<Sink* const> sinks) : sinks_(sinks) {}

    Status read(RecordingFiles::File from);
    void finish();
    bool has_origin() const { return origin_.has_value(); }
    bool has_packets() const { return packets_; }
    bool has_bytes() const { return has_bytes_; }
    std::uint64_t names_left_out() const { return names_.left_out(); }
    std::string_view first_wrong() const { return first_wrong_; }
    std::uint64_t notes_left_out() const { return notes_left_out_; }
    ReadNotes notes;

  private:
    MissingFiles missing_files() const;
    Status take_entry(const std::string& path);
    Status take(OriginEntry&& entry, const std::string& path);
    void take(Send& send);
    void note_missing_end();
    void take_block(const pcapng::Block& block, bool swapped);
    void take_packet(std::string_view body, bool swapped);
    void begin();
    void note_bad_entry(std::string_view wrong) {
        if (notes.bad_entries++ == 0) first_wrong_ = wrong;
    }
    void note(const std::string& path, std::string_view what) {
        if (notes.words.size() < limits::notes)
            notes.words.push_back(fmt::format("{}: {}", printable(path), what));
        else
            notes_left_out_++;
    }

    std::span<Sink* const> sinks_;
    Entry entry_;  // the last one that was read
    std::optional<Origin> origin_;
    bool own_syscalls_ = false;  // the origin's machine is of this machine's kind
    std::uint32_t next_file_ = 0;
    std::set<std::uint32_t> files_;              // that were read, by their numbers
    std::optional<std::uint32_t> goes_on_with_;  // the highest number that a file says follows it
    bool part_known_ = false;                    // of the file that is read
    std::string last_path_;
    bool cut_said_ = false;  // why the last file has no end is noted
    Plan plan_;
    RecordedNames names_;
    bool begun_ = false;
    std::optional<Ending> ending_;
    Ledger counted_;
    CaptureLedger captured_;
    std::vector<TapInterface> interfaces_;  // of this section
    bool packets_ = false;                  // a frame was read, whoever wrote it
    bool has_bytes_ = false;                // not all files were empty
    bool behind_send_ = false;              // the next packet is the frame of a send that was told
    bool send_was_tapped_ = false;
    std::uint64_t last_ns_ = 0;
    std::string_view first_wrong_;  // what makes no sense in the first of the bad entries
    std::uint64_t notes_left_out_ = 0;
};

Status Replay::take(OriginEntry&& entry, const std::string& path) {
    if (!origin_) {
        origin_ = std::move(entry.origin);
        own_syscalls_ = has_own_syscalls(origin_->machine);
        if (entry.file) note(path, fmt::format("is file {} of its session: what came before is not here", entry.file));
    } else if (entry.origin.start_ns != origin_->start_ns || entry.origin.host != origin_->host) {
        return fail(fmt::format("{} is of another session than the files before it", printable(path)),
                    "give the files of one session in their order");
    } else if (entry.file != next_file_) {
        note(path, fmt::format("is file {} of its session where file {} was expected", entry.file, next_file_));
    }
    if (files_.size() >= limits::files)
        return fail(
            fmt::format("{} makes no sense: it says it is of more files than a session can have", printable(path)));
    const bool fresh = files_.insert(entry.file).second;
    if (!std::exchange(part_known_, true) && !fresh)
        return usage(fmt::format("{} is file {} of its session, which was read already: it would count twice",
                                 printable(path), entry.file),
                     "give each file of the session once, in their order");
    next_file_ = entry.file + 1;
    return {};
}

void Replay::begin() {
    if (begun_ || !origin_) return;
    begun_ = true;
    for (Sink* sink : sinks_) sink->begin(*origin_, plan_, names_);
}

void Replay::take(Send& send) {
    begin();
    behind_send_ = true;
    send_was_tapped_ = send.tapped != 0;
    captured_.seen += send.tapped;
    captured_.sent += send.tapped;
    counted_.decoded++;
    counted_.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
    counted_.add_partial(send.record);
    if (!own_syscalls_) send.record.syscall = own_syscall(send.record.syscall, origin_->machine);
    last_ns_ = std::max<std::uint64_t>(last_ns_, send.record.span[SR_SLOT_SENDMSG].start);
    for (Sink* sink : sinks_) sink->send(send);
}

// What stands in entry_.
Status Replay::take_entry(const std::string& path) {
    if (auto* origin = std::get_if<OriginEntry>(&entry_)) return take(std::move(*origin), path);
    behind_send_ = false;
    if (!origin_) {
        note_bad_entry("it stands before the begin of its session");
        return {};
    }
    if (auto* send = std::get_if<Send>(&entry_)) {
        take(*send);
    } else if (auto* line = std::get_if<PlanLine>(&entry_)) {
        if (!begun_ && line->stage != Stage::none && !plan_.find(line->stage)) plan_.lines.push_back(std::move(*line));
    } else if (auto* symbol = std::get_if<SymbolEntry>(&entry_)) {
        names_.add(*symbol);
    } else if (auto* reason = std::get_if<DropReasonEntry>(&entry_)) {
        names_.add(*reason);
    } else if (auto* socket = std::get_if<SocketEntry>(&entry_)) {
        begin();
        counted_.sockets_decoded++;
        for (Sink* sink : sinks_) sink->socket(socket->record, socket->id);
    } else if (auto* ending = std::get_if<Ending>(&entry_)) {
        ending_ = std::move(*ending);
    } else if (const auto* part = std::get_if<PartEntry>(&entry_)) {
        goes_on_with_ = std::max(goes_on_with_.value_or(0), part->file);
    } else if (std::holds_alternative<UnknownEntry>(entry_)) {
        notes.unknown_entries++;
    }
    return {};
}

// The words of others in a file whose entries are ours: frames that were captured, and the interfaces they are of.
void Replay::take_block(const pcapng::Block& block, bool swapped) {
    if (block.type == pcapng::section_header) {
        interfaces_.clear();
    } else if (block.type == pcapng::interface_description) {
        const auto described = pcapng::parse_interface(block.body, swapped);
        if (!described || interfaces_.size() >= limits::interfaces) return;
        TapInterface& interface = interfaces_.emplace_back();
        interface.name = described->name.substr(0, limits::ifname_bytes);
        interface.link_type = described->link_type;
        (void)std::sscanf(std::string(described->description).c_str(), interface_scan, &interface.ifindex,
                          &interface.netns_ino);
    } else if (block.type == pcapng::enhanced_packet) {
        packets_ = true;
        if (!behind_send_)
            take_packet(block.body, swapped);
        else if (!send_was_tapped_)
            captured_.untapped++;
        behind_send_ = false;
    } else if (block.type == pcapng::journal_export) {
        behind_send_ = false;
    }
}

void Replay::take_packet(std::string_view body, bool swapped) {
    const auto packet = pcapng::parse_packet(body, swapped);
    if (!origin_ || !packet || packet->interface >= interfaces_.size()) return;
    begin();
    const bool outgoing = packet->direction == pcapng::Direction::out;
    captured_.interface = interfaces_[packet->interface];
    captured_.seen++;
    (outgoing ? captured_.sent : captured_.received)++;
    const auto offset = static_cast<std::uint64_t>(origin_->realtime_offset_ns);
    last_ns_ = std::max<std::uint64_t>(last_ns_, packet->realtime_ns - offset);
    const TapFrame frame{&interfaces_[packet->interface], packet->bytes, packet->length, packet->realtime_ns, outgoing};
    for (Sink* sink : sinks_) sink->frame(frame);
}

Status Replay::read(RecordingFiles::File from) {
    const std::string& path = from.path;
    last_path_ = path;
    cut_said_ = part_known_ = false;
    auto file = InputFile::begin(std::move(from.fd), path);
    if (!file) return tl::unexpected(file.error());
    bool swapped = false;
    bool in_section = false;
    std::size_t need = 12;
    for (;;) {
        const auto bytes = file->peek(need);
        if (!bytes) return fail(fmt::format("cannot read {}: {}", printable(path), bytes.error().what));
        if (bytes->empty() && !in_section && file->damage().empty())
            note(path, "is empty: nothing was recorded into it");
        if (bytes->empty()) break;
        has_bytes_ = true;
        const auto block = pcapng::take_block(*bytes, swapped);
        if (!block && block.error().damage.empty() && bytes->size() >= need) {
            need = block.error().need;
            continue;
        }
        if (!in_section && !block && block.error().damage.empty() && pcapng::is_section_start(*bytes)) {
            cut_said_ = true;
            note(path, "was cut off within its first block: nothing in it can be read");
            break;
        }
        if (!in_section && (!block || block->type != pcapng::section_header))
            return fail(fmt::format("{} is no recording: it does not begin as a pcapng file does", printable(path)));
        if (!block) {
            cut_said_ = true;
            note(path, block.error().damage.empty()
                           ? fmt::format("was cut off: its last {} no whole block",
                                         count_of(bytes->size(), "byte is", "bytes are"))
                           : fmt::format("ends for us in damage: {}; what follows is not read", block.error().damage));
            break;
        }
        in_section = true;
        if (block->type == entry_block) {
            if (const auto inner = entry_bytes(block->body, swapped)) {
                if (const std::string_view wrong = parse_entry(*inner, entry_); !wrong.empty())
                    note_bad_entry(wrong);
                else if (Status taken = take_entry(path); !taken)
                    return taken;
                notes.entries++;
            }
        } else {
            take_block(*block, swapped);
        }
        file->skip(pcapng::block_length(*block));
        need = 12;
    }
    if (!file->damage().empty()) {
        cut_said_ = true;
        note(path, fmt::format("ends for us in {}", file->damage()));
    }
    return {};
}

void Replay::note_missing_end() {
    if (missing_files().rest)
        note(last_path_,
             fmt::format("goes on in file {} of its session, which was not given (-C, -G): name all, in their order",
                         next_file_));
    else if (!cut_said_)
        note(last_path_, "was cut off: the end of its session is not here");
}

MissingFiles Replay::missing_files() const {
    MissingFiles missing;
    if (files_.empty()) return missing;
    missing.before = *files_.begin();
    missing.between = *files_.rbegin() - missing.before + 1 - files_.size();
    missing.rest = goes_on_with_ && *goes_on_with_ > *files_.rbegin();
    return missing;
}

void Replay::finish() {
    begin();
    if (!ending_) {
        note_missing_end();
        ending_.emplace();
        ending_->cut_off = true;
        ending_->end_ns = last_ns_;
        counted_.shown = counted_.decoded;
        counted_.sends.seen = counted_.sends.emitted = counted_.decoded;
        counted_.sockets.seen = counted_.sockets.emitted = counted_.sockets_decoded;
        ending_->ledger = counted_;
        if (captured_.seen || (origin_ && origin_->stages == 0)) ending_->capture = captured_;
    }
    ending_->missing = missing_files();
    const Ledger& ledger = ending_->ledger;
    // A capture ends with -c, though more sends were decoded by then.
    const std::uint64_t recorded = ending_->capture ? ledger.shown : ledger.selected();
    if (ledger.left_out)
        notes.words.push_back(
            fmt::format("of the session's {} {} were recorded, as --outcome asked: the ledger is of all, the rest "
                        "of these alone",
                        count_of(ledger.decoded, "send"), recorded));
    if (recorded != counted_.decoded)
        notes.words.push_back(fmt::format("of the session's {} {} are in what was read: sums of both kinds differ",
                                          count_of(recorded, "send"), counted_.decoded));
    if (ending_->capture && ending_->capture->told() != captured_.told())
        notes.words.push_back(fmt::format("of the session's {} {} are in what was read: sums of both kinds differ",
                                          count_of(ending_->capture->told(), "captured frame"), captured_.told()));
    for (Sink* sink : sinks_) sink->end(*ending_);
}

}  // namespace

bool RecordingFiles::contain(int fd) const {
    struct stat written {};
    struct stat read {};
    if (::fstat(fd, &written) != 0) return false;
    return std::ranges::any_of(files, [&](const File& file) {
        return ::fstat(file.fd.get(), &read) == 0 && read.st_dev == written.st_dev && read.st_ino == written.st_ino;
    });
}

Result<RecordingFiles> open_recording(std::span<const std::string> paths) {
    RecordingFiles recording;
    for (const std::string& path : paths) {
        // Most likely a variable that a script forgot to set.
        if (path.empty()) return usage("the name of a recording is needed, not an empty text");
        auto fd = open_input(path);
        if (!fd) return tl::unexpected(fd.error());
        if (recording.contain(fd->get()))
            return usage(fmt::format("{} is given twice: what is in it would count twice", printable(path)),
                         "give each file of the session once, in their order");
        recording.files.push_back({path, std::move(*fd)});
    }
    return recording;
}

Result<ReadNotes> replay(RecordingFiles recording, std::span<Sink* const> sinks) {
    Replay replay(sinks);
    const std::string first = recording.files.empty() ? "" : printable(recording.files.front().path);
    for (RecordingFiles::File& file : recording.files)
        if (Status read = replay.read(std::move(file)); !read) return tl::unexpected(read.error());
    if (!replay.has_bytes() && !replay.notes.words.empty())
        return fail(replay.notes.words.front(), "a recording is made with -w FILE, by run, trace or capture");
    if (replay.notes.entries == 0 && !replay.notes.words.empty())
        return fail(replay.notes.words.front(), "there are no records of sockray's before that");
    if (replay.notes.entries == 0 && !replay.has_packets())
        return fail(
            fmt::format("{} ends before its first record: it was cut off, and is too short to tell whose it is", first),
            "copy it again, whole");
    if (replay.notes.entries == 0)
        return fail(fmt::format("{} holds no records of sockray's", first),
                    "it is a capture of another program, or one that took them out (editcap does); record with -w");
    if (!replay.has_origin())
        return fail(fmt::format("{} does not say where it was recorded: the begin of the session is missing", first),
                    "of a session in several files (-C, -G) name all of them, in their order");
    replay.finish();
    ReadNotes notes = std::move(replay.notes);
    if (replay.notes_left_out())
        notes.words.push_back(fmt::format("{} left out", count_of(replay.notes_left_out(), "further line like these is",
                                                                  "further lines like these are")));
    if (notes.bad_entries)
        notes.words.push_back(
            fmt::format("{} left out ({}{})",
                        count_of(notes.bad_entries, "entry that makes no sense is", "entries that make no sense are"),
                        notes.bad_entries > 1 ? "the first: " : "", replay.first_wrong()));
    if (replay.names_left_out())
        notes.words.push_back(fmt::format("{} left out: no session has so many",
                                          count_of(replay.names_left_out(), "name of a function or drop reason is",
                                                   "names of functions and drop reasons are")));
    if (notes.unknown_entries)
        notes.words.push_back(fmt::format("{} of a kind that only a later sockray knows",
                                          count_of(notes.unknown_entries, "entry is", "entries are")));
    return notes;
}

}  // namespace sockray
