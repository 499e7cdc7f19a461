#include "user/drive/capture_file.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

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

}  // namespace

Result<CaptureFile> read_capture(const std::string& path) {
    const std::string name = printable_name(path);
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    // Its timeval then holds nanoseconds in tv_usec.
    const std::unique_ptr<pcap_t, Closer> file(
        ::pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why.data()));
    if (!file)
        return fail(fmt::format("cannot read {}: {}", name, printable_name(why.data())), "give a pcap or pcapng file");
    if (const int type = ::pcap_datalink(file.get()); type != DLT_EN10MB) {
        const char* const known = ::pcap_datalink_val_to_name(type);
        return fail(fmt::format("the frames in {} are of link type {}, and only Ethernet frames can be sent", name,
                                known ? known : std::to_string(type)),
                    "capture on an Ethernet interface, not on \"any\"");
    }

    CaptureFile capture;
    std::vector<Frame> frames;
    std::vector<std::uint8_t> bytes;
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
        capture.cut += header->caplen < header->len;
    }
    if (got != PCAP_ERROR_BREAK)  // -2: the end of the file
        return fail(fmt::format("cannot read {} behind its first {} frames: {}", name, frames.size(),
                                printable_name(::pcap_geterr(file.get()))),
                    "its end is missing, or it is damaged");
    if (frames.empty()) return fail(fmt::format("{} holds no frames", name));
    capture.count = frames.size();
    capture.frames = std::make_shared<CapturedFrames>(std::move(frames), std::move(bytes));
    return capture;
}

}  // namespace sockray
