// tools/wireshark/sockray.lua has the names of stages and of the comment's keys by hand: they are those of the program.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/base/format.h"
#include "user/record/comment.h"

namespace sockray {
namespace {

// What stands in quotes between the braces of `local NAME = { ... }`, in order.
std::vector<std::string> list_in_lua(const std::string& name) {
    std::ifstream in(SOCKRAY_TEST_DATA "/../../../tools/wireshark/sockray.lua");
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const std::size_t begin = text.find("local " + name + " = {");
    EXPECT_NE(begin, std::string::npos) << name;
    if (begin == std::string::npos) return {};
    const std::string list = text.substr(begin, text.find('}', begin) - begin);
    const std::regex word("\"([^\"]*)\"");
    std::vector<std::string> words;
    for (std::sregex_iterator at(list.begin(), list.end(), word), end; at != end; ++at) words.push_back((*at)[1]);
    return words;
}

std::set<std::string> keys_of(const Send& send, const Plan& plan) {
    fmt::memory_buffer out;
    const made::Names names;
    Comments(plan, names).append(out, send);
    const std::string text = fmt::to_string(out);
    const std::regex key("(?:^| )([\\w]+)=");
    std::set<std::string> keys;
    for (std::sregex_iterator at(text.begin(), text.end(), key), end; at != end; ++at) keys.insert((*at)[1]);
    return keys;
}

TEST(ThePostDissector, KnowsAllStagesThatASendPasses) {
    std::vector<std::string> stages;
    for (const StageInfo& info : all_stages)
        if (info.slot >= 0) stages.emplace_back(info.name);
    EXPECT_EQ(list_in_lua("stages"), stages);
}

TEST(ThePostDissector, KnowsAllKeysOfTheComment) {
    Send full = made::followed();
    sr_send& record = full.record;
    record.flags |= SR_SEND_RETURNED | SR_SEND_PASSED_ON;
    record.ret = -90;
    record.tx_queue = record.segments = record.receivers = 2;
    record.ndo_fn = 6;
    made::set(record.qdisc, "fq");
    made::set(record.ifname, "veth0");
    made::set(record.passed_on_to, "eth0");
    full.reason = "EMSGSIZE";
    full.end_stage = Stage::packet_snd;
    full.frame.bypass = true;
    full.also_received.push_back({});
    std::set<std::string> keys = keys_of(full, made::plan(true));
    keys.merge(keys_of(made::delivered(), made::plan()));
    std::set<std::string> in_lua;
    for (const char* list : {"numbers", "texts"})
        for (const std::string& key : list_in_lua(list)) in_lua.insert(key);
    std::set<std::string> of_sends = keys;
    for (const StageInfo& info : all_stages) of_sends.erase(std::string(info.name));
    EXPECT_EQ(in_lua, of_sends);
    EXPECT_LT(of_sends.size(), keys.size()) << "no stage among the keys";
}

}  // namespace
}  // namespace sockray
