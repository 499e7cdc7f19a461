// Two recordings held against each other: which files are the one and which the other, and what makes it exit with 1.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"
#include "tests/unit/comparison_sessions.h"
#include "user/record/writer.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
class Diff : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("sockray-diff-" + std::to_string(::getpid()));
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    std::string name(const std::string& file) const { return (folder_ / file).string(); }

    // A session of sends whose times vary by chance, and the driver's by `driver` besides. `bytes`: of each file, 0:
    // one.
    void record(const std::string& file, unsigned seed, double driver = 1, std::uint64_t bytes = 0) const {
        auto writer = RecordingWriter::create({.path = name(file), .rotation = {.bytes = bytes}});
        ASSERT_TRUE(writer) << writer.error().what;
        Origin origin;
        origin.start_ns = seed;
        const Plan plan = made::plan();
        const made::Names names;
        (*writer)->begin(origin, plan, names);
        made::Times times(seed, {});
        constexpr std::uint64_t sends = 4000;
        for (std::uint64_t id = 1; id <= sends; id++)
            (*writer)->send(made::stretched(made::delivered(id, id * 1'000'000), times.next(), driver));
        Ending ending;
        ending.ledger.decoded_by_outcome[0] = ending.ledger.decoded = ending.ledger.shown = sends;
        ending.ledger.sends.seen = ending.ledger.sends.emitted = sends;
        (*writer)->complete(ending);
        ASSERT_FALSE((*writer)->error());
    }

    // The lines of `diff --json` about it.
    static std::vector<Json> about(const std::string& subject, const std::string& text) {
        std::vector<Json> found;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            if (Json one = Json::parse(line, nullptr, false); one.is_object() && one["subject"] == subject)
                found.push_back(std::move(one));
        return found;
    }

    fs::path folder_;
};

TEST_F(Diff, AStageThatGotSlowerThanTheToleranceIsStatusOneAndNamed) {
    record("before", 1);
    record("again", 2);
    record("slow", 3, 1.5);
    const Ended same = sockray({"diff", "--json", name("before"), name("again")});
    EXPECT_EQ(same.status, 0) << same.out << same.err;
    ASSERT_EQ(about("verdict", same.out).size(), 1U) << same.out;
    EXPECT_EQ(about("verdict", same.out)[0]["slower"], false);

    const Ended slower = sockray({"diff", "--json", name("before"), name("slow")});
    EXPECT_EQ(slower.status, 1) << slower.out << slower.err;
    ASSERT_EQ(about("verdict", slower.out).size(), 1U) << slower.out;
    EXPECT_EQ(about("verdict", slower.out)[0]["slower"], true);
    EXPECT_EQ(about("verdict", slower.out)[0]["path_changed"], false);
    EXPECT_EQ(about("verdict", slower.out)[0]["outcomes_worse"], false);
    std::string driver;
    for (const Json& stage : about("stage", slower.out))
        if (stage["stage"] == "dev_hard_start_xmit") driver = stage["verdict"];
    EXPECT_EQ(driver, "slower") << slower.out;

    const Ended tolerated = sockray({"diff", "--json", "--tolerance", "80", name("before"), name("slow")});
    EXPECT_EQ(tolerated.status, 0) << tolerated.out << tolerated.err;
    const Ended faster = sockray({"diff", "--json", name("slow"), name("before")});
    EXPECT_EQ(faster.status, 0) << "faster is no reason to fail: " << faster.out;
}

TEST_F(Diff, OfSeveralFilesASideHoldsWholeSessionsAgainstEachOther) {
    record("cap", 1, 1, 400'000);
    record("one", 2);
    Words parts;
    for (int i = 0; fs::exists(name("cap" + (i ? std::to_string(i) : ""))); i++)
        parts.push_back(name("cap" + (i ? std::to_string(i) : "")));
    ASSERT_GE(parts.size(), 3U);
    const auto sends = [](const Ended& ended) {
        std::vector<std::uint64_t> counts;
        for (const Json& recording : about("recording", ended.out)) counts.push_back(recording["sends"]);
        return counts;
    };
    const std::vector<std::uint64_t> all{4000, 4000};
    Words words{"diff", "--json"};
    words.insert(words.end(), parts.begin(), parts.end());
    words.insert(words.end(), {"--", name("one")});
    const Ended divided_first = sockray(words);
    EXPECT_EQ(divided_first.status, 0) << divided_first.err;
    EXPECT_EQ(divided_first.err, "");
    EXPECT_EQ(sends(divided_first), all) << divided_first.out;

    words = {"diff", "--json", name("one"), "--"};
    words.insert(words.end(), parts.begin(), parts.end());
    const Ended divided_second = sockray(words);
    EXPECT_EQ(divided_second.status, 0) << divided_second.err;
    EXPECT_EQ(divided_second.err, "");
    EXPECT_EQ(sends(divided_second), all) << divided_second.out;

    const Ended alone = sockray({"diff", "--json", parts[0], name("one")});
    EXPECT_NE(alone.err.find("goes on in file 1 of its session"), std::string::npos) << alone.err;
    const Ended mixed = sockray({"diff", parts[0], name("one"), "--", name("one")});
    EXPECT_EQ(mixed.status, 1);
    EXPECT_NE(mixed.err.find("is of another session"), std::string::npos) << mixed.err;
}

TEST_F(Diff, MustKnowWhichFilesAreTheOneSideAndWhichTheOther) {
    record("a", 1);
    for (const Words& files : {Words{name("a")}, Words{name("a"), name("a"), name("a")}, Words{name("a"), "--"},
                               Words{"--", name("a")}, Words{}}) {
        Words words{"diff"};
        words.insert(words.end(), files.begin(), files.end());
        const Ended ended = sockray(words);
        EXPECT_EQ(ended.status, 2) << ended.err;
        EXPECT_NE(ended.err.find("A A1 A2 -- B B1"), std::string::npos) << ended.err;
    }
    EXPECT_EQ(sockray({"diff", name("a"), "--", name("a"), name("a")}).status, 2) << "given twice";
    EXPECT_EQ(sockray({"diff", name("a"), "-", "--", "-"}).status, 2) << "standard input is one";
}

}  // namespace
}  // namespace sockray
