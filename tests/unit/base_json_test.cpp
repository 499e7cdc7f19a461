// Texts as JSON strings.
#include "user/base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "user/base/terminal.h"

namespace sockray {
namespace {

// As a reader of JSON gets it.
std::string read_back(std::string_view text) {
    fmt::memory_buffer out;
    append_json_string(out, text);
    return nlohmann::json::parse(fmt::to_string(out)).get<std::string>();
}

TEST(JsonString, OfAValidNameComesBackUnchanged) {
    EXPECT_EQ(read_back("a\"b/c\t\x1b가"), "a\"b/c\t\x1b가");
    EXPECT_EQ(read_back("x\xef\xbf\xbd"), "x\xef\xbf\xbd") << "U+FFFD is a name's own";
}

TEST(JsonString, TellsBytesThatAreNotUtf8ApartFromEachOtherAndFromWhatLooksLikeThem) {
    EXPECT_EQ(read_back("x\xffy\xc3"), "x\\xffy\\xc3");
    EXPECT_EQ(read_back("x\xfey\xc3"), "x\\xfey\\xc3");
    EXPECT_EQ(read_back("x\\xffy"), "x\\x5cxffy");
    EXPECT_EQ(read_back("a\\b"), "a\\x5cb");
    std::set<std::string> all;
    for (int byte = 1; byte < 256; byte++) all.insert(read_back(std::string(1, static_cast<char>(byte))));
    EXPECT_EQ(all.size(), 255U);
}

// A reader takes \xNN back in both alike.
TEST(JsonString, EscapesThoseAsTheTextReportsDo) {
    for (const char* name : {"x\xffy\xc3", "a\\b", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
        EXPECT_EQ(read_back(name), printable(name));
}

}  // namespace
}  // namespace sockray
