#include "user/probe/symbol_lookup.h"

#include <gtest/gtest.h>

namespace sockray {
namespace {

void expect_place(std::string_view text, std::string_view name, std::uint64_t offset, std::uint64_t size) {
    const SymbolPlace place = parse_symbol_place(text);
    EXPECT_EQ(place.name, name) << text;
    EXPECT_EQ(place.offset, offset) << text;
    EXPECT_EQ(place.size, size) << text;
}

TEST(SymbolPlace, IsReadFromWhatTheKernelPrints) {
    expect_place("packet_sendmsg+0x0/0x8d0", "packet_sendmsg", 0, 0x8d0);
    expect_place("packet_sendmsg+0x1c/0x8d0", "packet_sendmsg", 0x1c, 0x8d0);
    expect_place("packet_snd.isra.0+0x2/0x10", "packet_snd.isra.0", 2, 0x10);
}

TEST(SymbolPlace, OfAModuleIsWithoutTheModule) {
    expect_place("veth_xmit+0x123/0x4a0 [veth]", "veth_xmit", 0x123, 0x4a0);
}

TEST(SymbolPlace, IsNoneWhereTheKernelKnowsNone) {
    expect_place("0xffff888012345678", "", 0, 0);
    expect_place("0x0", "", 0, 0);
    expect_place("", "", 0, 0);
    expect_place("(null)", "", 0, 0);
}

TEST(SymbolPlace, OfWordsThatAreCutHasWhatIsThere) {
    expect_place("packet_sendmsg+0x1c", "packet_sendmsg", 0x1c, 0);
    expect_place("packet_sendmsg+0x1c/", "packet_sendmsg", 0x1c, 0);
    expect_place("packet_sendmsg+0x", "packet_sendmsg", 0, 0);
    expect_place("packet_sendmsg+", "", 0, 0);
    expect_place("packet_sendmsg+0xzz/0xzz", "packet_sendmsg", 0, 0);
}

}  // namespace
}  // namespace sockray
