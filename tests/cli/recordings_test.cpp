// The promise of docs/recording.md: a later sockray reads what an earlier one wrote. tests/unit/data/recordings has
// what earlier ones wrote, and what they said of it; such files are never made anew.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// One object a line; findings are left out: a later sockray may find more, and say it better.
std::vector<Json> lines_of(std::istream& in) {
    std::vector<Json> lines;
    for (std::string line; std::getline(in, line);) {
        Json one = Json::parse(line, nullptr, false);
        EXPECT_TRUE(one.is_object()) << line;
        if (one.is_object() && one["type"] != "finding" && one["type"] != "looked_at") lines.push_back(std::move(one));
    }
    return lines;
}

// Keys may have been added; those that were there are there, with the same values.
void expect_kept(const Json& then, const Json& now, const std::string& where) {
    if (then.is_object() && now.is_object()) {
        for (const auto& [key, value] : then.items()) {
            ASSERT_TRUE(now.contains(key)) << where << '.' << key;
            expect_kept(value, now[key], where + '.' + key);
        }
    } else if (then.is_array() && now.is_array()) {
        ASSERT_EQ(then.size(), now.size()) << where;
        for (std::size_t i = 0; i < then.size(); i++)
            expect_kept(then[i], now[i], where + '[' + std::to_string(i) + ']');
    } else {
        EXPECT_EQ(then, now) << where;
    }
}

TEST(Recordings, OfEarlierVersionsAreReadAsTheyWere) {
    int recordings = 0;
    for (const auto& file : fs::directory_iterator(SOCKRAY_RECORDINGS)) {
        if (file.path().extension() == ".json") continue;
        recordings++;
        EXPECT_LT(file.file_size(), 20'000U) << file.path();
        const std::string name = file.path().filename();
        std::ifstream in(file.path().parent_path() / (name.substr(0, name.find(".pcapng")) + ".json"));
        const std::vector<Json> then = lines_of(in);
        const Ended ended = sockray({"report", "--json", file.path()});
        EXPECT_EQ(ended.status, 0) << name << ": " << ended.err;
        EXPECT_EQ(ended.err, "") << name << ": all of it is read, and nothing is missing";
        std::istringstream out(ended.out);
        const std::vector<Json> now = lines_of(out);
        ASSERT_EQ(then.size(), now.size()) << name;
        for (std::size_t i = 0; i < then.size(); i++)
            expect_kept(then[i], now[i], name + " line " + std::to_string(i + 1));
    }
    EXPECT_GE(recordings, 2) << "plain and compressed";
}

// Behind its first block a recording is like any other capture.
TEST(Recordings, ThatAreCutOffBeforeTheirFirstRecordAreNotCalledAnothers) {
    const fs::path recording = fs::path(SOCKRAY_RECORDINGS) / "0.1.0.pcapng";
    const fs::path cut = fs::temp_directory_path() / ("sockray-cut-" + std::to_string(::getpid()));
    for (const std::uintmax_t bytes : {20U, 100U, 150U, 176U}) {
        fs::copy_file(recording, cut, fs::copy_options::overwrite_existing);
        fs::resize_file(cut, bytes);
        for (const char* verb : {"report", "diagnose"}) {
            const Ended ended = sockray({verb, cut});
            EXPECT_EQ(ended.status, 1) << bytes;
            EXPECT_EQ(ended.err.find("another program"), std::string::npos) << bytes << ": " << ended.err;
            const bool said = ended.err.find("cut off") != std::string::npos;
            EXPECT_TRUE(said) << bytes << ": " << ended.err;
        }
    }
    fs::remove(cut);
}

}  // namespace
}  // namespace sockray
