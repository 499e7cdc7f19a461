// Where a recording can be written no further, and which files it goes to.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
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
    void end() { writer_->end({}); }
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
    (*writer)->end({});
    ASSERT_TRUE((*writer)->error());
    EXPECT_NE((*writer)->error()->what.find("No space left"), std::string::npos);
    EXPECT_EQ((*writer)->recorded().sends, 0U);
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
            {
                const Limit limit(bytes);
                Writing session({path(name), is_compressed_name(name)}, origin());
                session.send(20'000, [](std::uint64_t id) { return id % 7 ? incompressible(id) : without_frame(id); });
                session.end();
                ASSERT_TRUE(session.writer().error()) << name << " " << bytes;
                said = session.writer().recorded();
            }
            const auto size = fs::file_size(path(name));
            EXPECT_LE(size, bytes);
            Collector collector;
            const auto notes = read({path(name)}, collector);
            EXPECT_EQ(notes.has_value(), said.sends > 0) << name << " " << bytes << (notes ? "" : notes.error().what);
            EXPECT_EQ(collector.ids.size(), said.sends) << name << " " << bytes;
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

TEST_F(Recordings, AMissingDirectoryIsAnError) {
    const auto writer = RecordingWriter::create({path("no/such/file")});
    ASSERT_FALSE(writer);
    EXPECT_NE(writer.error().what.find("no/such/file"), std::string::npos);
}

}  // namespace
}  // namespace sockray
