// Finding packet_snd and tpacket_snd inside packet_sendmsg: real kernels' code, and sequences made by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "user/probe/inlined.h"

namespace sockray {
namespace {

constexpr std::uint64_t pg_vec = 0x3f0;
constexpr std::uint64_t size = 0x1000;

// Code, written as hex with the instruction behind it as a comment. Joined by +.
std::string hex(const std::string& text) {
    std::istringstream digits(text);
    std::string code;
    std::string pair;
    while (digits >> std::setw(2) >> pair) code.push_back(static_cast<char>(std::stoi(pair, nullptr, 16)));
    return code;
}

Result<InlinedBodies> find(Machine machine, const std::string& code, std::uint64_t function_size = size) {
    return find_inlined_bodies(machine, std::as_bytes(std::span(code)), function_size, pg_vec);
}
Result<InlinedBodies> find_x86(const std::string& code, std::uint64_t function_size = size) {
    return find(Machine::x86_64, code, function_size);
}
Result<InlinedBodies> find_arm64(const std::string& code, std::uint64_t function_size = size) {
    return find(Machine::arm64, code, function_size);
}

// "packet_snd, tpacket_snd, test, branch", or the error.
std::string told(const Result<InlinedBodies>& result) {
    if (!result) return result.error().what;
    std::ostringstream out;
    out << result->packet_snd << ' ' << result->tpacket_snd << ' ' << result->test << ' ' << result->branch;
    return out.str();
}

// ---- real code (tests/unit/data/inlined/*.hex)

struct KernelCode {
    std::string name;
    std::map<std::string, std::string> facts;  // of the header line: machine, size, pg_vec, test, ...
    std::string code;                          // the first 512 bytes

    Machine machine() const { return facts.at("machine") == "arm64" ? Machine::arm64 : Machine::x86_64; }
    std::uint64_t number(const std::string& key) const { return std::stoull(facts.at(key)); }
};

std::vector<KernelCode> kernels() {
    std::vector<KernelCode> found;
    for (const auto& entry : std::filesystem::directory_iterator(SOCKRAY_TEST_DATA "/inlined")) {
        std::ifstream file(entry.path());
        KernelCode kernel{entry.path().stem(), {}, {}};
        std::string header;
        std::getline(file, header);
        std::istringstream words(header);
        for (std::string word; words >> word;)
            if (const auto equals = word.find('='); equals != std::string::npos)
                kernel.facts[word.substr(0, equals)] = word.substr(equals + 1);
        kernel.code = hex({std::istreambuf_iterator<char>(file), {}});
        found.push_back(std::move(kernel));
    }
    return found;
}

TEST(InlinedBodies, AreFoundInTheCodeOfRealKernels) {
    const std::vector<KernelCode> all = kernels();
    ASSERT_GE(all.size(), 4U);
    for (const KernelCode& kernel : all) {
        ASSERT_EQ(kernel.code.size(), 512U) << kernel.name;
        ASSERT_EQ(kernel.number("pg_vec"), pg_vec) << kernel.name;
        const auto found = find(kernel.machine(), kernel.code, kernel.number("size"));
        ASSERT_TRUE(found) << kernel.name << ": " << found.error().what;
        EXPECT_EQ(found->packet_snd, kernel.number("packet_snd")) << kernel.name;
        EXPECT_EQ(found->tpacket_snd, kernel.number("tpacket_snd")) << kernel.name;
        EXPECT_EQ(found->test, kernel.number("test")) << kernel.name;
        EXPECT_EQ(found->branch, kernel.number("branch")) << kernel.name;
    }
}

// tpacket_snd tests the field once more, under its mutex: that is not the branch between the two.
TEST(InlinedBodies, AreNotTakenFromTheSecondTestBehindACall) {
    for (const KernelCode& kernel : kernels()) {
        std::string code = kernel.code;
        const std::uint64_t branch = kernel.number("branch");
        // The branch becomes nops of the same length.
        code.replace(branch, kernel.machine() == Machine::arm64 ? 4 : 6,
                     kernel.machine() == Machine::arm64 ? hex("1f 20 03 d5") : std::string(6, '\x90'));
        const auto found = find(kernel.machine(), code, kernel.number("size"));
        ASSERT_FALSE(found) << kernel.name << ": " << told(found);
        EXPECT_NE(found.error().what.find("before the call at +"), std::string::npos) << found.error().what;
        EXPECT_NE(found.error().what.find("is not branched on"), std::string::npos) << found.error().what;
    }
}

TEST(InlinedBodies, AreRefusedWhenTheBranchLeavesTheFunction) {
    for (const KernelCode& kernel : kernels()) {
        const auto found = find(kernel.machine(), kernel.code, 600);  // all bodies but the next lie beyond
        ASSERT_FALSE(found) << kernel.name << ": " << told(found);
        EXPECT_NE(found.error().what.find("outside of the function"), std::string::npos) << found.error().what;
        EXPECT_TRUE(find(kernel.machine(), kernel.code, 0)) << "with no size known there is no end to leave";
    }
}

// ---- x86_64

const std::string call = hex("e8 fb 00 00 00");            // call __fentry__
const std::string nop5 = hex("0f 1f 44 00 00");            // what ftrace makes of it
const std::string endbr = hex("f3 0f 1e fa");              // endbr64
const std::string push = hex("41 57");                     // push %r15
const std::string cmp = hex("48 83 bb f0 03 00 00 00");    // cmpq $0x0,0x3f0(%rbx)
const std::string load = hex("48 8b 83 f0 03 00 00");      // mov 0x3f0(%rbx),%rax
const std::string load_r14 = hex("4d 8b b5 f0 03 00 00");  // mov 0x3f0(%r13),%r14
const std::string test = hex("48 85 c0");                  // test %rax,%rax
const std::string je = hex("0f 84 00 01 00 00");           // je .+6+0x100
const std::string jne = hex("0f 85 00 01 00 00");          // jne .+6+0x100
const std::string mov = hex("48 89 04 24");                // mov %rax,(%rsp)
const std::string xor_eax = hex("31 c0");                  // xor %eax,%eax
const std::string ret = hex("c3");                         // ret

TEST(InlinedBodiesX86, FollowAComparisonInMemory) {
    EXPECT_EQ(told(find_x86(push + cmp + je)), "272 16 2 10");
    EXPECT_EQ(told(find_x86(endbr + call + push + cmp + je)), "281 25 11 19");
    EXPECT_EQ(told(find_x86(nop5 + push + cmp + mov + je)), "281 25 7 19");
}

TEST(InlinedBodiesX86, ChangeSidesWhenTheBranchIsTurnedRound) {
    EXPECT_EQ(told(find_x86(push + cmp + jne)), "16 272 2 10");
    EXPECT_EQ(told(find_x86(load + test + jne)), "16 272 0 10");
}

TEST(InlinedBodiesX86, FollowALoadedRegister) {
    EXPECT_EQ(told(find_x86(load + test + je)), "272 16 0 10");
    EXPECT_EQ(told(find_x86(load + mov + test + mov + je)), "280 24 0 18");
    EXPECT_EQ(told(find_x86(load_r14 + hex("4d 85 f6") + je)), "272 16 0 10");  // test %r14,%r14
    EXPECT_EQ(told(find_x86(load + hex("48 83 f8 00") + je)), "273 17 0 11");   // cmp $0,%rax
    EXPECT_EQ(told(find_x86(hex("48 8d 93 f0 03 00 00 48 83 3a 00") + je)),
              "273 17 7 11");  // lea, cmpq (%rdx)
}

TEST(InlinedBodiesX86, AreNotFoundWhenFlagsOrRegisterAreOverwritten) {
    EXPECT_FALSE(find_x86(cmp + xor_eax + je));
    EXPECT_FALSE(find_x86(cmp + hex("f0 0f b1 0e") + je));  // lock cmpxchg
    EXPECT_FALSE(find_x86(load + xor_eax + test + je));
    EXPECT_FALSE(find_x86(load + hex("b0 01") + test + je));  // mov $1,%al
    EXPECT_FALSE(find_x86(load + test + xor_eax + je));
    EXPECT_EQ(told(find_x86(cmp + xor_eax + je)),
              "no branch on [reg+0x3f0] in the first 16 bytes of packet_sendmsg; what is read at +0 is not "
              "branched on");
}

TEST(InlinedBodiesX86, AreLookedForBehindATestThatCameToNothing) {
    EXPECT_EQ(told(find_x86(cmp + xor_eax + cmp + je)), "280 24 10 18");
    EXPECT_EQ(told(find_x86(test + je + cmp + je)), "279 23 9 17");
}

TEST(InlinedBodiesX86, AreNotFoundByATestOfSomethingElse) {
    EXPECT_FALSE(find_x86(hex("83 bb f0 03 00 00 00") + je));        // cmpl
    EXPECT_FALSE(find_x86(hex("48 83 bc 24 f0 03 00 00 00") + je));  // on the stack
    EXPECT_FALSE(find_x86(hex("65 48 83 bb f0 03 00 00 00") + je));  // per CPU
    EXPECT_FALSE(find_x86(hex("48 83 bb f0 03 00 00 01") + je));     // compared with 1
    EXPECT_FALSE(find_x86(hex("48 83 bb f8 03 00 00 00") + je));     // another field
    EXPECT_FALSE(find_x86(load + hex("85 c0") + je));                // test %eax,%eax
    EXPECT_FALSE(find_x86(cmp + hex("77 10") + je)) << "ja took the other way";
}

TEST(InlinedBodiesX86, FollowAJumpForwardButNotBackOrOut) {
    EXPECT_EQ(told(find_x86(hex("eb 01") + ret + cmp + je)), "273 17 3 11");  // jmp over ret
    EXPECT_FALSE(find_x86(push + hex("eb fc") + cmp + je));
    EXPECT_EQ(told(find_x86(push + hex("e9 00 01 00 00") + cmp + je)),
              "no branch on [reg+0x3f0] before the jump from +2 to +263 of packet_sendmsg")
        << "in the function, but not in the code at hand";
}

TEST(InlinedBodiesX86, AreNotLookedForBeyondTheStraightLine) {
    EXPECT_EQ(told(find_x86(ret + cmp + je)),
              "no branch on [reg+0x3f0] before the end of the straight line at +0 of packet_sendmsg");
    EXPECT_FALSE(find_x86(hex("ff e0") + cmp + je));  // jmp *%rax
    EXPECT_EQ(told(find_x86(std::string(20, '\x90') + call + cmp + je)),
              "no branch on [reg+0x3f0] before the call at +20 of packet_sendmsg");
    EXPECT_EQ(told(find_x86(std::string(200, '\x90') + cmp + je)),
              "no branch on [reg+0x3f0] in the first 100 instructions of packet_sendmsg");
}

TEST(InlinedBodiesX86, SayWhoseBreakpointHidesTheCode) {
    const auto found = find_x86(push + hex("cc 83 bb f0 03 00 00 00") + je);
    EXPECT_EQ(told(found), "no branch on [reg+0x3f0] before +2 of packet_sendmsg; another kprobe sits at +2");
    EXPECT_FALSE(found.error().remedy.empty());
    EXPECT_EQ(told(find_x86(push + cmp + hex("cc 84 00 01 00 00"))),
              "no branch on [reg+0x3f0] before +10 of packet_sendmsg; what is read at +2 is not branched on; "
              "another kprobe sits at +10");
}

TEST(InlinedBodiesX86, TakeAJumpOutOfTheFunctionForAnOptimisedKprobe) {
    EXPECT_EQ(told(find_x86(push + hex("e9 00 10 00 00 00 00 00") + je)),
              "no branch on [reg+0x3f0] before the jump from +2 to +4103 of packet_sendmsg; another kprobe "
              "sits at +2");
}

TEST(InlinedBodiesX86, StepOverFtracePatchingTheEntry) {
    EXPECT_EQ(told(find_x86(hex("cc 1f 44 00 00") + cmp + je)), "275 19 5 13");
    EXPECT_EQ(told(find_x86(endbr + hex("cc 1f 44 00 00") + cmp + je)), "279 23 9 17");
    EXPECT_FALSE(find_x86(hex("cc fb 00 00 00") + cmp + je)) << "could be anything";
}

TEST(InlinedBodiesX86, AreRefusedWhenASideIsOutside) {
    EXPECT_EQ(told(find_x86(cmp + je, 0x100)),
              "the branch on pg_vec at packet_sendmsg+8 leads to +270, outside of the function");
    EXPECT_EQ(told(find_x86(cmp + hex("0f 84 00 ff ff ff"), 0)),
              "the branch on pg_vec at packet_sendmsg+8 leads to -242, outside of the function");
    EXPECT_EQ(told(find_x86(cmp + je, 14)),
              "the branch on pg_vec at packet_sendmsg+8 leads to +270, outside of the function");
    EXPECT_FALSE(find_x86(cmp + hex("74 00")));
    EXPECT_FALSE(find_x86(cmp + je, 8)) << "the branch stands in the next function";
}

TEST(InlinedBodiesX86, AreNotFoundInTruncatedCode) {
    const std::string code = endbr + call + push + cmp + mov + je;
    for (std::size_t length = 0; length < code.size(); length++)
        EXPECT_FALSE(find_x86(code.substr(0, length))) << length;
    EXPECT_EQ(told(find_x86("")), "no branch on [reg+0x3f0] in the first 0 bytes of packet_sendmsg");
    EXPECT_EQ(told(find_x86(push + cmp.substr(0, 5))),
              "no branch on [reg+0x3f0] before the undecodable bytes at +2 of packet_sendmsg");
}

// ---- arm64

const std::string a_nop = hex("1f 20 03 d5");
const std::string a_bl = hex("04 00 00 94");      // bl .+16
const std::string a_ldr = hex("42 fb 41 f9");     // ldr x2, [x26, #1008]
const std::string a_add = hex("48 c3 0f 91");     // add x8, x26, #1008
const std::string a_cbz = hex("02 08 00 b4");     // cbz x2, .+256
const std::string a_cbnz = hex("02 08 00 b5");    // cbnz x2, .+256
const std::string a_cmp = hex("5f 00 00 f1");     // cmp x2, #0
const std::string a_beq = hex("00 08 00 54");     // b.eq .+256
const std::string a_bne = hex("01 08 00 54");     // b.ne .+256
const std::string a_str = hex("ff 6b 00 b9");     // str wzr, [sp, #104]
const std::string a_mov_w2 = hex("02 00 80 52");  // mov w2, #0
const std::string a_adds = hex("a5 04 00 b1");    // adds x5, x5, #1
const std::string a_brk = hex("80 00 20 d4");     // brk #4: a kprobe (arch/arm64/include/asm/brk-imm.h)

TEST(InlinedBodiesArm64, FollowALoadAndABranchOnTheRegister) {
    EXPECT_EQ(told(find_arm64(a_nop + a_ldr + a_cbz)), "264 12 4 8");
    EXPECT_EQ(told(find_arm64(a_nop + a_ldr + a_str + a_adds + a_cbz)), "272 20 4 16");
    EXPECT_EQ(told(find_arm64(a_nop + a_bl + hex("3f 23 03 d5") + a_ldr + a_cbz)),
              "272 20 12 16");  // paciasp
}

TEST(InlinedBodiesArm64, ChangeSidesWhenTheBranchIsTurnedRound) {
    EXPECT_EQ(told(find_arm64(a_ldr + a_cbnz)), "8 260 0 4");
    EXPECT_EQ(told(find_arm64(a_ldr + a_cmp + a_bne)), "12 264 0 8");
}

TEST(InlinedBodiesArm64, FollowAComparisonWithZero) {
    EXPECT_EQ(told(find_arm64(a_ldr + a_cmp + a_beq)), "264 12 0 8");
    EXPECT_EQ(told(find_arm64(a_ldr + a_cmp + a_str + a_mov_w2 + a_beq)), "272 20 0 16");
    EXPECT_EQ(told(find_arm64(a_ldr + hex("5f 00 02 ea") + a_beq)), "264 12 0 8");  // tst x2, x2
}

TEST(InlinedBodiesArm64, FollowAnAddressMadeBefore) {
    EXPECT_EQ(told(find_arm64(a_add + hex("02 01 40 f9") + a_cbz)), "264 12 4 8");  // ldr x2, [x8]
    EXPECT_EQ(told(find_arm64(a_add + hex("02 fd df c8") + a_cbz)), "264 12 4 8");  // ldar x2, [x8]
    EXPECT_EQ(told(find_arm64(hex("48 63 0f 91 02 0d 40 f9") + a_cbz)),
              "264 12 4 8");  // #984, then [x8, #24]
    EXPECT_FALSE(find_arm64(a_add + hex("08 01 40 f9 02 01 40 f9") + a_cbz)) << "x8 was overwritten";
}

TEST(InlinedBodiesArm64, AreNotFoundWhenFlagsOrRegisterAreOverwritten) {
    EXPECT_FALSE(find_arm64(a_ldr + a_mov_w2 + a_cbz));
    EXPECT_FALSE(find_arm64(a_ldr + a_mov_w2 + a_cmp + a_beq));
    EXPECT_FALSE(find_arm64(a_ldr + a_cmp + a_adds + a_beq));
}

TEST(InlinedBodiesArm64, AreNotFoundByATestOfSomethingElse) {
    EXPECT_FALSE(find_arm64(hex("e2 fb 41 f9") + a_cbz));          // ldr x2, [sp, #1008]
    EXPECT_FALSE(find_arm64(hex("42 f3 43 b9") + a_cbz));          // ldr w2
    EXPECT_FALSE(find_arm64(a_ldr + hex("02 08 00 34")));          // cbz w2
    EXPECT_FALSE(find_arm64(a_ldr + hex("5f 04 00 f1") + a_beq));  // cmp x2, #1
    EXPECT_FALSE(find_arm64(a_add + a_cbz));
}

TEST(InlinedBodiesArm64, AreNotLookedForBeyondTheStraightLine) {
    EXPECT_EQ(told(find_arm64(a_nop + a_nop + a_nop + a_nop + a_bl + a_ldr + a_cbz)),
              "no branch on [reg+0x3f0] before the call at +16 of packet_sendmsg");
    EXPECT_FALSE(find_arm64(hex("c0 03 5f d6") + a_ldr + a_cbz));                                // ret
    EXPECT_EQ(told(find_arm64(hex("02 00 00 14 c0 03 5f d6") + a_ldr + a_cbz)), "268 16 8 12");  // b .+8
    EXPECT_FALSE(find_arm64(a_nop + hex("fe ff ff 17") + a_ldr + a_cbz));                        // b .-8
}

TEST(InlinedBodiesArm64, StepOverABreakpointThatHidesAnotherInstruction) {
    EXPECT_EQ(told(find_arm64(a_brk + a_ldr + a_cbz)), "264 12 4 8");
    EXPECT_EQ(told(find_arm64(a_brk + a_cbz)),
              "no branch on [reg+0x3f0] in the first 8 bytes of packet_sendmsg; another kprobe sits at +0");
    EXPECT_FALSE(find_arm64(a_ldr + a_brk + a_cbz)) << "it may hide a write to x2";
}

TEST(InlinedBodiesArm64, AreRefusedWhenASideIsOutside) {
    EXPECT_FALSE(find_arm64(a_ldr + a_cbz, 0x100));
    EXPECT_FALSE(find_arm64(a_ldr + hex("02 f8 ff b4"), 0));  // cbz x2, .-256
    EXPECT_FALSE(find_arm64(a_ldr + a_cbz.substr(0, 3)));
}

// ---- any bytes

void expect_inside(const Result<InlinedBodies>& found, std::uint64_t limit) {
    if (!found) {
        EXPECT_FALSE(found.error().what.empty());
        return;
    }
    EXPECT_LT(found->packet_snd, limit);
    EXPECT_LT(found->tpacket_snd, limit);
    EXPECT_LE(found->test, found->branch);
    EXPECT_LT(found->branch, limit);
}

TEST(InlinedBodies, TakeRandomBytes) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 10'000; i++) {
        std::string code(random() % 200, '\0');
        std::ranges::generate(code, [&] { return static_cast<char>(random()); });
        expect_inside(find(i % 2 ? Machine::arm64 : Machine::x86_64, code), size);
    }
}

TEST(InlinedBodies, TakeRealCodeWithRandomDamage) {
    std::mt19937_64 random(2);
    for (const KernelCode& kernel : kernels()) {
        for (int i = 0; i < 1'000; i++) {
            std::string code = kernel.code.substr(0, 150);
            for (std::uint64_t hits = random() % 4; hits > 0; hits--)
                code[random() % code.size()] = static_cast<char>(random());
            expect_inside(find(kernel.machine(), code, kernel.number("size")), kernel.number("size"));
        }
    }
}

}  // namespace
}  // namespace sockray
