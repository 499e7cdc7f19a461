// On a machine that cannot trace, and without privileges: exit status 3 with the reason in the first line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

constexpr uid_t nobody = 65534;

// Each of these traces, or reads kernel memory as tracing does.
const std::vector<Words> tracing = {{"run", "-i", "lo", "-c", "1"},
                                    {"run", "-i", "lo", "-c", "1", "--json"},
                                    {"trace", "-c", "1", "--", "true"},
                                    {"trace", "-c", "1", "--json", "--", "true"},
                                    {"trace", "--tree", "--", "true"},
                                    {"top"},
                                    {"top", "-b", "-n", "1"},
                                    {"ops"},
                                    {"ops", "--json"},
                                    {"sockets"},
                                    {"sockets", "--json"},
                                    {"doctor", "--json"}};

#define SKIP_WHERE_TRACING_WORKS() \
    if (!machine_cannot_trace()) GTEST_SKIP() << "this kernel has kprobes: tests/vm says what happens there"

void expect_refused(const Words& words, const Surroundings& surroundings, const std::string& reason) {
    const Ended ended = sockray(words, surroundings);
    EXPECT_EQ(ended.status, 3) << joined(words) << "\n" << ended.err;
    // What a script reads has the reason too.
    const bool tells = words == Words{"doctor", "--json"};
    EXPECT_EQ(ended.out.empty(), !tells) << joined(words);
    if (tells) {
        const auto object = nlohmann::json::parse(ended.out, nullptr, false);
        ASSERT_TRUE(object.is_object()) << ended.out;
        EXPECT_EQ(object.value("type", ""), "obstacle");
        EXPECT_NE(object.value("reason", "").find(reason), std::string::npos) << ended.out;
    }
    EXPECT_TRUE(is_message(ended.err)) << joined(words) << "\n" << ended.err;
    EXPECT_NE(ended.first_error().find(reason), std::string::npos) << joined(words) << "\n" << ended.err;
    EXPECT_GT(ended.err.size(), ended.first_error().size() + 1) << "a remedy: " << joined(words) << "\n" << ended.err;
}

TEST(AMachineWithoutKprobes, RefusesEveryTracingVerbWithTheReasonInTheFirstLine) {
    SKIP_WHERE_TRACING_WORKS();
    if (::getuid() != 0) GTEST_SKIP() << "without root the missing privileges are the first reason";
    for (const Words& words : tracing) {
        // These two only read. ops also wants a kernel that names its data; sockets is refused where nothing may be
        // read at all (lockdown), and works elsewhere.
        if (words.front() == "sockets" && sockray(words).status == 0) continue;
        const bool only_reads = words.front() == "ops" || words.front() == "sockets";
        expect_refused(words, {}, only_reads ? "" : "kprobes");
    }
}

TEST(AMachineWithoutKprobes, LetsDoctorShowTheReasonInItsFirstLineAndTheMachineBelow) {
    SKIP_WHERE_TRACING_WORKS();
    const Ended ended = sockray({"doctor"});
    EXPECT_EQ(ended.status, 3);
    EXPECT_NE(ended.first_line().find("tracing is not possible here"), std::string::npos)
        << "first line: '" << ended.first_line() << "'";
    EXPECT_NE(ended.out.find("kprobes"), std::string::npos);
    EXPECT_NE(ended.out.find("lockdown"), std::string::npos);
    EXPECT_NE(ended.out.find("CONFIG_KPROBE_EVENTS"), std::string::npos) << "the remedy";
}

TEST(WithoutPrivileges, EveryTracingVerbIsRefusedWithWhatIsMissing) {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
    const Surroundings as_nobody{.uid = nobody};
    if (sockray({"--version"}, as_nobody).status == 126) GTEST_SKIP() << "nobody may not run " SOCKRAY_BINARY;
    for (const Words& words : tracing) expect_refused(words, as_nobody, "CAP_");
    const Ended doctor = sockray({"doctor"}, as_nobody);
    EXPECT_EQ(doctor.status, 3);
    EXPECT_NE(doctor.first_line().find("CAP_"), std::string::npos) << "first line: '" << doctor.first_line() << "'";
}

TEST(WithoutPrivileges, HelpAndVersionAreThereForEverybody) {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
    const Surroundings as_nobody{.uid = nobody};
    const int version = sockray({"--version"}, as_nobody).status;
    if (version == 126) GTEST_SKIP() << "nobody may not run " SOCKRAY_BINARY;
    EXPECT_EQ(version, 0);
    EXPECT_EQ(sockray({"trace", "--help"}, as_nobody).status, 0);
}

// Wrong usage is wrong everywhere: what cannot work at all is said before what cannot work here.
TEST(AMachineThatCannotTrace, StillSaysFirstWhatIsWrongWithTheCommandLine) {
    SKIP_WHERE_TRACING_WORKS();
    EXPECT_EQ(sockray({"run", "-i", "lo", "-c", "0"}).status, 2);
    EXPECT_EQ(sockray({"run", "-i", "sockraynosuch", "-c", "1"}).status, 1);
    EXPECT_EQ(sockray({"trace", "--", "sockray-no-such-command"}).status, 1);
    EXPECT_EQ(sockray({"trace", "--btf", "/nonexistent/btf"}).status, 1);
}

TEST(Doctor, EndsWith1WhereTheBtfFileCannotBeReadOnAnyMachine) {
    if (::getuid() != 0) GTEST_SKIP() << "without root the missing privileges are the first reason";
    for (const std::string file : {"/nonexistent/btf", "/", "/etc/passwd"}) {
        EXPECT_EQ(sockray({"doctor", "--btf", file}).status, 1) << file;
        const Ended json = sockray({"doctor", "--json", "--btf", file});
        EXPECT_EQ(json.status, 1) << file;
        EXPECT_NE(json.first_error().find(file), std::string::npos) << json.err;
    }
}

TEST(DoctorsJson, IsThePlanOneObjectALineOrWhatStandsInTheWay) {
    const Ended ended = sockray({"doctor", "--json"});
    const char* type = ended.status == 0 ? "plan" : "obstacle";
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) {
        const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
        ASSERT_TRUE(object.is_object()) << line;
        EXPECT_EQ(object.value("type", ""), type) << line;
    }
}

TEST(TheOutput, HasNoColoursWhereNobodyLooksOrNobodyWantsThem) {
    EXPECT_EQ(sockray({"doctor"}).out.find('\x1b'), std::string::npos) << "a file";
    for (const std::string setting : {"NO_COLOR=1", "TERM=dumb"})
        EXPECT_EQ(sockray({"doctor"}, {.environment = {setting}, .terminal = true}).out.find('\x1b'), std::string::npos)
            << setting;
}

TEST(TheOutput, HasColoursOnATerminal) {
    EXPECT_NE(sockray({"doctor"}, {.environment = {"TERM=xterm", "NO_COLOR="}, .terminal = true}).out.find('\x1b'),
              std::string::npos);
}

TEST(TheOutput, ThatCannotBeWrittenIsSaid) {
    const Ended ended = sockray({"doctor"}, {.output = "/dev/full"});
    EXPECT_NE(ended.status, 0);
    EXPECT_NE(ended.err, "");
}

}  // namespace
}  // namespace sockray
