// Captured frames in a recording: written, read back, cut off.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/record/pcapng.h"
#include "user/record/reader.h"
#include "user/record/writer.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t offset_ns = 1'000'000;

class Collector : public Sink {
  public:
    void send(const Send& send) override { told += 's' + std::to_string(send.id) + ' '; }
    void frame(const TapFrame& frame) override {
        told += (frame.outgoing ? "out" : "in") + std::to_string(frame.bytes.size()) + ' ';
        interface = *frame.interface;
        realtime_ns = frame.realtime_ns;
        length = frame.length;
    }
    void end(const Ending& last) override { ending = last; }
    std::string told;
    TapInterface interface;
    std::uint64_t realtime_ns = 0;
    std::uint32_t length = 0;
    Ending ending;
};

class CaptureRecording : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("sockray-captures-" + std::to_string(::getpid()));
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    static Send send_of(std::uint64_t id, bool with_frame) {
        Send send = sample::send_of(sample::taken());
        send.id = id;
        if (!with_frame) return send;
        send.frame.length = 60;
        send.frame.ns = 1000;
        send.frame.dev_type = 1;
        send.frame.bytes.assign(60, std::byte{0xab});
        return send;
    }

    // Frames between sends with and without a frame: in50 s1 out60 s2(no frame) in70.
    void write(const RecordingOptions& options, std::uint64_t times = 1) const {
        auto writer = RecordingWriter::create(options);
        ASSERT_TRUE(writer) << writer.error().what;
        const Plan plan = sample::plan();
        const sample::Names names;
        Origin origin;
        origin.realtime_offset_ns = offset_ns;
        const TapInterface interface { "veth0", 3, 4026531840U, 1 };
        const std::vector<std::byte> bytes(70, std::byte{0xcd});
        const auto frame = [&](std::size_t size, bool outgoing) {
            (*writer)->frame({&interface, std::span(bytes).first(size), 1514, 5'000'000'123, outgoing});
        };
        (*writer)->describe(interface);
        (*writer)->begin(origin, plan, names);
        for (std::uint64_t i = 0; i < times; i++) {
            frame(50, false);
            (*writer)->send(send_of(2 * i + 1, true));
            frame(60, true);
            (*writer)->send(send_of(2 * i + 2, false));
            frame(70, false);
        }
        Ending ending;
        ending.ledger.decoded_by_outcome[0] = 2 * times;
        ending.ledger.shown = 2 * times;
        ending.ledger.decoded = ending.ledger.sends.seen = ending.ledger.sends.emitted = 2 * times;
        ending.capture = CaptureLedger{interface, 3 * times + 4, 2 * times, times, 1, 2, 1, 6, 7};
        (*writer)->complete(ending);
        EXPECT_EQ((*writer)->recorded().frames, 3 * times);
        EXPECT_FALSE((*writer)->error());
    }

    static void read(const std::vector<std::string>& files, Collector& collector, std::size_t notes = 0) {
        Sink* const sinks[] = {&collector};
        const auto read = replay(std::move(open_recording(files).value()), sinks);
        ASSERT_TRUE(read) << read.error().what;
        EXPECT_EQ(read->words.size(), notes);
    }
    static std::string told_by(const std::vector<std::string>& files, std::size_t notes = 0) {
        Collector collector;
        read(files, collector, notes);
        return collector.told;
    }

    fs::path folder_;
};

TEST_F(CaptureRecording, FramesComeBackAmongSendsAndThoseOfSendsAreNoneOfThem) {
    write({path("a")});
    Collector collector;
    read({path("a")}, collector);
    EXPECT_EQ(collector.told, "in50 s1 out60 s2 in70 ");
    EXPECT_EQ(collector.interface, (TapInterface{"veth0", 3, 4026531840U, 1}));
    EXPECT_EQ(collector.realtime_ns, 5'000'000'123U);
    EXPECT_EQ(collector.length, 1514U);
}

TEST_F(CaptureRecording, TheLedgerComesBack) {
    write({path("a")});
    Collector collector;
    read({path("a")}, collector);
    ASSERT_TRUE(collector.ending.capture);
    const CaptureLedger& ledger = *collector.ending.capture;
    EXPECT_EQ(ledger.interface, (TapInterface{"veth0", 3, 4026531840U, 1}));
    EXPECT_EQ(ledger.seen, 7U);
    EXPECT_EQ(ledger.received, 2U);
    EXPECT_EQ(ledger.sent, 1U);
    EXPECT_EQ(ledger.beyond, 1U);
    EXPECT_EQ(ledger.dropped, 2U);
    EXPECT_EQ(ledger.unread, 1U);
    EXPECT_EQ(ledger.cut, 6U);
    EXPECT_EQ(ledger.freezes, 7U);
    EXPECT_TRUE(ledger.balances());
}

TEST_F(CaptureRecording, FramesOfSendsThatCameByTheTapsAreAmongThoseCounted) {
    auto writer = RecordingWriter::create({path("a")});
    ASSERT_TRUE(writer) << writer.error().what;
    const Plan plan = sample::plan();
    const sample::Names names;
    const TapInterface interface { "veth0", 3, 4026531840U, 1 };
    Origin origin;
    origin.realtime_offset_ns = offset_ns;
    (*writer)->begin(origin, plan, names);
    for (std::uint64_t id = 1; id <= 3; id++) {
        Send send = send_of(id, true);
        send.tapped = 3 - id;  // 2 (cut up), 1, 0 (past the taps)
        (*writer)->send(send);
    }
    (*writer)->frame({&interface, {}, 60, 5'000'000'123, true});
    Ending ending;
    ending.ledger.decoded_by_outcome[0] = 3;
    ending.ledger.shown = ending.ledger.decoded = 3;
    ending.capture = CaptureLedger{.interface = interface, .seen = 4, .sent = 4, .untapped = 1};
    (*writer)->complete(ending);
    Collector collector;
    read({path("a")}, collector);
    ASSERT_TRUE(collector.ending.capture);
    EXPECT_EQ(collector.ending.capture->untapped, 1U);

    // Without its end the same is counted.
    const auto size = fs::file_size(path("a"));
    fs::resize_file(path("a"), size - 100);
    Collector cut;
    read({path("a")}, cut, 1);
    EXPECT_TRUE(cut.ending.cut_off);
    ASSERT_TRUE(cut.ending.capture);
    EXPECT_EQ(cut.ending.capture->untapped, 1U);
    EXPECT_EQ(cut.ending.capture->sent, 4U);
    EXPECT_TRUE(cut.ending.capture->balances());
}

TEST_F(CaptureRecording, DividedIntoFilesTellsTheSame) {
    RecordingOptions options{path("cap")};
    options.rotation.bytes = 30'000;
    write(options, 1000);
    std::vector<std::string> files;
    for (int i = 0; fs::exists(path("cap") + (i ? std::to_string(i) : "")); i++)
        files.push_back(path("cap") + (i ? std::to_string(i) : ""));
    EXPECT_GT(files.size(), 3U);
    const std::string whole = told_by(files);
    write({path("one")}, 1000);
    EXPECT_EQ(whole, told_by({path("one")}));
    // One alone says that it is not all.
    EXPECT_GT(told_by({files[1]}, 2).size(), 100U) << "neither what came before nor what came after is there";
}

TEST_F(CaptureRecording, CutOffAnywhereCountsTheFramesThatAreThere) {
    write({path("a")}, 4);
    std::ifstream in(path("a"), std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(in), {}};
    const std::string whole = told_by({path("a")});
    for (std::size_t size = all.size() / 2; size < all.size() - 4; size += 13) {
        std::ofstream(path("cut"), std::ios::binary).write(all.data(), static_cast<std::streamsize>(size));
        Collector collector;
        Sink* const sinks[] = {&collector};
        const std::vector<std::string> files{path("cut")};
        ASSERT_TRUE(replay(std::move(open_recording(files).value()), sinks));
        EXPECT_EQ(whole.substr(0, collector.told.size()), collector.told) << size;
        if (!collector.ending.cut_off) continue;  // only the end of the last block is missing
        const bool any = collector.told.find("in") != std::string::npos;
        ASSERT_EQ(collector.ending.capture.has_value(), any) << size;
        if (any) {
            EXPECT_TRUE(collector.ending.capture->balances());
        }
    }
}

TEST_F(CaptureRecording, FramesKeepTheirInterfaceThoughTheNextIsOfAnother) {
    class Interfaces : public Sink {
      public:
        void frame(const TapFrame& frame) override { told += frame.interface->name + ' '; }
        std::string told;
    };
    RecordingOptions options{path("cap")};
    options.rotation.bytes = 3000;
    auto writer = RecordingWriter::create(options);
    ASSERT_TRUE(writer) << writer.error().what;
    const Plan plan = sample::plan();
    const sample::Names names;
    const TapInterface one{"veth0", 3, 4026531840U, 1};
    const TapInterface other{"veth1", 4, 4026531840U, 1};
    const std::vector<std::byte> bytes(60, std::byte{0xcd});
    Origin origin;
    origin.realtime_offset_ns = offset_ns;
    (*writer)->begin(origin, plan, names);
    std::string given;
    for (std::uint64_t i = 0; i < 100; i++) {
        const TapInterface& interface = i % 3 ? one : other;
        (*writer)->frame({&interface, bytes, 60, 5'000'000'123 + i, false});
        given += interface.name + ' ';
    }
    Ending ending;
    ending.capture = CaptureLedger{.interface = one, .seen = 100, .received = 100};
    (*writer)->complete(ending);
    std::vector<std::string> files;
    for (int i = 0; fs::exists(path("cap") + (i ? std::to_string(i) : "")); i++)
        files.push_back(path("cap") + (i ? std::to_string(i) : ""));
    EXPECT_GT(files.size(), 3U);
    Interfaces collector;
    Sink* const sinks[] = {&collector};
    ASSERT_TRUE(replay(std::move(open_recording(files).value()), sinks));
    EXPECT_EQ(collector.told, given);
}

// The draft's section 4.3, on a machine that is little endian.
TEST(PcapngPacket, IsLaidOutAsTheDraftSays) {
    const std::vector<std::byte> bytes(5, std::byte{7});
    std::string out;
    pcapng::put(out, {4, 0x1122334455667788, 1500, bytes, pcapng::Direction::in, 9, 3, "ab"});
    EXPECT_EQ(out, std::string("\x06\0\0\0\x50\0\0\0"
                               "\x04\0\0\0\x44\x33\x22\x11\x88\x77\x66\x55"
                               "\x05\0\0\0\xdc\x05\0\0\x07\x07\x07\x07\x07\0\0\0"
                               "\x01\0\x02\0ab\0\0"
                               "\x02\0\x04\0\x01\0\0\0"
                               "\x05\0\x08\0\x09\0\0\0\0\0\0\0"
                               "\x06\0\x04\0\x02\0\0\0"
                               "\0\0\0\0\x50\0\0\0",
                               80));
}

TEST(PcapngPacket, IsWholeWhateverItsLength) {
    for (std::size_t size = 0; size < 9; size++) {
        const std::vector<std::byte> bytes(size, std::byte{7});
        for (const std::string_view comment : {"", "a", "abcd"}) {
            std::string out;
            pcapng::put(out, {0, 1, 1500, bytes, pcapng::Direction::unknown, 0, 0, comment});
            bool swapped = false;
            const auto block = pcapng::take_block(out, swapped);
            ASSERT_TRUE(block) << size << comment;
            EXPECT_EQ(pcapng::block_length(*block), out.size());
            const auto back = pcapng::parse_packet(block->body, swapped);
            ASSERT_TRUE(back);
            EXPECT_EQ(back->bytes.size(), size);
        }
    }
}

TEST(PcapngPacket, ComesBackWithItsDirectionWhateverItsOptions) {
    const std::vector<std::byte> bytes(61, std::byte{7});
    for (const pcapng::Direction direction :
         {pcapng::Direction::unknown, pcapng::Direction::in, pcapng::Direction::out}) {
        pcapng::Packet packet{4, 0x1122334455667788, 1500, bytes, direction, 9, 3, "send=1 comm=x"};
        std::string out;
        pcapng::put(out, packet);
        bool swapped = false;
        const auto block = pcapng::take_block(out, swapped);
        ASSERT_TRUE(block);
        const auto back = pcapng::parse_packet(block->body, swapped);
        ASSERT_TRUE(back);
        EXPECT_EQ(back->interface, 4U);
        EXPECT_EQ(back->realtime_ns, packet.realtime_ns);
        EXPECT_EQ(back->length, 1500U);
        EXPECT_EQ(back->bytes.size(), 61U);
        EXPECT_EQ(back->direction, direction);
        for (std::size_t size = 0; size < block->body.size(); size++)  // never beyond its end
            (void)pcapng::parse_packet(std::string(block->body.substr(0, size)), swapped);
    }
}

TEST(PcapngInterface, ComesBackWithItsName) {
    std::string out;
    pcapng::put(out, pcapng::Interface{276, 96, "eth0", "ifindex 2 in netns 4"});
    bool swapped = false;
    const auto block = pcapng::take_block(out, swapped);
    ASSERT_TRUE(block);
    const auto back = pcapng::parse_interface(block->body, swapped);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->link_type, 276);
    EXPECT_EQ(back->snaplen, 96U);
    EXPECT_EQ(back->name, "eth0");
    EXPECT_EQ(back->description, "ifindex 2 in netns 4");
    for (std::size_t size = 0; size < block->body.size(); size++)
        (void)pcapng::parse_interface(std::string(block->body.substr(0, size)), swapped);
}

}  // namespace
}  // namespace sockray
