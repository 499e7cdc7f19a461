// What sockray's programs may grow to (tests/bench/budget.txt): a program that walks the verifier through more, or has
// more instructions, costs every traced send, and no clock is needed to see it.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <sstream>

#include "tests/bench/programs.h"
#include "tests/vm/kernel.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

struct Budget {
    std::uint32_t verified = 0;
    std::uint32_t instructions = 0;
};

// By the name of the program. Lines: NAME VERIFIED INSTRUCTIONS; what begins with # says why.
std::map<std::string, Budget> read_budgets() {
    std::map<std::string, Budget> budgets;
    std::istringstream lines(read_file(beside_test("budget.txt")));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string name;
        Budget budget;
        if (words >> name >> budget.verified >> budget.instructions) budgets[name] = budget;
    }
    return budgets;
}

// "" or by how much it is over.
std::string excess(const std::string& what, std::uint32_t has, std::uint32_t may) {
    if (has <= may) return "";
    return std::to_string(has) + " " + what + ", its budget is " + std::to_string(may) + ": " +
           std::to_string(has - may) + " (" + std::to_string(100ULL * (has - may) / std::max(may, 1U)) + " %) too many";
}

std::vector<bench::LoadedProgram> programs_of(const Arguments& words) {
    const auto before = bench::loaded_programs();
    Process tracing = start_sockray(words);
    std::vector<bench::LoadedProgram> programs;
    if (tracing.wait_for_err("ready")) programs = bench::loaded_programs(before.empty() ? 0 : before.back().id);
    tracing.signal(SIGINT);
    tracing.finish();
    return programs;
}

class Programs : public KernelTest {
  protected:
    static void expect_in_budget(const std::string& kind, const std::string& stages) {
        expect_in_budget(programs_of({"trace", "--no-calibrate", "--backend", kind, "--stages", stages}),
                         kind + ", " + stages);
    }
    static void expect_in_budget(const std::vector<bench::LoadedProgram>& programs, const std::string& what) {
        static const std::map<std::string, Budget> budgets = read_budgets();
        EXPECT_FALSE(programs.empty()) << what;
        for (const bench::LoadedProgram& one : programs) {
            const auto budget = budgets.find(one.name);
            if (budget == budgets.end()) {
                ADD_FAILURE() << one.name << " (" << what << ") has no line in tests/bench/budget.txt: " << one.verified
                              << " instructions verified, " << one.instructions << " instructions";
                continue;
            }
            for (const std::string& words : {excess("instructions verified", one.verified, budget->second.verified),
                                             excess("instructions", one.instructions, budget->second.instructions)})
                EXPECT_EQ(words, "") << one.name << " (" << what << ") has " << words;
        }
    }
};

TEST_F(Programs, for_kprobes_keep_their_budget_of_instructions) {
    expect_in_budget("kprobe", "full");
}

TEST_F(Programs, for_fentry_keep_their_budget_of_instructions) {
    expect_in_budget("fentry", "full");
    expect_in_budget("fentry", "chain");
}

TEST_F(Programs, for_kprobe_multi_keep_their_budget_of_instructions) {
    if (!has_fprobe()) GTEST_SKIP() << "this kernel has no fprobe";
    expect_in_budget("kprobe-multi", "full");
}

TEST_F(Programs, for_the_taps_of_a_capture_keep_their_budget_and_are_there_for_no_other) {
    const auto has_taps = [](const std::vector<bench::LoadedProgram>& programs) {
        return std::ranges::any_of(programs, [](const auto& one) { return one.name.starts_with("tap_"); });
    };
    const std::vector<bench::LoadedProgram> of_capture = programs_of({"capture", "-i", "veth0"});
    EXPECT_TRUE(has_taps(of_capture));
    EXPECT_FALSE(has_taps(programs_of({"trace", "--no-calibrate"})));
    expect_in_budget(of_capture, "capture");
}

}  // namespace
}  // namespace sockray::vm
