// Frames from pcap and pcapng files, good and hostile. The files are written here, byte by byte.
#include "user/drive/capture_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace sockray {
namespace {

template <typename T>
void put(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Captured {
    std::uint32_t seconds = 0;
    std::uint32_t micros = 0;
    std::string bytes;
    std::uint32_t length = 0;  // on the wire; 0: the same
};

constexpr std::uint32_t ethernet = 1;  // LINKTYPE_ETHERNET

std::string pcap_of(const std::vector<Captured>& frames, std::uint32_t link_type = ethernet) {
    std::string file;
    put<std::uint32_t>(file, 0xa1b2c3d4);
    put<std::uint16_t>(file, 2);
    put<std::uint16_t>(file, 4);
    put<std::uint64_t>(file, 0);
    put<std::uint32_t>(file, 262144);
    put<std::uint32_t>(file, link_type);
    for (const Captured& frame : frames) {
        put<std::uint32_t>(file, frame.seconds);
        put<std::uint32_t>(file, frame.micros);
        put<std::uint32_t>(file, static_cast<std::uint32_t>(frame.bytes.size()));
        put<std::uint32_t>(file, frame.length ? frame.length : static_cast<std::uint32_t>(frame.bytes.size()));
        file += frame.bytes;
    }
    return file;
}

// One section, one Ethernet interface, times in microseconds.
std::string pcapng_of(const std::vector<Captured>& frames) {
    std::string file;
    for (const std::uint32_t word : {0x0a0d0d0aU, 28U, 0x1a2b3c4dU, 1U, 0xffffffffU, 0xffffffffU, 28U}) put(file, word);
    for (const std::uint32_t word : {1U, 20U, ethernet, 0U, 20U}) put(file, word);
    for (const Captured& frame : frames) {
        const auto size = static_cast<std::uint32_t>(frame.bytes.size());
        const std::uint32_t padded = (size + 3) / 4 * 4;
        const std::uint64_t time = std::uint64_t{frame.seconds} * 1'000'000 + frame.micros;
        for (const std::uint32_t word : {6U, 32 + padded, 0U, static_cast<std::uint32_t>(time >> 32),
                                         static_cast<std::uint32_t>(time), size, size})
            put(file, word);
        file += frame.bytes + std::string(padded - size, '\0');
        put(file, 32 + padded);
    }
    return file;
}

class TheFile {
  public:
    explicit TheFile(const std::string& bytes) : path_("/tmp/sockray-capture-" + std::to_string(::getpid())) {
        std::ofstream(path_, std::ios::binary) << bytes;
    }
    TheFile(const TheFile&) = delete;
    TheFile& operator=(const TheFile&) = delete;
    ~TheFile() { std::remove(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

Result<CaptureFile> read(const std::string& bytes) {
    const TheFile file(bytes);
    return read_capture(file.path());
}

std::string frame_at(const FrameSource& frames, std::uint64_t number) {
    std::vector<std::uint8_t> bytes(frames.longest());
    bytes.resize(frames.compose(number, bytes));
    return {bytes.begin(), bytes.end()};
}

const std::vector<Captured> three = {{100, 500'000, std::string(60, 'a'), 0},
                                     {101, 0, std::string(14, 'b'), 0},
                                     {102, 500'000, std::string(1514, 'c'), 0}};

TEST(ACaptureFile, GivesItsFramesAsTheyAreAndAgainFromTheStart) {
    for (const std::string& bytes : {pcap_of(three), pcapng_of(three)}) {
        const auto capture = read(bytes);
        ASSERT_TRUE(capture) << capture.error().what;
        EXPECT_EQ(capture->count, 3U);
        EXPECT_EQ(capture->cut, 0U);
        EXPECT_EQ(capture->frames->longest(), 1514U);
        EXPECT_EQ(capture->frames->shortest(), 14U);
        EXPECT_FALSE(capture->frames->cookie());
        for (std::uint64_t number = 1; number <= 7; ++number)
            EXPECT_EQ(frame_at(*capture->frames, number), three[(number - 1) % 3].bytes);
    }
}

TEST(ACaptureFile, GivesItsFramesTheirOwnTimesAndTheNextRoundTheMeanGap) {
    for (const std::string& bytes : {pcap_of(three), pcapng_of(three)}) {
        const auto capture = read(bytes);
        ASSERT_TRUE(capture) << capture.error().what;
        const std::uint64_t due[] = {0, 500'000'000, 2'000'000'000, 3'000'000'000, 3'500'000'000};
        for (std::uint64_t number = 1; number <= 5; ++number)
            EXPECT_EQ(capture->frames->due_ns(number), due[number - 1]) << number;
    }
}

TEST(ACaptureFile, WhoseTimesGoBackCountsThoseAsAtOnce) {
    const auto capture = read(pcap_of({{10, 0, "a", 0}, {5, 0, "b", 0}, {10, 0, "c", 0}, {11, 0, "d", 0}}));
    ASSERT_TRUE(capture);
    EXPECT_EQ(capture->frames->due_ns(2), 0U);
    EXPECT_EQ(capture->frames->due_ns(3), 0U);
    EXPECT_EQ(capture->frames->due_ns(4), 1'000'000'000U);
}

TEST(ACaptureFile, WithTimesThatMakeNoSenseNeverGoesBack) {
    const auto capture =
        read(pcap_of({{0, 0xffffffff, "a", 0}, {0xffffffff, 0, "b", 0}, {0xffffffff, 0xffffffff, "c", 0}}));
    ASSERT_TRUE(capture);
    std::uint64_t last = 0;
    for (const std::uint64_t number :
         {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{4}, std::uint64_t{1} << 40, UINT64_MAX}) {
        EXPECT_GE(capture->frames->due_ns(number), last);
        last = capture->frames->due_ns(number);
        EXPECT_LE(last, std::uint64_t{1} << 63);
    }
}

TEST(ACaptureFile, OfOneFrameIsDueAtOnceEachTime) {
    const auto capture = read(pcap_of({{10, 0, "a", 0}}));
    ASSERT_TRUE(capture);
    EXPECT_EQ(capture->frames->due_ns(1000), 0U);
}

TEST(ACaptureFile, SaysHowManyFramesWereCutOff) {
    const auto capture = read(pcap_of({{1, 0, std::string(60, 'a'), 0}, {1, 0, std::string(60, 'b'), 1514}}));
    ASSERT_TRUE(capture);
    EXPECT_EQ(capture->cut, 1U);
}

void expect_refused(const std::string& bytes, const std::string& word) {
    const auto capture = read(bytes);
    ASSERT_FALSE(capture) << word;
    EXPECT_EQ(capture.error().kind, ErrorKind::failed);
    EXPECT_NE(capture.error().what.find(word), std::string::npos) << capture.error().what;
    EXPECT_NE(capture.error().what.find("/tmp/sockray-capture-"), std::string::npos) << capture.error().what;
}

TEST(ACaptureFile, ThatIsNoneIsAnErrorThatSaysWhy) {
    expect_refused("", "truncated");
    expect_refused("this is not a capture file at all", "unknown file format");
    expect_refused(pcap_of({}), "holds no frames");
    expect_refused(pcap_of(three, 113), "LINUX_SLL");
    expect_refused(pcap_of(three, 0x0fffffff), "link type");
    expect_refused(pcap_of({{1, 0, std::string(65550, 'a'), 0}}), "frame 1 of");
    expect_refused(pcap_of({{1, 0, "a", 0}, {1, 0, "", 60}}), "frame 2 of");
    const std::string whole = pcap_of(three);
    expect_refused(whole.substr(0, whole.size() - 1), "behind its first 2 frames");
    EXPECT_FALSE(read_capture("/nonexistent"));
    EXPECT_FALSE(read_capture("/"));
    EXPECT_FALSE(read_capture("/dev/zero"));
}

// Whatever is changed in a file: it is read or refused, and what was read can be sent.
TEST(ACaptureFile, ThatIsDamagedIsReadOrRefused) {
    std::mt19937 random(1);
    std::size_t read_all_the_same = 0;
    for (const std::string& whole : {pcap_of(three), pcapng_of(three)})
        for (int round = 0; round < 1500; ++round) {
            std::string bytes = whole.substr(0, random() % 4 ? whole.size() : random() % whole.size());
            for (unsigned changes = random() % 4; changes > 0 && !bytes.empty(); --changes) {
                // Mostly in the headers: among the frames' own bytes nothing can go wrong.
                const std::size_t at = random() % std::min<std::size_t>(bytes.size(), 200);
                bytes[at] = static_cast<char>(random() % 2 ? random() : random() % 2 ? 0xff : 0);
            }
            const auto capture = read(bytes);
            if (!capture) {
                ASSERT_FALSE(capture.error().what.empty());
                continue;
            }
            read_all_the_same++;
            ASSERT_GT(capture->count, 0U);
            for (std::uint64_t number = 1; number <= capture->count + 1; ++number) {
                ASSERT_LE(frame_at(*capture->frames, number).size(), max_frame_size);
                ASSERT_LE(capture->frames->due_ns(number), capture->frames->due_ns(number + 1));
            }
        }
    EXPECT_GT(read_all_the_same, 100U);
}

}  // namespace
}  // namespace sockray
