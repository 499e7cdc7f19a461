#include "user/record/writer.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "user/base/clock.h"
#include "user/base/format.h"
#include "user/base/link_type.h"
#include "user/base/terminal.h"
#include "user/record/entry.h"
#include "user/record/layout.h"
#include "user/record/pcapng.h"

namespace sockray {
namespace {

// The kernel takes large pieces into large folios, which costs it less a byte, as long as they still are in the cache
// of the CPU when it copies them.
constexpr std::size_t large = std::size_t{512} << 10;
// What is compressed at once is one block of zstd's: of a block that is not whole nothing can be read.
constexpr std::size_t packed_at_once = std::size_t{128} << 10;
constexpr std::uint64_t second_ns = 1'000'000'000;

// One that may not be looked at is there.
bool has_directory(const std::string& path) {
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    std::error_code why;
    return directory.empty() || std::filesystem::status(directory, why).type() != std::filesystem::file_type::not_found;
}

}  // namespace

Result<std::unique_ptr<RecordingWriter>> RecordingWriter::create(const RecordingOptions& options) {
    const auto now = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / second_ns);
    FileNames names(options.path, options.rotation);
    const std::string name = options.path == "-" ? options.path : names.next(now);
    auto file = OutputFile::create(name, options.compress, options.stop_fd);
    if (!file) return tl::unexpected(file.error());
    return std::unique_ptr<RecordingWriter>(new RecordingWriter(options, std::move(names), std::move(*file)));
}

RecordingWriter::RecordingWriter(const RecordingOptions& options, FileNames names, OutputFile file)
    : options_(options), files_(std::move(names)), file_(std::move(file)) {}
RecordingWriter::~RecordingWriter() = default;

std::uint64_t RecordingWriter::realtime(std::uint64_t ns) const {
    return ns + static_cast<std::uint64_t>(origin_.realtime_offset_ns);
}

template <typename E>
void RecordingWriter::put(const E& entry) {
    entry_.assign(entry_magic);
    entry_.append(sizeof(std::uint32_t), '\0');
    put_entry(entry_, entry);
    const std::size_t head = entry_magic.size() + sizeof(std::uint32_t);
    const auto length = static_cast<std::uint32_t>(entry_.size() - head);
    std::memcpy(entry_.data() + entry_magic.size(), &length, sizeof length);
    pcapng::put_block(buffer_, entry_block, entry_);
}

void RecordingWriter::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    origin_ = origin;
    plan_ = &plan;
    names_ = &names;
    comments_.emplace(plan, names);
    written_out_ns_ = monotonic_ns();
    start_file();
}

void RecordingWriter::start_file() {
    file_began_ns_ = monotonic_ns();
    symbols_.clear();
    drop_reasons_.clear();
    interfaces_.clear();
    last_.interface.reset();
    last_tapped_.interface.reset();
    const std::string system = fmt::format("Linux {}", origin_.kernel);
    const std::string application = fmt::format("sockray {}", origin_.version);
    head_written_ = false;
    put_ = kept_ = {.files = 1};
    pcapng::put(head_, pcapng::Section{origin_.machine, system, application});
    put(OriginEntry{origin_, file_index_});
    for (const PlanLine& line : plan_->lines) put(line);
    if (described_) interface_of(*described_);
}

// Names are told before their first use, so that whoever reads needs nothing but the file.
void RecordingWriter::name_symbol(std::uint64_t address) {
    if (address && symbols_.insert(address).second) put(SymbolEntry{address, names_->symbol(address)});
}

void RecordingWriter::name_drop_reason(std::uint32_t number) {
    if (drop_reasons_.insert(number).second) put(DropReasonEntry{number, names_->drop_reason(number)});
}

std::uint32_t RecordingWriter::interface_of(const TapInterface& interface) {
    if (last_tapped_.interface && last_tapped_.tap == interface) return *last_tapped_.interface;
    const auto next = static_cast<std::uint32_t>(interfaces_.size());
    const auto [found, fresh] = interfaces_.try_emplace(
        std::tuple{interface.netns_ino, interface.ifindex, interface.name, interface.link_type}, next);
    if (fresh) {
        const std::string where = fmt::format(interface_words, interface.ifindex, interface.netns_ino);
        pcapng::put(head_written_ ? buffer_ : head_,
                    pcapng::Interface{interface.link_type, options_.snaplen, interface.name, where});
    }
    last_tapped_ = {interface, found->second};
    return found->second;
}

std::uint32_t RecordingWriter::interface_of(const Send& send) {
    const sr_send& record = send.record;
    if (last_.interface && last_.ifindex == record.ifindex && last_.netns_ino == record.netns_ino &&
        last_.dev_type == send.frame.dev_type && std::memcmp(last_.name.data(), record.ifname, SR_IFNAME_LEN) == 0)
        return *last_.interface;
    last_.ifindex = record.ifindex;
    last_.netns_ino = record.netns_ino;
    last_.dev_type = send.frame.dev_type;
    std::memcpy(last_.name.data(), record.ifname, SR_IFNAME_LEN);
    last_.interface =
        interface_of({record.ifname, record.ifindex, record.netns_ino, frame_link_type(send.frame.dev_type)});
    return *last_.interface;
}

// What has no frame stands among them as a line with a time (journal-export(5)).
void RecordingWriter::put_row(std::uint64_t ns, std::uint32_t pid, std::string_view fields) {
    pcapng::put_journal(buffer_, fmt::format("__REALTIME_TIMESTAMP={}\nSYSLOG_IDENTIFIER=sockray\n_PID={}\n{}\n",
                                             realtime(ns) / 1000, pid, fields));
}

void RecordingWriter::socket(const sr_socket& record, std::uint64_t id) {
    if (error_) return;
    for (const std::uint64_t address :
         {record.net_family, record.net_family_create, record.ops, record.ops_sendmsg, record.sk_destruct})
        name_symbol(address);
    put(SocketEntry{id, record});
    text_.clear();
    append_all(text_, "MESSAGE=");
    append_message(text_, record);
    put_row(record.create.start, record.pid, view(text_));
    mark(Part::socket);
    rotate_if_due();
}

void RecordingWriter::send(const Send& send) {
    told_.sends++;
    if (error_) return;
    const sr_send& record = send.record;
    for (const std::uint64_t address : {record.sendmsg_fn, record.drop_location, record.ndo_fn}) name_symbol(address);
    if (record.flags & SR_SEND_DROP) name_drop_reason(record.drop_reason);
    if (record.freed_reason) name_drop_reason(record.freed_reason);
    put(send);
    text_.clear();
    if (send.frame.length) {
        comments_->append(text_, send);
        pcapng::Packet packet;
        packet.interface = interface_of(send);
        packet.realtime_ns = realtime(send.frame.ns);
        packet.length = send.frame.length;
        packet.bytes = send.frame.bytes;
        packet.direction = pcapng::Direction::out;
        packet.id = send.id;
        packet.queue_plus_1 = record.tx_queue;
        packet.comment = view(text_);
        pcapng::put(buffer_, packet);
    } else {
        append_all(text_, "MESSAGE=");
        append_message(text_, send);
        append_all(text_, "\nSOCKRAY=");
        comments_->append(text_, send);
        put_row(begin_ns(record), record.pid, view(text_));
    }
    put_.sends++;
    mark(Part::send);
    rotate_if_due();
}

void RecordingWriter::frame(const TapFrame& frame) {
    told_.frames++;
    if (error_) return;
    pcapng::Packet packet;
    packet.interface = interface_of(*frame.interface);
    packet.realtime_ns = frame.realtime_ns;
    packet.length = frame.length;
    packet.bytes = frame.bytes;
    packet.direction = frame.outgoing ? pcapng::Direction::out : pcapng::Direction::in;
    pcapng::put(buffer_, packet);
    put_.frames++;
    mark(Part::frame);
    rotate_if_due();
}

void RecordingWriter::rotate_if_due() {
    // How far it can be compressed is only known when it has been: in a small file that is to be soon.
    const std::uint64_t bytes = options_.rotation.bytes;
    constexpr std::uint64_t small = 16384;
    const std::uint64_t most = options_.compress && bytes ? std::clamp(bytes / 16, small, std::uint64_t{large}) : large;
    if (buffer_.size() >= most) write_out();
    const std::uint64_t waiting = options_.compress ? 0 : head_.size() + buffer_.size();
    if (!error_ && bytes && file_.size() + waiting >= bytes) next_file();
}

void RecordingWriter::idle() {
    if (error_ || !plan_) return;
    const std::uint64_t now = monotonic_ns();
    if (now - written_out_ns_ >= second_ns) {
        if (head_written_ || put_.sends || file_index_ || described_)
            write_out();
        else
            notice_removal();
    }
    const std::uint64_t seconds = options_.rotation.seconds;
    if (!error_ && !full_ && seconds && now - file_began_ns_ >= seconds * second_ns) next_file();
}

void RecordingWriter::write_out() {
    written_out_ns_ = monotonic_ns();
    if (error_) return;
    if (!head_written_) {
        head_written_ = true;
        if (interfaces_.empty()) {
            interfaces_.emplace(std::tuple{0U, 0, std::string(), linktype_ethernet}, 0);
            pcapng::put(head_,
                        pcapng::Interface{linktype_ethernet, options_.snaplen, "none", "before the first frame"});
        }
        buffer_.insert(0, head_);
        for (Mark& mark : marks_) mark.end += static_cast<std::uint32_t>(head_.size());
        head_.clear();
    }
    for (std::size_t from = 0, to = 0; from < buffer_.size() && !error_; from = to) {
        to = piece_end(from);
        write_piece(from, to);
    }
    if (!error_) kept_ = put_;
    buffer_.clear();
    marks_.clear();
    notice_removal();
}

// Whoever goes on writing into a file that has no name any more would keep nothing.
void RecordingWriter::notice_removal() {
    written_out_ns_ = monotonic_ns();
    if (error_ || !file_.is_gone()) return;
    error_ = Error{ErrorKind::failed, fmt::format("{} was removed while it was written", printable(file_.path())), ""};
    gone_ = true;
    kept_ = {};
    (void)file_.finish();  // so that its room on the disk is free
}

std::size_t RecordingWriter::piece_end(std::size_t from) const {
    std::size_t end = buffer_.size();
    if (!options_.compress || end - from <= packed_at_once) return end;
    for (const Mark& mark : marks_) {
        if (mark.end <= from) continue;
        if (end != buffer_.size() && mark.end - from > packed_at_once) break;
        end = mark.end;
    }
    return end;
}

// Where that fails the file ends behind the last send or frame that is whole in it. kept_ has what was written out
// before buffer_.
void RecordingWriter::write_piece(std::size_t from, std::size_t to) {
    const Status written = file_.write(std::string_view(buffer_).substr(from, to - from));
    if (written) return;
    error_ = written.error();
    const std::size_t there = from + file_.readable();
    std::size_t whole = from;
    for (const Mark& mark : marks_) {
        if (mark.end > there) break;
        whole = std::max<std::size_t>(whole, mark.end);
        kept_.sends += mark.part == Part::send;
        kept_.frames += mark.part == Part::frame;
    }
    file_.cut(whole - from);
}

void RecordingWriter::next_file() {
    const Rotation& rotation = options_.rotation;
    if (rotation.files && !rotation.bytes && file_index_ + 1 >= rotation.files) {
        full_ = true;
        return;
    }
    put(PartEntry{++file_index_});
    write_out();
    if (error_) return;
    if (Status finished = file_.finish(); !finished) {
        error_ = finished.error();
        return;
    }
    leave_file();
    const std::string name = files_.next(static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / second_ns));
    if (rotation.is_ring() && ring_.size() >= rotation.files) {
        if (ring_.front().path != name) OutputFile::remove(ring_.front().path, ring_.front().id);
        removed_ += ring_.front().kept;
        ring_.pop_front();
    }
    auto file = OutputFile::create(name, options_.compress, options_.stop_fd);
    if (!file) {
        error_ = file.error();
        return;
    }
    file_ = std::move(*file);
    start_file();
}

void RecordingWriter::leave_file() {
    if (options_.rotation.is_ring())
        ring_.push_back({file_.path(), file_.id(), kept_});
    else
        earlier_ += kept_;
    kept_ = {};
}

Recorded RecordingWriter::recorded() const {
    if (gone_ && !has_directory(file_.path())) return {};
    Recorded all = earlier_;
    for (const Earlier& file : ring_) all += file.kept;
    return all += kept_;
}

void RecordingWriter::complete(Ending& ending) {
    if (!error_) put_end(ending);
    if (error_) ending.cut_short = cut_short();
}

CutShort RecordingWriter::cut_short() const {
    const Recorded kept = recorded();
    return {{kept.sends, told_.sends - kept.sends - removed_.sends, removed_.sends},
            {kept.frames, told_.frames - kept.frames - removed_.frames, removed_.frames},
            error_->what};
}

void RecordingWriter::put_end(const Ending& ending) {
    put(ending);
    if (ending.capture) {
        const CaptureLedger& capture = *ending.capture;
        pcapng::put(buffer_, pcapng::Statistics{interface_of(capture.interface), realtime(ending.end_ns), capture.seen,
                                                capture.dropped});
    }
    write_out();
    if (error_) return;
    if (Status finished = file_.finish(); !finished) error_ = finished.error();
}

}  // namespace sockray
