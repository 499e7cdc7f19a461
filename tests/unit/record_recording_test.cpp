// Whole recordings: written, cut off anywhere, damaged, divided, and read again.
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/record_fixture.h"
#include "user/record/layout.h"
#include "user/record/pcapng.h"

namespace sockray {
namespace {

TEST_F(Recordings, TellsASessionAsItWas) {
    write({path("a.pcapng")}, 100);
    Collector collector;
    const auto notes = read({path("a.pcapng")}, collector);
    ASSERT_TRUE(notes) << notes.error().what;
    EXPECT_TRUE(notes->words.empty());
    EXPECT_EQ(collector.begun, 1);
    EXPECT_EQ(collector.kernel, "6.1.0");
    EXPECT_EQ(collector.stages, all_stages.size());
    EXPECT_EQ(collector.sockets, 1U);
    EXPECT_EQ(collector.ids.size(), 100U);
    EXPECT_EQ(collector.symbol, "sch_direct_xmit+0x42");
    EXPECT_EQ(collector.reason, "QDISC_DROP");
    EXPECT_FALSE(collector.ending.cut_off);
    EXPECT_TRUE(collector.ending.ledger.balances());
    EXPECT_EQ(collector.ending.ledger.count(Outcome::dropped), 10U);
}

TEST_F(Recordings, SayHowManySendsWereNotRecorded) {
    write({path("a.pcapng")}, 100, 7);
    Collector collector;
    const auto notes = read({path("a.pcapng")}, collector);
    ASSERT_TRUE(notes);
    ASSERT_EQ(notes->words.size(), 1U);
    EXPECT_NE(notes->words[0].find("of the session's 107 sends 100 were recorded, as --outcome asked"),
              std::string::npos)
        << notes->words[0];
    EXPECT_EQ(collector.ids.size(), 100U);
    EXPECT_EQ(collector.ending.ledger.decoded, 107U);
    EXPECT_TRUE(collector.ending.ledger.balances());
}

TEST_F(Recordings, CompressedOnesTellTheSame) {
    write({path("a.pcapng.zst"), true}, 5000);
    EXPECT_LT(fs::file_size(path("a.pcapng.zst")), 5000U * 60U);
    Collector collector;
    const auto notes = read({path("a.pcapng.zst")}, collector);
    ASSERT_TRUE(notes);
    EXPECT_TRUE(notes->words.empty()) << notes->words.front();
    EXPECT_EQ(collector.ids.size(), 5000U);
    EXPECT_FALSE(collector.ending.cut_off);
}

// How many of these places are not behind `size`.
std::size_t not_behind(const std::vector<std::size_t>& ends, std::size_t size) {
    return static_cast<std::size_t>(std::ranges::upper_bound(ends, size) - ends.begin());
}

// Appends to `bytes` as much as there is in the beginning of a compressed file, by zstd's own word. Returns its size.
std::size_t unpack(std::string_view packed, std::string* bytes = nullptr) {
    std::string piece(ZSTD_DStreamOutSize(), '\0');
    const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> zstd(ZSTD_createDCtx(), ZSTD_freeDCtx);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    std::size_t size = 0;
    for (;;) {
        ZSTD_outBuffer out{piece.data(), piece.size(), 0};
        const std::size_t before = in.pos;
        if (ZSTD_isError(ZSTD_decompressStream(zstd.get(), &out, &in))) ADD_FAILURE() << "these bytes were not packed";
        if (bytes) bytes->append(piece, 0, out.pos);
        size += out.pos;
        if (out.pos == 0 && in.pos == before) return size;
    }
}

TEST_F(Recordings, CutAtEveryByteTheyReadUpToTheLastWholeBlock) {
    write({path("a.pcapng")}, 200);
    const std::vector<std::size_t> ends = ends_of_sends(bytes_of(path("a.pcapng")));
    ASSERT_EQ(ends.size(), 200U);
    constexpr std::size_t most = 65536;
    ASSERT_GE(fs::file_size(path("a.pcapng")), most);
    ASSERT_GT(not_behind(ends, most), 50U);
    for (std::size_t cut = most; cut-- > 0;) {
        fs::resize_file(path("a.pcapng"), cut);
        Collector collector;
        const auto notes = read({path("a.pcapng")}, collector);
        expect_a_beginning(collector);
        ASSERT_EQ(collector.ids.size(), not_behind(ends, cut)) << "at " << cut;
        ASSERT_TRUE(notes || collector.ids.empty()) << "at " << cut << ": " << notes.error().what;
        if (!notes) continue;
        EXPECT_TRUE(collector.ending.cut_off);
        EXPECT_TRUE(collector.ending.ledger.balances());
        EXPECT_EQ(collector.ending.ledger.decoded, collector.ids.size());
    }
}

TEST_F(Recordings, CutAtRandomPlacesTheyReadUpToTheLastWholeBlock) {
    write({path("a")}, 3000);
    const std::string whole = bytes_of(path("a"));
    const std::vector<std::size_t> ends = ends_of_sends(whole);
    ASSERT_EQ(ends.size(), 3000U);
    ASSERT_GE(whole.size(), 65536U);
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < 1000; i++) {
        const std::size_t cut = random() % whole.size();
        put_bytes(path("cut"), std::string_view(whole).substr(0, cut));
        Collector collector;
        (void)read({path("cut")}, collector);
        expect_a_beginning(collector);
        ASSERT_EQ(collector.ids.size(), not_behind(ends, cut)) << "at " << cut;
    }
}

TEST_F(Recordings, CompressedAndCutAtRandomPlacesTheyReadWhatCanBeUnpacked) {
    write({path("a"), true}, 3000);
    const std::string packed = bytes_of(path("a"));
    std::string whole;
    unpack(packed, &whole);
    const std::vector<std::size_t> ends = ends_of_sends(whole);
    ASSERT_EQ(ends.size(), 3000U);
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
    std::set<std::size_t> found;
    for (int i = 0; i < 500; i++) {
        const std::string_view start = std::string_view(packed).substr(0, random() % packed.size());
        put_bytes(path("cut"), start);
        Collector collector;
        (void)read({path("cut")}, collector);
        expect_a_beginning(collector);
        ASSERT_EQ(collector.ids.size(), not_behind(ends, unpack(start))) << "at " << start.size();
        found.insert(collector.ids.size());
    }
    EXPECT_GT(found.size(), 8U) << "places between which no more can be unpacked";
    EXPECT_GT(*found.rbegin(), 2500U);
}

TEST_F(Recordings, DamagedOnesNeverCrashTheReader) {
    write({path("a")}, 300);
    const std::string whole = bytes_of(path("a"));
    std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < 2000; i++) {
        std::string bytes = whole;
        for (unsigned n = 1 + random() % 8; n; n--) bytes[random() % bytes.size()] = static_cast<char>(random());
        put_bytes(path("bad"), bytes);
        Collector collector;
        (void)read({path("bad")}, collector);
    }
}

TEST_F(Recordings, DividedBySizeTheyAreOneSession) {
    write({path("a"), false, {60'000, 0, 0}}, 1000);
    std::vector<std::string> files{path("a")};
    while (fs::exists(path("a" + std::to_string(files.size()))))
        files.push_back(path("a" + std::to_string(files.size())));
    ASSERT_GT(files.size(), 3U);
    Collector collector;
    const auto notes = read(files, collector);
    ASSERT_TRUE(notes) << notes.error().what;
    EXPECT_TRUE(notes->words.empty());
    EXPECT_EQ(collector.begun, 1);
    EXPECT_EQ(collector.ids.size(), 1000U);
    EXPECT_FALSE(collector.ending.cut_off);

    Collector one;  // each file can be read by itself
    const auto of_one = read({files[2]}, one);
    ASSERT_TRUE(of_one);
    EXPECT_FALSE(of_one->words.empty());
    EXPECT_TRUE(one.ending.cut_off);
    EXPECT_FALSE(one.ids.empty());
    EXPECT_EQ(one.ending.missing.before, 2U);
    EXPECT_TRUE(one.ending.missing.rest);
    EXPECT_FALSE(collector.ending.missing.any());

    std::vector<std::string> some = files;  // without the second
    some.erase(some.begin() + 1);
    Collector holed;
    ASSERT_TRUE(read(some, holed));
    EXPECT_FALSE(holed.ending.cut_off);
    EXPECT_EQ(holed.ending.missing.before, 0U);
    EXPECT_EQ(holed.ending.missing.between, 1U);
    EXPECT_FALSE(holed.ending.missing.rest);

    some = files;  // all, and not in their order
    std::swap(some[0], some[1]);
    Collector turned;
    ASSERT_TRUE(read(some, turned));
    EXPECT_FALSE(turned.ending.missing.any());
}

TEST_F(Recordings, ARingOfFilesKeepsTheLastOnes) {
    write({path("a"), false, {60'000, 0, 3}}, 3000);
    EXPECT_TRUE(fs::exists(path("a0")));
    EXPECT_TRUE(fs::exists(path("a2")));
    EXPECT_FALSE(fs::exists(path("a3")));
    EXPECT_FALSE(fs::exists(path("a")));
}

TEST_F(Recordings, FilesOfTwoSessionsAreRefused) {
    write({path("a")}, 10);
    const std::string whole = bytes_of(path("a"));
    auto writer = RecordingWriter::create({path("b")});
    ASSERT_TRUE(writer);
    const Plan plan = sample::plan();
    const sample::Names names;
    Origin other;
    other.start_ns = 99;
    (*writer)->begin(other, plan, names);
    Ending ending;
    (*writer)->complete(ending);
    Collector collector;
    const auto notes = read({path("a"), path("b")}, collector);
    ASSERT_FALSE(notes);
    EXPECT_NE(notes.error().what.find("another session"), std::string::npos);
}

TEST_F(Recordings, WithoutTheirOriginAreRefused) {
    write({path("whole")}, 20);
    const std::string bytes = bytes_of(path("whole"));
    std::string rest;
    bool dropped = false;
    bool swapped = false;
    for (std::string_view left = bytes; !left.empty();) {
        const auto block = pcapng::take_block(left, swapped);
        ASSERT_TRUE(block);
        const std::size_t length = pcapng::block_length(*block);
        if (block->type == entry_block && !std::exchange(dropped, true))
            ASSERT_NE(left.substr(0, length).find("6.1.0"), std::string_view::npos) << "not the origin";
        else
            rest += left.substr(0, length);
        left.remove_prefix(length);
    }
    put_bytes(path("headless"), rest);
    Collector collector;
    const auto read = Recordings::read({path("headless")}, collector);
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().what.find("does not say where it was recorded"), std::string::npos) << read.error().what;
    EXPECT_EQ(collector.begun, 0);
}

TEST_F(Recordings, AFileThatIsGivenTwiceIsRefused) {
    write({path("a")}, 10);
    fs::copy_file(path("a"), path("copy"));
    fs::create_hard_link(path("a"), path("link"));
    for (const char* again : {"a", "link", "copy"}) {
        Collector collector;
        const auto notes = read({path("a"), path(again)}, collector);
        ASSERT_FALSE(notes) << again;
        EXPECT_EQ(notes.error().kind, ErrorKind::usage);
        EXPECT_NE(notes.error().what.find("count twice"), std::string::npos) << notes.error().what;
    }
}

TEST_F(Recordings, WithoutAWholeBlockSayWhatIsWrongWithThem) {
    for (const bool compress : {false, true}) {
        write({path("whole"), compress}, 10);
        const std::string whole = bytes_of(path("whole"));
        for (std::size_t cut = 0; cut < (compress ? 60 : 28); cut++) {
            put_bytes(path("cut"), std::string_view(whole).substr(0, cut));
            Collector collector;
            const auto notes = read({path("cut")}, collector);
            ASSERT_FALSE(notes) << cut;
            const char* expected = cut == 0   ? "is empty"
                                   : cut < 4  ? "does not begin as a pcapng file does"
                                   : compress ? "cut off"
                                              : "was cut off within its first block";
            EXPECT_NE(notes.error().what.find(expected), std::string::npos) << cut << ": " << notes.error().what;
        }
    }
}

TEST_F(Recordings, OfWhichOneFileHasNoWholeBlockAreReadAllTheSame) {
    write({path("a"), false, {60'000, 0, 0}}, 300);
    fs::resize_file(path("a1"), 20);
    fs::resize_file(path("a2"), 0);
    Collector collector;
    const auto notes = read({path("a"), path("a1"), path("a2")}, collector);
    ASSERT_TRUE(notes) << notes.error().what;
    EXPECT_GT(collector.ids.size(), 50U);
    EXPECT_GE(notes->words.size(), 2U);
}

TEST_F(Recordings, WhatIsNoRecordingIsSaidSo) {
    put_bytes(path("text"), "hello, this is no pcapng file at all");
    put_bytes(path("empty"), "");
    Collector collector;
    for (const char* name : {"text", "empty", "missing"}) {
        const auto notes = read({path(name)}, collector);
        ASSERT_FALSE(notes) << name;
        EXPECT_NE(notes.error().what.find(name), std::string::npos);
    }
    EXPECT_FALSE(read({folder_.string()}, collector));
}

}  // namespace
}  // namespace sockray
