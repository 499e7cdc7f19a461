#include "user/base/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "user/base/fd.h"

namespace sockray {
namespace {

// Sets an environment variable, or unsets it, until the end of the test.
class Variable {
  public:
    Variable(const char* name, const char* value) : name_(name) {
        if (const char* old = ::getenv(name)) old_ = old;
        if (value)
            ::setenv(name, value, 1);
        else
            ::unsetenv(name);
    }
    ~Variable() {
        if (old_)
            ::setenv(name_, old_->c_str(), 1);
        else
            ::unsetenv(name_);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* name_;
    std::optional<std::string> old_;
};

class StyleOf : public ::testing::Test {
  protected:
    void SetUp() override {
        int main = -1;
        int terminal = -1;
        const winsize size{24, 132, 0, 0};
        ASSERT_EQ(::openpty(&main, &terminal, nullptr, nullptr, &size), 0);
        main_.reset(main);
        terminal_.reset(terminal);
        file_.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    }
    Style terminal() const { return style_of(terminal_.get()); }
    Style file() const { return style_of(file_.get()); }

    Variable no_color_{"NO_COLOR", nullptr};
    Variable term_{"TERM", "xterm"};
    Variable lc_all_{"LC_ALL", nullptr};
    Variable lc_ctype_{"LC_CTYPE", nullptr};
    Variable lang_{"LANG", nullptr};
    Fd main_;
    Fd terminal_;
    Fd file_;
};

TEST_F(StyleOf, HasColorsOnATerminalOnly) {
    EXPECT_TRUE(terminal().color);
    EXPECT_TRUE(terminal().terminal);
    EXPECT_FALSE(file().color);
    EXPECT_FALSE(file().terminal);
}

TEST_F(StyleOf, RespectsNoColorAndDumbTerminals) {
    {
        const Variable no_color("NO_COLOR", "1");
        EXPECT_FALSE(terminal().color);
    }
    {
        const Variable no_color("NO_COLOR", "");
        EXPECT_TRUE(terminal().color);
    }
    const Variable dumb("TERM", "dumb");
    EXPECT_FALSE(terminal().color);
}

TEST_F(StyleOf, TakesTheWidthOfTheTerminalAndElse100) {
    EXPECT_EQ(terminal().width, 132);
    EXPECT_EQ(file().width, 100);
}

TEST_F(StyleOf, FollowsTheCodesetOfTheLocale) {
    for (const char* locale : {"C.UTF-8", "ko_KR.utf8", "de_DE.UTF-8@euro"}) {
        const Variable lang("LANG", locale);
        EXPECT_TRUE(terminal().utf8) << locale;
        EXPECT_TRUE(file().utf8) << locale;
    }
    for (const char* locale : {"C", "POSIX", "en_US", "de_DE.ISO-8859-15@euro"}) {
        const Variable lang("LANG", locale);
        EXPECT_FALSE(terminal().utf8) << locale;
        EXPECT_FALSE(file().utf8) << locale;
    }
}

TEST_F(StyleOf, LetsLcAllOverrideLang) {
    const Variable lang("LANG", "C.UTF-8");
    const Variable all("LC_ALL", "C");
    EXPECT_FALSE(terminal().utf8);
}

TEST_F(StyleOf, WithoutALocaleWritesUtf8ToFilesOnly) {
    EXPECT_FALSE(terminal().utf8);
    EXPECT_TRUE(file().utf8);
}

TEST(Printable, ShowsControlCharactersAndInvalidBytesAsHex) {
    EXPECT_EQ(printable("arping"), "arping");
    EXPECT_EQ(printable("a\x1b[31mb\n\x7f"), "a\\x1b[31mb\\x0a\\x7f");
    EXPECT_EQ(printable("\xff\xc3(\xed\xa0\x80"), "\\xff\\xc3(\\xed\\xa0\\x80");
    EXPECT_EQ(printable("\xc0\xaf\xf4\x90\x80\x80"), "\\xc0\\xaf\\xf4\\x90\\x80\\x80");
    EXPECT_EQ(printable("가é"), "가é");
    EXPECT_EQ(printable("\\x1b"), "\\x5cx1b");  // not what an escape is written as
}

TEST(Printable, ShowsCharactersThatHideOrTurnTextAsHex) {
    EXPECT_EQ(printable("a\u202eb"), "a\\xe2\\x80\\xaeb");  // right-to-left override
    EXPECT_EQ(printable("\u0085"), "\\xc2\\x85");           // a C1 control
    EXPECT_EQ(printable("a\u200bb"), "a\\xe2\\x80\\x8bb");  // zero width
}

TEST(Printable, IsAsciiWhereUtf8IsOff) {
    EXPECT_EQ(printable("eth가", false), "eth\\xea\\xb0\\x80");
}

TEST(Columns, CountWhatATerminalShows) {
    EXPECT_EQ(columns("abc"), 3);
    EXPECT_EQ(columns("가나"), 4);
    EXPECT_EQ(columns("e\u0301"), 1);
    EXPECT_EQ(columns("├─ "), 3);
}

TEST(Shortened, KeepsTheStartAndEndsInDots) {
    EXPECT_EQ(shortened("packet_snd", 10), "packet_snd");
    EXPECT_EQ(shortened("packet_snd", 9), "packet_..");
    EXPECT_EQ(shortened("가나다라", 6), "가나..");
    EXPECT_EQ(shortened("abc", 0), "");
}

TEST(Wrapped, CutsAtBlanksAndLeavesLongWordsWhole) {
    EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string_view>{"one two", "three"}));
    EXPECT_EQ(wrapped("unbreakable word", 5), (std::vector<std::string_view>{"unbreakable", "word"}));
    EXPECT_EQ(wrapped("", 5), (std::vector<std::string_view>{""}));
    EXPECT_EQ(wrapped("short", 0), (std::vector<std::string_view>{"short"}));
}

TEST(Duration, HasThreeSignificantDigits) {
    EXPECT_EQ(duration(0), "0 ns");
    EXPECT_EQ(duration(412), "412 ns");
    EXPECT_EQ(duration(999), "999 ns");
    EXPECT_EQ(duration(1'000), "1.00 us");
    EXPECT_EQ(duration(12'345), "12.3 us");
    EXPECT_EQ(duration(99'949), "99.9 us");
    EXPECT_EQ(duration(99'951), "100 us");
    EXPECT_EQ(duration(999'499), "999 us");
    EXPECT_EQ(duration(999'501), "1.00 ms");
    EXPECT_EQ(duration(1'240'000), "1.24 ms");
    EXPECT_EQ(duration(3'500'000'000), "3.50 s");
    EXPECT_EQ(duration(7'200'000'000'000), "7200 s");
}

TEST(Branch, DrawsTheLinesOfATree) {
    const int depths[] = {0, 1, 2, 1};
    const Style utf8{false, true, 100, false};
    const Style ascii{false, false, 100, false};
    EXPECT_EQ(branch(depths, 0, utf8), "");
    EXPECT_EQ(branch(depths, 1, utf8), "├─ ");
    EXPECT_EQ(branch(depths, 2, utf8), "│  └─ ");
    EXPECT_EQ(branch(depths, 3, utf8), "└─ ");
    EXPECT_EQ(branch(depths, 2, ascii), "|  `- ");
    EXPECT_EQ(branch_below(depths, 0, ascii), "|  ");
    EXPECT_EQ(branch_below(depths, 1, ascii), "|  |  ");
    EXPECT_EQ(branch_below(depths, 3, ascii), "      ");
}

TEST(Paint, WritesNoCodesWithoutColors) {
    fmt::memory_buffer out;
    paint(out, Style{}, Tone::bad, "x");
    paint_cell(out, Style{}, Tone::good, "y", 3, Align::right);
    EXPECT_EQ(fmt::to_string(out), "x  y");
}

TEST(Paint, PadsByColumnsAndNotByTheBytesOfColors) {
    fmt::memory_buffer out;
    paint_cell(out, Style{true, true, 100, true}, Tone::good, "가", 4);
    EXPECT_EQ(fmt::to_string(out), "\x1b[32m가\x1b[0m  ");
}

}  // namespace
}  // namespace sockray
