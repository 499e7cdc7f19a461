#include "user/drive/capture_file.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "user/base/confined.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/base/write_all.h"
#include "user/drive/interface.h"

namespace sockray {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t latest_ns = std::uint64_t{1} << 62;  // 146 years

struct Frame {
    std::size_t offset;  // into the bytes of all frames
    std::size_t size;
    std::uint64_t due_ns;  // from the first frame
};

// All frames of a file.
struct Frames {
    std::vector<Frame> frames;
    std::vector<std::uint8_t> bytes;
    std::uint64_t cut = 0;
};

class CapturedFrames final : public FrameSource {
  public:
    CapturedFrames(std::vector<Frame> frames, std::vector<std::uint8_t> bytes)
        : frames_(std::move(frames)), bytes_(std::move(bytes)) {
        const auto [least, most] = std::minmax_element(frames_.begin(), frames_.end(),
                                                       [](const Frame& a, const Frame& b) { return a.size < b.size; });
        shortest_ = least->size;
        longest_ = most->size;
        const std::uint64_t last = frames_.back().due_ns;
        round_ns_ = frames_.size() > 1 ? last + last / (frames_.size() - 1) : 0;
    }

    std::size_t longest() const override { return longest_; }
    std::size_t shortest() const override { return shortest_; }

    std::size_t compose(std::uint64_t number, std::span<std::uint8_t> to) const override {
        const Frame& frame = frames_[(number - 1) % frames_.size()];
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(frame.offset), frame.size, to.begin());
        return frame.size;
    }

    std::optional<Cookie> cookie() const override { return std::nullopt; }

    std::uint64_t due_ns(std::uint64_t number) const override {
        const std::uint64_t rounds = (number - 1) / frames_.size();
        if (round_ns_ && rounds > latest_ns / round_ns_) return latest_ns;
        return rounds * round_ns_ + frames_[(number - 1) % frames_.size()].due_ns;
    }

    std::array<std::uint8_t, vnet_hdr_size> vnet_header() const override { return {}; }

  private:
    std::vector<Frame> frames_;
    std::vector<std::uint8_t> bytes_;
    std::size_t shortest_ = 0;
    std::size_t longest_ = 0;
    std::uint64_t round_ns_ = 0;  // from the first frame of a round to the first of the next
};

// Nanoseconds from one time to a later one, 0 where it is not later. Both may be anything that fits into the file.
std::uint64_t span_ns(const timeval& from, const timeval& to) {
    if (to.tv_sec < from.tv_sec || (to.tv_sec == from.tv_sec && to.tv_usec <= from.tv_usec)) return 0;
    const auto seconds = static_cast<std::uint64_t>(to.tv_sec) - static_cast<std::uint64_t>(from.tv_sec);
    if (seconds >= latest_ns / second_ns) return latest_ns;
    const std::int64_t fraction = static_cast<std::int64_t>(to.tv_usec) - static_cast<std::int64_t>(from.tv_usec);
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(static_cast<std::int64_t>(seconds * second_ns) + fraction, 0));
}

struct Closer {
    void operator()(pcap_t* file) const { ::pcap_close(file); }
};

std::string frame_named(std::uint64_t number, const std::string& name) {
    return fmt::format("frame {} of {}", number, name);
}

// Of a file that was opened; closes it, unless it is standard input.
Result<Frames> parse_capture(std::FILE* opened, const std::string& name) {
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    // Its timeval then holds nanoseconds in tv_usec.
    const std::unique_ptr<pcap_t, Closer> file(
        ::pcap_fopen_offline_with_tstamp_precision(opened, PCAP_TSTAMP_PRECISION_NANO, why.data()));
    if (!file) {
        if (opened != stdin) std::fclose(opened);
        return fail(fmt::format("cannot read {}: {}", name, printable_name(why.data())), "give a pcap or pcapng file");
    }
    if (const int type = ::pcap_datalink(file.get()); type != DLT_EN10MB) {
        const char* const known = ::pcap_datalink_val_to_name(type);
        return fail(fmt::format("the frames in {} are of link type {}, and only Ethernet frames can be sent", name,
                                known ? known : std::to_string(type)),
                    "capture on an Ethernet interface, not on \"any\"");
    }

    Frames all;
    std::vector<Frame>& frames = all.frames;
    std::vector<std::uint8_t>& bytes = all.bytes;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    timeval last{};
    int got = 0;
    while ((got = ::pcap_next_ex(file.get(), &header, &data)) == 1) {
        const std::uint64_t number = frames.size() + 1;
        if (header->caplen > max_frame_size)
            return fail(fmt::format("{} has {} bytes: at most {} can be sent", frame_named(number, name),
                                    header->caplen, max_frame_size));
        if (header->caplen == 0)
            return fail(fmt::format("{} has no bytes: there is nothing to send", frame_named(number, name)));
        if (bytes.size() + header->caplen + number * sizeof(Frame) > max_capture_bytes)
            return fail(fmt::format("{} is too large: more than {} MB of frames", name, max_capture_bytes >> 20),
                        "cut it into parts, as with editcap -c");
        const std::uint64_t later = frames.empty() ? 0 : span_ns(last, header->ts);
        if (frames.empty() || later > 0) last = header->ts;
        const std::uint64_t due = frames.empty() ? 0 : std::min(frames.back().due_ns + later, latest_ns);
        frames.push_back({bytes.size(), header->caplen, due});
        bytes.insert(bytes.end(), data, data + header->caplen);
        all.cut += header->caplen < header->len;
    }
    if (got != PCAP_ERROR_BREAK)  // -2: the end of the file
        return fail(fmt::format("cannot read {} behind its first {}: {}", name, count_of(frames.size(), "frame"),
                                printable_name(::pcap_geterr(file.get()))),
                    "its end is missing, or it is damaged");
    if (frames.empty()) return fail(fmt::format("{} holds no frames", name));
    return all;
}

// What goes from the process that parses to the one that sends: an answer, then the frames (or the error's two texts),
// each behind its head. Both are this program, on this machine.
struct AnswerHead {
    std::uint32_t ok;
    std::uint32_t kind;  // ErrorKind
    std::uint64_t count;
    std::uint64_t cut;
};
struct PieceHead {
    std::uint64_t due_ns;
    std::uint64_t size;
};

class AnswerWriter {
  public:
    explicit AnswerWriter(int fd) : fd_(fd) {}
    ~AnswerWriter() { flush(); }
    AnswerWriter(const AnswerWriter&) = delete;
    AnswerWriter& operator=(const AnswerWriter&) = delete;

    void put(const void* data, std::size_t size) {
        buffer_.append(static_cast<const char*>(data), size);
        if (buffer_.size() > 65536) flush();
    }
    void piece(std::uint64_t due_ns, const void* data, std::size_t size) {
        const PieceHead head{due_ns, size};
        put(&head, sizeof head);
        put(data, size);
    }

  private:
    void flush() {
        write_all(fd_, buffer_, buffer_.size(), -1);
        buffer_.clear();
    }
    int fd_;
    std::string buffer_;
};

void write_answer(int fd, const Result<Frames>& parsed) {
    AnswerWriter out(fd);
    if (!parsed) {
        const Error& error = parsed.error();
        const AnswerHead head{0, static_cast<std::uint32_t>(error.kind), 2, 0};
        out.put(&head, sizeof head);
        for (const std::string& text : {error.what, error.remedy}) out.piece(0, text.data(), text.size());
        return;
    }
    const AnswerHead head{1, 0, parsed->frames.size(), parsed->cut};
    out.put(&head, sizeof head);
    for (const Frame& frame : parsed->frames) out.piece(frame.due_ns, parsed->bytes.data() + frame.offset, frame.size);
}

class AnswerReader {
  public:
    explicit AnswerReader(std::span<const std::uint8_t> bytes) : left_(bytes) {}

    template <typename T>
    std::optional<T> take() {
        if (left_.size() < sizeof(T)) return std::nullopt;
        T value;
        std::memcpy(&value, left_.data(), sizeof value);
        left_ = left_.subspan(sizeof value);
        return value;
    }
    std::optional<std::span<const std::uint8_t>> take(std::uint64_t size) {
        if (left_.size() < size) return std::nullopt;
        const auto taken = left_.first(size);
        left_ = left_.subspan(size);
        return taken;
    }
    bool at_end() const { return left_.empty(); }

  private:
    std::span<const std::uint8_t> left_;
};

// The names in it are made fit for a terminal already. Not more is believed: the file may have taken over who wrote
// this.
std::string ascii(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

// Believes nothing: who parses a hostile file may have been taken over by it.
Result<Frames> read_answer(std::span<const std::uint8_t> bytes, const std::string& name) {
    const auto senseless = [&] { return fail(fmt::format("cannot read {}: its reader gave no sense", name)); };
    AnswerReader in(bytes);
    const auto head = in.take<AnswerHead>();
    if (!head) return senseless();
    Frames all;
    all.cut = head->cut;
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < head->count; i++) {
        const auto piece = in.take<PieceHead>();
        const auto data = piece ? in.take(piece->size) : std::nullopt;
        if (!data) return senseless();
        if (!head->ok) {
            texts.emplace_back(data->begin(), data->end());
            continue;
        }
        const std::uint64_t earliest = all.frames.empty() ? 0 : all.frames.back().due_ns;
        if (data->empty() || data->size() > max_frame_size || piece->due_ns < earliest || piece->due_ns > latest_ns)
            return senseless();
        all.frames.push_back({all.bytes.size(), data->size(), piece->due_ns});
        all.bytes.insert(all.bytes.end(), data->begin(), data->end());
    }
    if (!in.at_end()) return senseless();
    if (!head->ok && texts.size() == 2) return fail(ascii(texts[0]), ascii(texts[1]));
    if (!head->ok || all.frames.empty() || all.cut > all.frames.size()) return senseless();
    return all;
}

Result<CaptureFile> made_of(Result<Frames> parsed) {
    if (!parsed) return tl::unexpected(parsed.error());
    CaptureFile capture;
    capture.count = parsed->frames.size();
    capture.cut = parsed->cut;
    capture.frames = std::make_shared<CapturedFrames>(std::move(parsed->frames), std::move(parsed->bytes));
    return capture;
}

Result<std::FILE*> open_capture(const std::string& path, const std::string& name) {
    if (path == "-") return stdin;
    std::FILE* const file = std::fopen(path.c_str(), "rbe");
    if (!file) return fail(fmt::format("cannot read {}: {}", name, errno_text(errno)), "give a pcap or pcapng file");
    return file;
}

}  // namespace

Result<CaptureFile> read_capture_here(const std::string& path) {
    const std::string name = printable_name(path);
    const auto file = open_capture(path, name);
    if (!file) return tl::unexpected(file.error());
    return made_of(parse_capture(*file, name));
}

Result<CaptureFile> read_capture(const std::string& path) {
    const std::string name = printable_name(path);
    const auto file = open_capture(path, name);
    if (!file) return tl::unexpected(file.error());
    const auto answer =
        confined("read " + name, 2 * max_capture_bytes, [&](int fd) { write_answer(fd, parse_capture(*file, name)); });
    if (*file != stdin) std::fclose(*file);
    if (!answer) return tl::unexpected(answer.error());
    return made_of(read_answer(*answer, name));
}

}  // namespace sockray
