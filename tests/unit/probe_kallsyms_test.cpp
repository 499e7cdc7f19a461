// The kernel's symbol table, from text.
#include "user/probe/kallsyms.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace sockray {
namespace {

using Names = std::vector<std::string>;

// What the first and last lines of /proc/kallsyms look like, and a few between.
constexpr const char* symbols_of_a_kernel = R"(0000000000000000 A fixed_percpu_data
0000000000000000 A __per_cpu_start
0000000000001000 A cpu_debug_store
ffffffff81000000 T _stext
ffffffff81000000 T startup_64
ffffffff81000080 t secondary_startup_64
ffffffff81000200 T packet_sendmsg
ffffffff81000900 t packet_sendmsg.cold
ffffffff81000a00 t packet_snd.isra.0
ffffffff81000b00 t packet_snd.isra.0.cold
ffffffff81000c00 D packet_ops
ffffffffc0400000 t veth_xmit	[veth]
ffffffffc0400300 t veth_open	[veth]
)";

Kallsyms parsed(std::string_view text = symbols_of_a_kernel) {
    Result<Kallsyms> symbols = Kallsyms::parse(text);
    EXPECT_TRUE(symbols) << symbols.error().what;
    return std::move(symbols).value_or(Kallsyms());
}

// ---- reading

TEST(Kallsyms, FindsTheAddressOfAName) {
    const Kallsyms symbols = parsed();
    EXPECT_EQ(symbols.address("packet_sendmsg"), 0xffffffff81000200);
    EXPECT_EQ(symbols.address("packet_ops"), 0xffffffff81000c00);
    EXPECT_EQ(symbols.address("veth_xmit"), 0xffffffffc0400000) << "a module's";
}

TEST(Kallsyms, FindsOnlyNamesThatAreExactlyTheSame) {
    const Kallsyms symbols = parsed();
    EXPECT_FALSE(symbols.address("packet_send"));
    EXPECT_FALSE(symbols.address("packet_snd"));
    EXPECT_FALSE(symbols.address("packet_sendmsg "));
    EXPECT_FALSE(symbols.address(""));
    EXPECT_FALSE(symbols.address("[veth]"));
}

TEST(Kallsyms, KnowsASymbolThatWasAddedByNameAndByAddress) {
    Kallsyms symbols = parsed();
    symbols.add("packet_ops_spkt", 0xffffffff81000d00);
    EXPECT_EQ(symbols.address("packet_ops_spkt"), 0xffffffff81000d00);
    EXPECT_EQ(symbols.describe(0xffffffff81000d00), "packet_ops_spkt");
    EXPECT_EQ(symbols.describe(0xffffffff81000c08), "packet_ops+0x8") << "what stands before it keeps its name";
    EXPECT_EQ(symbols.describe(0xffffffffc0400000), "veth_xmit") << "and so does what stands behind it";
}

TEST(Kallsyms, FindsTheFirstOfSeveralSymbolsOfOneName) {
    const Kallsyms symbols = parsed("ffffffff81000300 t show\nffffffff81000100 t show\nffffffff81000200 t show\n");
    EXPECT_EQ(symbols.address("show"), 0xffffffff81000100);
}

TEST(Kallsyms, LeavesPerCpuOffsetsOut) {
    const Kallsyms symbols = parsed();
    EXPECT_FALSE(symbols.address("cpu_debug_store"));
    EXPECT_EQ(symbols.describe(0x1004), "0x1004");
}

TEST(Kallsyms, WithoutAnyAddressAreRefusedWithARemedy) {
    const auto symbols = Kallsyms::parse("0000000000000000 T _stext\n0000000000000000 t packet_sendmsg\n");
    ASSERT_FALSE(symbols);
    EXPECT_EQ(symbols.error().kind, ErrorKind::not_allowed);
    EXPECT_EQ(symbols.error().what, "/proc/kallsyms shows no addresses");
    EXPECT_NE(symbols.error().remedy.find("CAP_SYSLOG"), std::string::npos);
}

TEST(Kallsyms, WithPerCpuOffsetsAloneHaveNoAddresses) {
    EXPECT_FALSE(Kallsyms::parse("0000000000001000 A cpu_debug_store\n0000000000000000 T _stext\n"));
}

TEST(Kallsyms, OfNothingAreRefused) {
    EXPECT_FALSE(Kallsyms::parse(""));
    EXPECT_FALSE(Kallsyms::parse("\n\n\n"));
}

TEST(Kallsyms, PassOverLinesThatAreNoSymbols) {
    const Kallsyms symbols = parsed(
        "\n"
        "garbage\n"
        "ffffffff81000000\n"
        "ffffffff81000000 \n"
        "ffffffff81000000 t\n"
        "ffffffff81000000 t \n"
        "fffffffffffffffff81000000 t too_long\n"
        "-1 t negative\n"
        " ffffffff81000000 t indented\n"
        "ffffffff81000010 t good\n"
        "ffffffff81000020 t last_without_newline");
    EXPECT_EQ(symbols.address("good"), 0xffffffff81000010);
    EXPECT_EQ(symbols.address("last_without_newline"), 0xffffffff81000020);
    EXPECT_FALSE(symbols.address("too_long"));
    EXPECT_FALSE(symbols.address("negative"));
    EXPECT_EQ(symbols.describe(0xffffffff81000008), "0xffffffff81000008") << "nothing else was taken";
}

TEST(Kallsyms, PassOverFieldsThatNoBlankSeparates) {
    const Kallsyms symbols = parsed("ffffffff81000010 t good\nffffffff81000000xtzsymbol\n");
    EXPECT_EQ(symbols.describe(0xffffffff81000008), "0xffffffff81000008");
}

TEST(Kallsyms, PassOverASymbolWithoutAName) {
    const Kallsyms symbols = parsed("ffffffff81000010 t good\nffffffff81000000 t \t[module]\n");
    EXPECT_EQ(symbols.describe(0xffffffff81000008), "0xffffffff81000008");
}

TEST(Kallsyms, NeedNoOrder) {
    const Kallsyms symbols = parsed("ffffffff81000300 t c\nffffffff81000100 t a\nffffffff81000200 t b\n");
    EXPECT_EQ(symbols.describe(0xffffffff81000150), "a+0x50");
    EXPECT_EQ(symbols.size_at(0xffffffff81000100), 0x100U);
}

TEST(Kallsyms, TakeAnyBytes) {
    std::mt19937_64 random(1);
    constexpr std::string_view alphabet = "0123456789abcdefABCDEF tTdDaA\t\n\n_.xyz[]-\xff";
    for (int round = 0; round < 2000; round++) {
        std::string text(random() % 400, '\0');
        for (char& c : text) c = round % 2 ? alphabet[random() % alphabet.size()] : static_cast<char>(random());
        const auto symbols = Kallsyms::parse(text);
        if (!symbols) continue;
        for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{1}, random(), ~std::uint64_t{0}}) {
            ASSERT_FALSE(symbols->describe(address).empty());
            symbols->function_at(address);
            symbols->size_at(address);
        }
        symbols->derived_names("x");
    }
}

TEST(Kallsyms, OfTheIteratorsRecordsAreThoseOfTheText) {
    std::string records;
    const auto add = [&records](std::uint64_t address, char type, std::string_view name) {
        records.append(reinterpret_cast<const char*>(&address), sizeof address);
        records.append(1, type).append(name).append(1, '\0');
    };
    add(0x1000, 'A', "cpu_debug_store");
    add(0xffffffff81000200, 'T', "packet_sendmsg");
    add(0xffffffff81000900, 't', "packet_sendmsg.cold");
    add(0xffffffff81000c00, 'D', "");
    const auto symbols = Kallsyms::of_records(records + "torn");
    ASSERT_TRUE(symbols);
    EXPECT_EQ(symbols->address("packet_sendmsg"), 0xffffffff81000200U);
    EXPECT_EQ(symbols->describe(0xffffffff81000904), "packet_sendmsg.cold+0x4");
    EXPECT_FALSE(symbols->address("cpu_debug_store"));
    EXPECT_FALSE(Kallsyms::of_records("")) << "no addresses";
}

TEST(Kallsyms, AreReadFromAFileOfAnySize) {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("kallsyms." + std::to_string(::getpid()));
    {
        std::ofstream file(path);
        for (int i = 0; i < 300'000; i++)  // 10 MB: more than is read at once
            file << std::hex << 0xffffffff81000000 + static_cast<unsigned>(i) * 16 << " t symbol_" << std::dec << i
                 << '\n';
    }
    const auto symbols = Kallsyms::read(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(symbols) << symbols.error().what;
    EXPECT_EQ(symbols->address("symbol_299999"), 0xffffffff81000000 + 299'999 * 16);
}

TEST(Kallsyms, ThatCannotBeReadSayWhichFile) {
    const auto symbols = Kallsyms::read("/nonexistent/kallsyms");
    ASSERT_FALSE(symbols);
    EXPECT_EQ(symbols.error().what, "cannot read /nonexistent/kallsyms: No such file or directory");
}

// ---- from an address to a name

TEST(AnAddress, IsDescribedByTheSymbolAtItOrBelowIt) {
    const Kallsyms symbols = parsed();
    EXPECT_EQ(symbols.describe(0xffffffff81000200), "packet_sendmsg");
    EXPECT_EQ(symbols.describe(0xffffffff8100021c), "packet_sendmsg+0x1c");
    EXPECT_EQ(symbols.describe(0xffffffffc0400010), "veth_xmit+0x10");
}

TEST(AnAddress, WithoutASymbolBelowItIsANumber) {
    const Kallsyms symbols = parsed();
    EXPECT_EQ(symbols.describe(0x1234), "0x1234");
    EXPECT_EQ(symbols.describe(0), "0");
    EXPECT_EQ(symbols.function_at(0x1234), "");
    EXPECT_EQ(symbols.function_at(0), "");
}

TEST(AnAddress, OfSeveralSymbolsHasTheFirstName) {
    const Kallsyms symbols = parsed();
    EXPECT_EQ(symbols.describe(0xffffffff81000000), "_stext");
    EXPECT_EQ(symbols.describe(0xffffffff81000010), "_stext+0x10");
}

TEST(AnAddress, LiesInTheFunctionBelowIt) {
    const Kallsyms symbols = parsed();
    EXPECT_EQ(symbols.function_at(0xffffffff81000200), "packet_sendmsg");
    EXPECT_EQ(symbols.function_at(0xffffffff810008ff), "packet_sendmsg");
    EXPECT_EQ(symbols.function_at(0xffffffff81000900), "packet_sendmsg.cold");
}

TEST(ASymbol, ReachesToTheNextOne) {
    const Kallsyms symbols = parsed();
    EXPECT_EQ(symbols.size_at(0xffffffff81000200), 0x700U);
    EXPECT_EQ(symbols.size_at(0xffffffff81000000), 0x80U) << "aliases count as one";
    EXPECT_EQ(symbols.size_at(0xffffffffc0400300), 0U) << "the last";
}

// ---- names that gcc made of others

TEST(DerivedNames, AreThoseThatGccMadeOfAFunctionsName) {
    const Kallsyms symbols = parsed(
        "ffffffff81000100 t packet_snd.isra.0\n"
        "ffffffff81000200 t packet_snd.constprop.0\n"
        "ffffffff81000300 t packet_snd.constprop.0.isra.0\n"
        "ffffffff81000400 t packet_snd\n"
        "ffffffff81000500 t packet_sndx.isra.0\n"
        "ffffffff81000600 t xpacket_snd.isra.0\n"
        "ffffffff81000700 t packet_snd_vnet_parse\n");
    EXPECT_EQ(symbols.derived_names("packet_snd"),
              (Names{"packet_snd.isra.0", "packet_snd.constprop.0", "packet_snd.constprop.0.isra.0"}));
    EXPECT_EQ(symbols.derived_names("tpacket_snd"), Names{});
}

TEST(DerivedNames, AreNeverTheUnlikelyHalfOfAFunction) {
    EXPECT_EQ(parsed().derived_names("packet_sendmsg"), Names{});
    EXPECT_EQ(parsed().derived_names("packet_snd"), Names{"packet_snd.isra.0"});
}

TEST(DerivedNames, DoNotEndInABareDot) {
    EXPECT_EQ(parsed("ffffffff81000100 t packet_snd.\n").derived_names("packet_snd"), Names{});
}

}  // namespace
}  // namespace sockray
