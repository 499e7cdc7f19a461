// What is read and written: files that would be lost, standard output that is wanted twice, a disk that is full.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;
class Files : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("sockray-files-" + std::to_string(::getpid()));
        fs::remove_all(folder_);
        fs::create_directory(folder_);
        std::ofstream(name("in")) << "a recording";
    }
    void TearDown() override { fs::remove_all(folder_); }
    std::string name(const std::string& file) const { return (folder_ / file).string(); }

    // Status 2, all of these words, and no file is made or changed.
    void expect_refused(const Words& words, const Words& about, const Surroundings& surroundings = {}) const {
        const Ended ended = sockray(words, surroundings);
        EXPECT_EQ(ended.status, 2) << ended.err;
        EXPECT_TRUE(is_message(ended.err));
        for (const std::string& word : about) EXPECT_NE(ended.err.find(word), std::string::npos) << ended.err;
        std::ifstream in(name("in"));
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "a recording");
        for (const auto& file : fs::directory_iterator(folder_))
            EXPECT_TRUE(file.path().filename() == "in" || file.path().filename() == "shell") << file.path();
    }

    fs::path folder_;
};

TEST_F(Files, TwoReportsDoNotGoToOne) {
    const Words options{"--html", "--timeline", "--flame", "--folded"};
    for (const std::string& one : options)
        for (const std::string& other : options)
            if (one < other) {
                expect_refused({"report", name("in"), one, name("o"), other, name("./o")}, {one, other, "overwrite"});
                expect_refused({"report", name("in"), one, "-", other, "-"}, {one, other, "standard output"});
            }
    for (const std::string& option : options) {
        expect_refused({"report", name("in"), option, name("in")}, {"is the recording"});
        for (const std::string text : {"--json", "--csv", "--lines", "--tree"}) {
            expect_refused({"report", name("in"), option, "-", text}, {option, text, "standard output"});
            std::ofstream(name("shell"));
            expect_refused({"report", name("in"), option, name("shell"), text}, {option, "standard output"},
                           {.output = name("shell")});
        }
    }
    EXPECT_EQ(sockray({"report", name("in"), "--html", "/dev/null", "--flame", "/dev/null"}).status, 1)
        << "it is no recording, but nothing is lost there";
}

TEST_F(Files, OneRecordingIsNotReadTwice) {
    expect_refused({"report", name("in"), name("./in")}, {"given twice"});
    expect_refused({"diagnose", name("in"), name("in")}, {"given twice"});
    expect_refused({"report", "-", "-"}, {"given twice"});
    expect_refused({"diff", "-", "-"}, {"standard input cannot be both"});
}

TEST_F(Files, ARunDoesNotRecordOverTheFramesItSends) {
    expect_refused({"run", "-i", "lo", "-r", name("in"), "-w", name("in")}, {"-r", "-w", "overwrite"});
}

TEST_F(Files, ARecordingIsNotWrittenOverStandardOutput) {
    std::ofstream(name("shell")) << "the log of yesterday";
    for (const Words& verb : {Words{"trace"}, Words{"run", "-i", "lo", "-c", "1"}, Words{"capture", "-i", "lo"}}) {
        Words words = verb;
        words.insert(words.end(), {"-w", name("shell")});
        const Ended ended = sockray(words, {.output = name("shell")});
        std::ifstream log(name("shell"));
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "the log of yesterday") << ended.err;
        if (ended.status == 3) continue;  // that tracing is not allowed here was said first
        EXPECT_EQ(ended.status, 2) << ended.err;
        EXPECT_NE(ended.err.find("standard output"), std::string::npos) << ended.err;
    }
}

TEST_F(Files, ARunDoesNotComeToRecordOverTheFramesItSends) {
    for (const std::string frames : {"cap0", "cap2"}) {
        std::ofstream(name(frames)) << "frames";
        const Ended ended = sockray({"run", "-i", "lo", "-r", name(frames), "-w", name("cap"), "-C", "1M", "-W", "3"});
        EXPECT_EQ(ended.status, 2) << ended.err;
        EXPECT_NE(ended.err.find("would overwrite the frames"), std::string::npos) << ended.err;
    }
}

TEST_F(Files, AReportOfWhatIsNoRecordingLeavesNoFileBehind) {
    std::ofstream(name("old")) << "the report of yesterday";
    for (const std::string option : {"--html", "--timeline", "--flame", "--folded"})
        for (const std::string file : {"new", "old"}) {
            EXPECT_EQ(sockray({"report", name("in"), option, name(file)}).status, 1);
            EXPECT_EQ(sockray({"report", name("in"), option, name(file), "--lines"}).status, 1);
            EXPECT_FALSE(fs::exists(name("new"))) << option;
            std::ifstream old(name("old"));
            EXPECT_EQ(std::string(std::istreambuf_iterator<char>(old), {}), "the report of yesterday") << option;
        }
}

// What is wrong is found behind the begin of the first file, when reports have long begun.
TEST_F(Files, AReportThatFailsOnItsWayLeavesWhatWasThere) {
    const std::string recording = SOCKRAY_RECORDINGS "/0.1.0.pcapng";
    fs::copy_file(recording, name("copy"));
    const std::string yesterday(100'000, 'y');
    for (const std::string option : {"--html", "--timeline", "--flame", "--folded"}) {
        std::ofstream(name("old")) << yesterday;
        const Ended failed = sockray({"report", recording, name("copy"), option, name("old")});
        EXPECT_EQ(failed.status, 2) << failed.err;
        EXPECT_NE(failed.err.find("count twice"), std::string::npos) << failed.err;
        std::ifstream old(name("old"));
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(old), {}), yesterday) << option;
        EXPECT_EQ(sockray({"report", recording, name("copy"), option, name("new")}).status, 2);
        EXPECT_FALSE(fs::exists(name("new"))) << option;

        EXPECT_EQ(sockray({"report", recording, option, name("old")}).status, 0);
        EXPECT_EQ(sockray({"report", recording, option, name("new")}).status, 0);
        std::ifstream replaced(name("old"));
        std::ifstream made(name("new"));
        const std::string page(std::istreambuf_iterator<char>(made), {});
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(replaced), {}), page) << option;
        EXPECT_FALSE(page.empty());
        fs::remove(name("new"));
    }
    for (const auto& file : fs::directory_iterator(folder_))
        EXPECT_TRUE(file.path().filename() == "in" || file.path().filename() == "old" ||
                    file.path().filename() == "copy")
            << file.path();
}

TEST_F(Files, AStreamIsReadAndAnotherOneWritten) {
    const Ended ended = sockray({"run", "-i", "lo", "-r", "-", "-w", "-"}, {.output = "/dev/null"});
    EXPECT_NE(ended.status, 2) << ended.err;
}

TEST_F(Files, ANumberOfFilesIsOfThoseThatARecordingIsDividedInto) {
    for (const Words& verb : {Words{"trace"}, Words{"run", "-i", "lo", "-c", "1"}, Words{"capture", "-i", "lo"}}) {
        Words words = verb;
        words.insert(words.end(), {"-w", name("o"), "-W", "3"});
        expect_refused(words, {"-W requires -C or -G"});
    }
}

TEST_F(Files, WhatIsNoRecordingIsSaidInItsOwnWords) {
    const Ended nothing = sockray({"report", "/dev/null"});
    EXPECT_EQ(nothing.status, 1);
    EXPECT_NE(nothing.err.find("/dev/null: is empty"), std::string::npos) << nothing.err;
    EXPECT_EQ(nothing.err.find("another program"), std::string::npos) << nothing.err;
    EXPECT_EQ(nothing.err.find("before that"), std::string::npos) << nothing.err;
    EXPECT_NE(nothing.err.find("-w FILE"), std::string::npos) << nothing.err;
    std::ofstream(name("in"), std::ios::binary).write("\n\r\r\n\x80\0\0\0\x4d\x3c\x2b\x1a", 12);
    const Ended cut = sockray({"report", name("in")});
    EXPECT_EQ(cut.status, 1);
    EXPECT_NE(cut.err.find("was cut off within its first block"), std::string::npos) << cut.err;
}

TEST_F(Files, ARecordingWithoutANameIsWrongUsage) {
    for (const Words& words : {Words{"report", ""}, Words{"diagnose", ""}, Words{"diff", "", name("in")},
                               Words{"diff", name("in"), ""}, Words{"diff", name("in"), "--", ""}})
        expect_refused(words, {"the name of a recording is needed"});
}

TEST_F(Files, AnAnswerThatCannotBeWrittenIsAFailure) {
    Words verbs{"doctor",   "run",  "trace",           "top", "capture", "report",
                "diagnose", "diff", "compare-methods", "ops", "sockets"};
    std::vector<Words> all{{"--help"}, {"--version"}, {"help"}};
    for (const std::string& verb : verbs) all.push_back({verb, "--help"});
    for (const Words& words : all) {
        const Ended ended = sockray(words, {.output = "/dev/full"});
        EXPECT_EQ(ended.status, 1) << words[0];
        EXPECT_EQ(ended.first_error(), "sockray: cannot write to standard output: No space left on device") << words[0];
    }
}

}  // namespace
}  // namespace sockray
