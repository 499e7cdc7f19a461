// Reasons of many sends in one sentence.
#include "user/analyze/reason_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sockray {
namespace {

std::string of_both(std::string_view a, std::string_view b) {
    ReasonText text(a);
    const ReasonText other(b);
    if (!text.is_like(other)) return "unlike";
    text.widen(other);
    return text.text();
}

TEST(AReason, IsTheSameOfFramesOfEveryLength) {
    EXPECT_EQ(of_both("EMSGSIZE: 9000 bytes, veth0 takes at most 1514 (MTU 1500 + 14)",
                      "EMSGSIZE: 1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)"),
              "EMSGSIZE: 1515 to 9000 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
    EXPECT_EQ(
        of_both("EAGAIN: the send buffer was full (4096 of 4608 bytes in use at the return), and the call does not "
                "wait",
                "EAGAIN: the send buffer was full (4352 of 4608 bytes in use at the return), and the call does not "
                "wait"),
        "EAGAIN: the send buffer was full (4096 to 4352 of 4608 bytes in use at the return), and the call does not "
        "wait");
    EXPECT_EQ(of_both("1 of 4 segments: QDISC_DROP", "3 of 4 segments: QDISC_DROP"),
              "1 to 3 of 4 segments: QDISC_DROP");
    EXPECT_EQ(of_both("3 bytes", "3 bytes"), "3 bytes");
}

TEST(AReason, IsAnotherWhereDeviceLimitOrCauseAre) {
    EXPECT_EQ(of_both("1515 bytes, veth0 takes at most 1514", "1515 bytes, veth1 takes at most 1514"), "unlike");
    EXPECT_EQ(of_both("9515 bytes, veth0 takes at most 1514", "9515 bytes, veth0 takes at most 9014"), "unlike");
    EXPECT_EQ(of_both("reason 77 at 0x16", "reason 78 at 0x16"), "unlike");
    EXPECT_EQ(of_both("there is no interface with index 5", "there is no interface with index 6"), "unlike");
    EXPECT_EQ(of_both("eth5 bytes", "eth6 bytes"), "unlike") << "a name, not a number";
}

TEST(AReason, ComesBackAsItIsWhateverStandsInIt) {
    for (const std::string_view text :
         {"", "0", "12", "bytes", " bytes", "5 of", "5 of 6", "5 of bytes", "99999999999999999999999 bytes", "5 bytes",
          "a 5 of 6 segments b", "\xff 7 bytes (8 bytes"})
        EXPECT_EQ(ReasonText(text).text(), text);
    EXPECT_EQ(ReasonText().text(), "");
}

// Quadratic, this would take minutes, and recursive it would run out of stack.
TEST(AReason, OfAnyLengthIsTakenInOneWalk) {
    std::string text;
    constexpr std::size_t numbers = 1'000'000;
    for (std::size_t i = 0; i < numbers; i++) text += "7 of ";
    ReasonText counted(text + "9 bytes");
    counted.widen(ReasonText(text + "8 bytes"));
    EXPECT_TRUE(counted.text().ends_with(" 7 of 7 of 8 to 9 bytes"));
    EXPECT_EQ(counted.text().size(), text.size() + std::string_view("8 to 9 bytes").size());
    EXPECT_EQ(ReasonText(text + "nothing").text(), text + "nothing");
}

}  // namespace
}  // namespace sockray
