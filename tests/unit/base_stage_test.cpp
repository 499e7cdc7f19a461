#include "user/base/stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "user/base/plan.h"

namespace sockray {
namespace {

// "SR_STAGE_ALLOC" -> 14, as bpf/records.h says; none of the constants that only count.
std::map<std::string, int> numbers_of(const std::string& prefix) {
    std::ifstream header(SOCKRAY_TEST_DATA "/../../../bpf/records.h");
    const std::regex define("#define (" + prefix + "[A-Z_]+) ([0-9]+).*");
    std::map<std::string, int> numbers;
    std::smatch match;
    for (std::string line; std::getline(header, line);)
        if (std::regex_match(line, match, define)) numbers[match[1]] = std::stoi(match[2]);
    return numbers;
}

TEST(Stages, CoverEveryStageNumberOfTheRecordsOnce) {
    auto numbers = numbers_of("SR_STAGE_");
    ASSERT_EQ(numbers.erase("SR_STAGE_NONE"), 1U);
    ASSERT_EQ(numbers.at("SR_STAGE_COUNT"), static_cast<int>(numbers.size()));
    numbers.erase("SR_STAGE_COUNT");
    std::multiset<int> expected;
    for (const auto& [name, number] : numbers) expected.insert(number);
    std::multiset<int> found;
    for (const StageInfo& info : all_stages) found.insert(static_cast<int>(info.stage));
    EXPECT_EQ(found, expected);
}

TEST(Stages, HaveUniqueNamesThatAKernelSymbolCanHave) {
    std::set<std::string> names;
    for (const StageInfo& info : all_stages) {
        EXPECT_TRUE(names.emplace(info.name).second) << info.name;
        EXPECT_TRUE(std::regex_match(std::string(info.name), std::regex("[a-z_][a-z0-9_]*"))) << info.name;
    }
}

TEST(Stages, OfASendHaveASlotAndThoseOfASocketHaveNone) {
    for (const StageInfo& info : all_stages) {
        const bool creation = info.stage == Stage::sock_create || info.stage == Stage::packet_create;
        EXPECT_EQ(info.slot == -1, creation) << info.name;
        EXPECT_LT(info.slot, SR_SLOT_COUNT) << info.name;
    }
}

TEST(Stages, FillEverySlotOfARecord) {
    std::set<int> slots;
    for (const StageInfo& info : all_stages) slots.insert(info.slot);
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) EXPECT_TRUE(slots.contains(slot)) << slot;
}

TEST(Stages, StandInTheOrderInWhichASendPassesThem) {
    EXPECT_TRUE(std::is_sorted(all_stages.begin(), all_stages.end(),
                               [](const StageInfo& a, const StageInfo& b) { return a.slot < b.slot; }));
}

TEST(Stages, AreFoundByTheirNumber) {
    for (const StageInfo& info : all_stages) {
        EXPECT_EQ(&stage_info(info.stage), &info);
        EXPECT_EQ(stage_name(info.stage), info.name);
    }
    EXPECT_EQ(stage_name(Stage::packet_sendmsg), "packet_sendmsg");
}

TEST(Stages, WithANumberThatNobodyHasAreNone) {
    EXPECT_EQ(stage_name(Stage::none), "none");
    for (int number = SR_STAGE_COUNT; number < 256; number++) {
        EXPECT_EQ(stage_name(static_cast<Stage>(number)), "none") << number;
        EXPECT_EQ(stage_info(static_cast<Stage>(number)).slot, -1) << number;
    }
}

TEST(APlan, IsAskedByStage) {
    Plan plan;
    plan.lines.push_back({Stage::alloc, Evidence::probed, "sock_alloc_send_pskb", 0, "kprobe+kretprobe", ""});
    ASSERT_NE(plan.find(Stage::alloc), nullptr);
    EXPECT_EQ(plan.find(Stage::alloc)->function, "sock_alloc_send_pskb");
    EXPECT_EQ(plan.evidence(Stage::alloc), Evidence::probed);
}

TEST(APlan, KnowsNothingOfAStageWithoutALine) {
    const Plan plan;
    EXPECT_EQ(plan.find(Stage::alloc), nullptr);
    EXPECT_EQ(plan.evidence(Stage::alloc), Evidence::absent);
}

TEST(Evidence, HasTheNamesOfTheVocabulary) {
    EXPECT_EQ(evidence_name(Evidence::probed), "probed");
    EXPECT_EQ(evidence_name(Evidence::located), "located");
    EXPECT_EQ(evidence_name(Evidence::derived), "derived");
    EXPECT_EQ(evidence_name(Evidence::absent), "absent");
}

}  // namespace
}  // namespace sockray
