// Keys as a terminal sends them, and what they do to the state of top.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "user/live/keys.h"
#include "user/live/top_state.h"

namespace sockray {
namespace {

std::vector<KeyName> names(std::string_view bytes) {
    std::vector<KeyName> found;
    for (const Key& key : decode_keys(bytes)) found.push_back(key.name);
    return found;
}

TEST(Keys, AreCharactersWordsOfControlAndSequences) {
    EXPECT_EQ(decode_keys("q/"), (std::vector<Key>{{KeyName::text, "q"}, {KeyName::text, "/"}}));
    EXPECT_EQ(decode_keys("\xc3\xa9"), (std::vector<Key>{{KeyName::text, "\xc3\xa9"}}));
    EXPECT_EQ(names("\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[F"),
              (std::vector<KeyName>{KeyName::up, KeyName::down, KeyName::page_up, KeyName::page_down, KeyName::home,
                                    KeyName::end}));
    EXPECT_EQ(names("\r\x7f\b\f"),
              (std::vector<KeyName>{KeyName::enter, KeyName::backspace, KeyName::backspace, KeyName::redraw}));
}

TEST(Keys, AloneOrTwiceEscapeIsItself) {
    EXPECT_EQ(names("\x1b"), std::vector<KeyName>{KeyName::escape});
    EXPECT_EQ(names("\x1b\x1b"), (std::vector<KeyName>{KeyName::escape, KeyName::escape}));
}

TEST(Keys, ThatNobodyKnowsAreLeftOutAsAWhole) {
    EXPECT_EQ(names("\x1b[1;5C\x1b[200~\x1bOP"), std::vector<KeyName>{});
    EXPECT_EQ(names(std::string_view("\x01\x00\xff\xc3", 4)), std::vector<KeyName>{});
    EXPECT_EQ(names("\x1b["), std::vector<KeyName>{});
    EXPECT_EQ(names("\x1b[999;"), std::vector<KeyName>{});
}

TopState after(std::string_view bytes, TopState state = {}, std::size_t rows = 100, std::size_t page = 10) {
    for (const Key& key : decode_keys(bytes)) apply(state, key, rows, page);
    return state;
}

TEST(AKey, SortsPausesAndQuits) {
    EXPECT_EQ(after("b").sort, TopSort::bytes);
    EXPECT_EQ(after("ssss").sort, TopSort::pid);
    EXPECT_EQ(after("sssss").sort, TopSort::rate);
    EXPECT_TRUE(after(" ").paused);
    EXPECT_FALSE(after("  ").paused);
    EXPECT_TRUE(after("q").quit);
    EXPECT_TRUE(after("i").without_idle);
}

TEST(AFilterThatIsTyped, TakesEveryKeyUntilEnterOrEscape) {
    const TopState typing = after("/qs /\xc3\xa9");
    EXPECT_EQ(typing.filter, "qs /\xc3\xa9");
    EXPECT_TRUE(typing.typing);
    EXPECT_FALSE(typing.quit);
    EXPECT_EQ(after("\x7f\x7f", typing).filter, "qs ") << "a character at a time, not a byte";
    const TopState kept = after("\r", typing);
    EXPECT_FALSE(kept.typing);
    EXPECT_EQ(kept.filter, typing.filter);
    EXPECT_EQ(after("\x1b", kept).filter, "");
    EXPECT_EQ(after("\x1b", typing).filter, "");
    EXPECT_EQ(after("/\x7f\x7f\x7f").filter, "");
    EXPECT_LE(after("/" + std::string(1000, 'x')).filter.size(), 64U);
}

TEST(Scrolling, StaysWithinTheSenders) {
    EXPECT_EQ(after("\x1b[A").scroll, 0U);
    EXPECT_EQ(after("\x1b[B\x1b[B").scroll, 2U);
    EXPECT_EQ(after("\x1b[6~").scroll, 10U);
    EXPECT_EQ(after("\x1b[F").scroll, 90U);
    EXPECT_EQ(after("\x1b[F\x1b[6~\x1b[B").scroll, 90U);
    EXPECT_EQ(after("\x1b[F\x1b[H").scroll, 0U);
    EXPECT_EQ(after("\x1b[B", {}, 3, 10).scroll, 0U);
    EXPECT_EQ(after("\x1b[A", {.scroll = 50}, 12, 10).scroll, 1U) << "where senders have gone meanwhile";
}

TEST(TheHelp, IsLeftByAnyKey) {
    EXPECT_TRUE(after("h").help);
    EXPECT_FALSE(after("hx").help);
    EXPECT_FALSE(after("hx").quit);
    EXPECT_TRUE(after("hq").quit);
}

}  // namespace
}  // namespace sockray
