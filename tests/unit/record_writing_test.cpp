// Where a recording can be written no further, and which files it goes to.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/record_fixture.h"

namespace sockray {
namespace {

// A session that is written piece by piece.
class Writing {
  public:
    Writing(const RecordingOptions& options, const Origin& origin)
        : writer_(std::move(RecordingWriter::create(options).value())) {
        writer_->begin(origin, plan_, names_);
    }
    void send(std::uint64_t count, const std::function<Send(std::uint64_t)>& make) {
        while (count--) writer_->send(make(++last_));
    }
    // As long as it takes to be written out.
    void wait(int seconds = 1) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1000 * seconds + 10));
        writer_->idle();
    }
    Ending end() {
        Ending ending;
        writer_->complete(ending);
        return ending;
    }
    RecordingWriter& writer() { return *writer_; }

  private:
    const Plan plan_ = sample::plan();
    const sample::Names names_;
    std::unique_ptr<RecordingWriter> writer_;
    std::uint64_t last_ = 0;
};

TEST_F(Recordings, AFullDiskEndsTheRecordingAndKeepsWhatIsThere) {
    auto writer = RecordingWriter::create({"/dev/full"});
    ASSERT_TRUE(writer);
    const Plan plan = sample::plan();
    const sample::Names names;
    (*writer)->begin(Origin{}, plan, names);
    for (std::uint64_t id = 1; id < 5000; id++) (*writer)->send(sent(id));
    Ending ending;
    (*writer)->complete(ending);
    ASSERT_TRUE((*writer)->error());
    EXPECT_NE((*writer)->error()->what.find("No space left"), std::string::npos);
    EXPECT_EQ((*writer)->recorded().sends, 0U);
    ASSERT_TRUE(ending.cut_short);
    EXPECT_EQ(ending.cut_short->sends.not_written, 4999U);
    EXPECT_EQ(ending.cut_short->cause, (*writer)->error()->what);
}

// In this process a file grows no further than that; what lies beyond fails with EFBIG.
class Limit {
  public:
    explicit Limit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~Limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

  private:
    rlimit before_{};
    sighandler_t handler_;
};

TEST_F(Recordings, WithoutRoomTheyEndBehindTheLastWholeFrameAndCountWhatIsThere) {
    for (const std::string name : {"a", "a.zst"})
        for (const rlim_t bytes : {100U, 5000U, 5001U, 65536U, 65537U, 200'002U, 1'100'003U}) {
            Recorded said;
            CutShort cut;
            {
                const Limit limit(bytes);
                Writing session({path(name), is_compressed_name(name)}, origin());
                session.send(20'000, [](std::uint64_t id) { return id % 7 ? incompressible(id) : without_frame(id); });
                const Ending ending = session.end();
                ASSERT_TRUE(session.writer().error()) << name << " " << bytes;
                ASSERT_TRUE(ending.cut_short);
                cut = *ending.cut_short;
                said = session.writer().recorded();
            }
            const auto size = fs::file_size(path(name));
            EXPECT_LE(size, bytes);
            Collector collector;
            const auto notes = read({path(name)}, collector);
            EXPECT_EQ(notes.has_value(), said.sends > 0) << name << " " << bytes << (notes ? "" : notes.error().what);
            EXPECT_EQ(collector.ids.size(), said.sends) << name << " " << bytes;
            EXPECT_EQ(collector.ids.size(), cut.sends.written) << name << " " << bytes;
            EXPECT_EQ(cut.sends.total(), 20'000U) << "what was told to it";
            EXPECT_EQ(cut.sends.removed + cut.frames.total(), 0U);
            expect_a_beginning(collector);
            constexpr std::uint64_t one_piece = 150'000;
            EXPECT_GT(size + one_piece, bytes) << name;
            if (!notes) continue;
            EXPECT_TRUE(collector.ending.cut_off);
            ASSERT_EQ(notes->words.size(), 1U);
            const char* why = name == "a" ? "was cut off: the end of its session is not here" : "are cut off";
            EXPECT_NE(notes->words[0].find(why), std::string::npos) << notes->words[0];
        }
}

TEST_F(Recordings, OfAFileThatIsRemovedEndWithinASecondAndSayIt) {
    for (const std::string name : {"a", "a.zst"}) {
        Writing session({path(name), is_compressed_name(name)}, origin());
        session.send(100, sent);
        session.wait();
        EXPECT_EQ(session.writer().recorded().sends, 100U);
        fs::remove(path(name));
        session.send(100, sent);
        session.wait();
        ASSERT_TRUE(session.writer().error());
        EXPECT_EQ(session.writer().error()->what, path(name) + " was removed while it was written");
        EXPECT_TRUE(session.writer().is_gone());
        EXPECT_EQ(session.writer().recorded().sends, 0U);
        session.end();
        EXPECT_FALSE(fs::exists(path(name)));
    }
}

TEST_F(Recordings, OfAFileThatIsRemovedBeforeTheFirstFrameOrTheEndAreSaidSo) {
    Writing idle({path("a")}, origin());
    fs::remove(path("a"));
    idle.wait();
    EXPECT_TRUE(idle.writer().is_gone());
    Writing ending({path("b")}, origin());
    ending.send(1, sent);
    fs::remove(path("b"));
    ending.end();
    EXPECT_TRUE(ending.writer().is_gone());
}

TEST_F(Recordings, OfAFileThatIsMovedGoOnThere) {
    Writing session({path("a")}, origin());
    session.send(100, sent);
    session.wait();
    fs::rename(path("a"), path("b"));
    session.send(100, sent);
    session.end();
    EXPECT_FALSE(session.writer().error());
    Collector collector;
    const auto notes = read({path("b")}, collector);
    ASSERT_TRUE(notes) << notes.error().what;
    EXPECT_EQ(collector.ids.size(), 200U);
}

TEST_F(Recordings, OfADirectoryThatIsRemovedKeepTheFilesThatAreElsewhere) {
    fs::create_directory(folder_ / "sub");
    Writing session({path("sub/a"), false, {60'000, 0, 0}}, origin());
    session.send(500, sent);
    fs::rename(path("sub/a"), path("a"));
    fs::remove_all(folder_ / "sub");
    session.send(500, sent);
    session.end();
    ASSERT_TRUE(session.writer().error());
    Collector collector;
    const auto notes = read({path("a")}, collector);
    ASSERT_TRUE(notes) << notes.error().what;
    EXPECT_GT(collector.ids.size(), 50U);
}

TEST_F(Recordings, DividedBySizeCountWhatIsInTheFilesAlsoWhereItIsCompressed) {
    for (const std::uint64_t bytes : {100'000U, 400'000U}) {
        Writing session({path("a.zst"), true, {bytes, 0, 0}}, origin());
        session.send(20'000, incompressible);
        session.end();
        std::vector<std::string> files{path("a.zst")};
        while (fs::exists(path("a" + std::to_string(files.size()) + ".zst")))
            files.push_back(path("a" + std::to_string(files.size()) + ".zst"));
        ASSERT_GT(files.size(), 2U);
        for (std::size_t i = 0; i + 1 < files.size(); i++) {
            EXPECT_GE(fs::file_size(files[i]), bytes) << files[i];
            EXPECT_LT(fs::file_size(files[i]), bytes * 5 / 4) << files[i];
        }
        Collector collector;
        const auto notes = read(files, collector);
        ASSERT_TRUE(notes);
        EXPECT_FALSE(collector.ending.cut_off);
        EXPECT_EQ(collector.ids.size(), 20'000U);
        for (const std::string& file : files) fs::remove(file);
    }
}

std::vector<std::string> names(const std::string& path, const Rotation& rotation, std::int64_t step, int count) {
    FileNames files(path, rotation);
    std::vector<std::string> names;
    for (int i = 0; i < count; i++) names.push_back(files.next(i * step));
    return names;
}

TEST(FileNames, AreNumberedWhereTheTimeInThemDoesNotTellThemApart) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(names("cap", {1, 0, 0}, 1, 3), (Names{"cap", "cap1", "cap2"}));
    EXPECT_EQ(names("cap.zst", {1, 0, 11}, 1, 3), (Names{"cap00.zst", "cap01.zst", "cap02.zst"}));
    EXPECT_EQ(names("cap", {0, 1, 0}, 1, 3), (Names{"cap", "cap1", "cap2"}));
    EXPECT_EQ(names("cap-%S", {0, 1, 0}, 1, 3), (Names{"cap-00", "cap-01", "cap-02"}));
    EXPECT_EQ(names("cap-%M.zst", {0, 30, 0}, 30, 4),
              (Names{"cap-00.zst", "cap-001.zst", "cap-01.zst", "cap-013.zst"}));
    EXPECT_EQ(names("cap-%M", {1, 30, 0}, 30, 4), (Names{"cap-00", "cap-001", "cap-012", "cap-013"}));
    EXPECT_EQ(names("cap-%M", {1, 30, 3}, 30, 5), (Names{"cap-000", "cap-001", "cap-012", "cap-010", "cap-021"}));
}

TEST(FileNames, NeverComeTwiceOutsideARing) {
    for (const char* path : {"cap", "%S", "%-S", "%-S.zst", "%-M%-S"})
        for (const Rotation& rotation : {Rotation{0, 1, 0}, Rotation{1, 1, 0}, Rotation{1, 0, 0}, Rotation{0, 1, 7}}) {
            const auto all = names(path, rotation, 1, 4000);
            EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << path;
        }
}

TEST_F(Recordings, ByTimeOverwriteNoneOfTheirOwnFiles) {
    Writing session({path("cap-%Y"), false, {0, 1, 3}}, origin());
    for (int i = 0; i < 3; i++) {
        session.send(10, sent);
        session.wait();
    }
    EXPECT_TRUE(session.writer().is_full());
    session.send(1, sent);  // before the session ends
    session.end();
    std::vector<std::string> files;
    for (const auto& file : fs::directory_iterator(folder_)) files.push_back(file.path().string());
    std::ranges::sort(files);
    ASSERT_EQ(files.size(), 3U) << "-W";
    Collector collector;
    const auto notes = read(files, collector);
    ASSERT_TRUE(notes);
    EXPECT_EQ(collector.ids.size(), 31U);
    EXPECT_FALSE(collector.ending.cut_off);
}

TEST_F(Recordings, BySizeAndTimeAreAtMostSoManyFiles) {
    put_bytes(path("other"), "x");
    Writing session({path("cap-%H%M%S-"), false, {20'000, 1, 3}}, origin());
    for (int i = 0; i < 3; i++) {
        session.send(100, sent);
        session.wait();
    }
    EXPECT_FALSE(session.end().cut_short) << "what -W takes away is no failure";
    std::vector<std::pair<fs::file_time_type, std::string>> files;
    for (const auto& file : fs::directory_iterator(folder_))
        if (file.path().filename() != "other") files.emplace_back(file.last_write_time(), file.path().string());
    EXPECT_EQ(files.size(), 3U);
    std::ranges::sort(files);
    std::vector<std::string> paths;
    for (const auto& file : files) paths.push_back(file.second);
    Collector collector;
    ASSERT_TRUE(read(paths, collector));
    EXPECT_EQ(collector.ids.size(), session.writer().recorded().sends);
    EXPECT_LT(collector.ids.size(), 300U);
    EXPECT_EQ(collector.ids.back(), 300U) << "the last ones";
    EXPECT_TRUE(fs::exists(path("other")));
}

TEST_F(Recordings, OfAtMostSoManyFilesTellWhatTheirLimitTookAwayFromWhatWasNotWritten) {
    Writing session({path("cap"), false, {20'000, 0, 2}}, origin());
    session.send(1000, sent);
    session.wait();
    const std::uint64_t kept = session.writer().recorded().sends;
    EXPECT_LT(kept, 500U);
    fs::remove(session.writer().path());
    session.wait();
    const std::uint64_t left = session.writer().recorded().sends;
    session.send(7, sent);
    const Ending ending = session.end();
    ASSERT_TRUE(ending.cut_short);
    EXPECT_EQ(ending.cut_short->sends.written, left);
    EXPECT_EQ(ending.cut_short->sends.removed, 1000 - kept);
    EXPECT_EQ(ending.cut_short->sends.not_written, kept - left + 7);
}

TEST_F(Recordings, RemovedWithTheirDirectoryAreWrittenNowhere) {
    Writing session({path("cap"), false, {20'000}}, origin());
    session.send(1000, sent);
    fs::remove_all(folder_);
    session.wait();
    const Ending ending = session.end();
    ASSERT_TRUE(ending.cut_short);
    EXPECT_EQ(ending.cut_short->sends.written, 0U);
    EXPECT_EQ(ending.cut_short->sends.not_written, 1000U);
}

TEST_F(Recordings, AMissingDirectoryIsAnError) {
    const auto writer = RecordingWriter::create({path("no/such/file")});
    ASSERT_FALSE(writer);
    EXPECT_NE(writer.error().what.find("no/such/file"), std::string::npos);
}

}  // namespace
}  // namespace sockray
