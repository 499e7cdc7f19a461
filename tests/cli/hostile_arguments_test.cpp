// Whatever bytes stand in an argument: none of them reaches the terminal as it is, and messages stay short.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

struct Hostile {
    const char* name;
    std::string text;
};

void PrintTo(const Hostile& hostile, std::ostream* out) {
    *out << hostile.name;
}

class AHostileArgument : public testing::TestWithParam<Hostile> {
  protected:
    // Every place where a word can stand. `word` is the last, or is joined to its option.
    static std::vector<Words> places(const std::string& word) {
        const Words run{"run", "-i", "lo", "-c", "1"};
        std::vector<Words> all{{word},
                               {"--" + word},
                               {"-" + word},
                               {"doctor", word},
                               {"ops", word},
                               {"ops", "--" + word},
                               {"trace", word},
                               {"trace", "--" + word},
                               {"trace", "--json=" + word},
                               {"trace", "--", word},
                               {"trace", "--", "./" + word},
                               {"run", "-c", "1", "-i", word},
                               {"trace", "-i", word},
                               {"trace", "--netns", word},
                               {"trace", "--outcome", word},
                               {"trace", "-p", word},
                               {"trace", "-c", word},
                               {"trace", "--ring", word},
                               {"capture", "-i", word},
                               {"capture", "-i", "lo", "-c", word},
                               {"capture", "-i", "lo", "--fanout", word},
                               {"capture", "-i", "sockraynosuch", word},
                               {"run", "-i", "lo", "-c", word}};
        // Nobody's name is this long, so that tracing never starts.
        all.push_back({"trace", "--comm", word + "0123456789abcdef"});
        for (const std::string option :
             {"--size", "--rate", "--socket", "--method", "--threads", "--ring", "--batch", "--frame", "--src-mac",
              "--dst-mac", "--src", "--dst", "--sport", "--vlan", "--gso", "-r"}) {
            all.push_back(run);
            all.back().insert(all.back().end(), {option, word});
        }
        return all;
    }

    static void expect_tame(const Words& words) {
        const Ended ended = sockray(words);
        std::string line = "sockray";
        for (const std::string& word : words) line += " " + shown(word.substr(0, 60));
        EXPECT_GE(ended.status, 1) << line;
        EXPECT_LE(ended.status, 3) << line;
        EXPECT_FALSE(is_raw(ended.err)) << line << "\n" << shown(ended.err);
        EXPECT_FALSE(is_raw(ended.out)) << line << "\n" << shown(ended.out);
        EXPECT_TRUE(is_message(ended.err) || ended.status == 3) << line << "\n" << shown(ended.err);
        EXPECT_LE(ended.err.size(), 2000U) << line << "\n" << shown(ended.err);
    }
};

TEST_P(AHostileArgument, IsRefusedWithAMessageThatIsSafeToShow) {
    for (const Words& words : places(GetParam().text)) expect_tame(words);
}

INSTANTIATE_TEST_SUITE_P(
    Holding, AHostileArgument,
    testing::Values(Hostile{"Colours", "\x1b[31mred"}, Hostile{"AWindowTitle", "\x1b]0;title\a"},
                    Hostile{"ABackspace", "a\b\b\bb"}, Hostile{"ANewline", "a\nsockray: all is well"},
                    Hostile{"ACarriageReturn", "a\rb"}, Hostile{"ATab", "a\tb"}, Hostile{"Delete", "a\x7f"},
                    Hostile{"InvalidUtf8", "\xff\xfe"}, Hostile{"AnOverlongSlash", "\xc0\xaf"},
                    Hostile{"ATruncatedCharacter", "a\xe2\x82"},
                    Hostile{"AC1Control",
                            "\xc2\x9b"
                            "31mred"},
                    Hostile{"AFormat", "{}%s%n{:99999999}"}, Hostile{"Ten000Bytes", std::string(10'000, 'a')},
                    Hostile{"Ten000Escapes", std::string(10'000, '\x1b')}),
    [](const auto& info) { return info.param.name; });

// The name of the program itself is none of ours to choose either.
TEST(AHostileEnvironment, DoesNotReachTheTerminal) {
    const Ended ended =
        sockray({"trace", "--", "nosuchcommand"},
                {.environment = {"PATH=\x1b[31m:/\xff", "LANG=\x1b[31m", "TERM=\x1b[31m", "COLUMNS=\x1b[31m"}});
    EXPECT_EQ(ended.status, 1);
    EXPECT_FALSE(is_raw(ended.err)) << shown(ended.err);
}

}  // namespace
}  // namespace sockray
