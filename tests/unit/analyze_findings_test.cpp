// The findings as a whole, and their words.
#include "user/analyze/findings/findings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/findings_session.h"
#include "user/analyze/findings/words.h"

namespace sockray {
namespace {

using made::evidence;
using made::says;
using made::Session;

TEST(Findings, AreNoneInAnEmptySession) {
    Session session;
    EXPECT_TRUE(session.end().empty());
}

TEST(Findings, AreNoneWhereEverySendWasDeliveredWithoutHaste) {
    Session session;
    for (std::uint64_t i = 0; i < 2000; i++) session.add(made::rested(i));
    EXPECT_TRUE(session.end().empty());
    EXPECT_EQ(session.findings.sends(), 2000U);
}

TEST(Findings, StandInTheOrderOfTheirCost) {
    Session session;
    session.add(50, made::delivered());
    session.add(10, made::failed());  // ENETDOWN
    Send refused = made::failed();
    refused.record.ret = -90;  // EMSGSIZE
    session.add(40, refused);
    const auto& found = session.end();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].rule, "frame-length");
    EXPECT_DOUBLE_EQ(found[0].cost, 0.4);
    EXPECT_EQ(found[1].rule, "interface-down");
    EXPECT_DOUBLE_EQ(found[1].cost, 0.1);
}

TEST(Findings, StandInTheOrderOfWhatTheyCostFramesThenTimeThenNothing) {
    Session session;
    Send bypass = made::delivered();
    bypass.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    made::pass(bypass.record, SR_SLOT_COPY, Stage::copy, 1'002'900, 1'008'900);
    session.add(990, bypass);
    session.add(10, made::failed());
    const auto& found = session.end();
    std::vector<std::string> rules;
    for (const Finding& finding : found) rules.push_back(finding.rule);
    EXPECT_EQ(rules, (std::vector<std::string>{"interface-down", "copies", "bypass"}));
    EXPECT_LT(found[0].cost, found[2].cost);
    EXPECT_EQ(found[0].kind, FindingKind::loss);
    EXPECT_EQ(found[1].kind, FindingKind::time);
    EXPECT_EQ(found[2].kind, FindingKind::information);
}

TEST(Findings, CountEachLostSendOnce) {
    Session session;
    for (const int err : {6, 11, 19, 22, 90, 93, 100, 105}) {
        Send refused = made::failed();
        refused.record.ret = -err;
        session.add(10, refused);
    }
    session.add(10, made::dropped());
    session.add(10, made::delivered());
    double lost = 0;
    for (const Finding& finding : session.end()) lost += finding.cost;
    EXPECT_NEAR(lost, 0.9, 1e-9);
}

TEST(Findings, PassOverWhatIsRarerThanOneInAThousand) {
    Session session;
    for (std::uint64_t i = 0; i < 4000; i++) session.add(made::rested(i));
    session.add(3, made::failed());
    EXPECT_TRUE(session.end().empty());
}

TEST(Findings, NameAFewOfTheSends) {
    Session session;
    session.add(5, made::delivered());
    session.add(7, made::failed());
    session.end();
    ASSERT_TRUE(session.found("interface-down"));
    EXPECT_EQ(session.found("interface-down")->sends, (std::vector<std::uint64_t>{6, 7, 8}));
    EXPECT_EQ(session.found("interface-down")->more_sends, 4U);
}

TEST(Findings, SayOfARuleWhoseStageWasNotTracedThatItSawNothing) {
    Session all;
    for (const auto& subject : all.findings.looked().subjects) EXPECT_EQ(subject.needs, Stage::none) << subject.text;
    Session less(made::plan_without(Stage::copy));
    int blind = 0;
    for (const auto& subject : less.findings.looked().subjects) blind += subject.needs == Stage::copy;
    EXPECT_EQ(blind, 1);
    EXPECT_EQ(less.findings.looked().subjects.size(), all.findings.looked().subjects.size());
}

std::vector<std::string> unseen(const Session& session, Sight sight) {
    std::vector<std::string> subjects;
    for (const Subject& subject : session.findings.looked().subjects)
        if (subject.sight == sight) subjects.emplace_back(subject.text);
    return subjects;
}

TEST(Findings, SayWhichOfTheThingsThatARuleLooksAtItSawNothingOf) {
    Plan plan = made::plan_without(Stage::packet_rcv);
    EXPECT_TRUE(unseen(Session(plan), Sight::not_traced).empty()) << "tpacket_rcv tells of receivers too";
    *plan.find(Stage::tpacket_rcv) = {Stage::tpacket_rcv, Evidence::absent, "", 0, "none", "not asked for (--stages)"};
    EXPECT_EQ(unseen(Session(plan), Sight::not_traced),
              (std::vector<std::string>{"receivers that run inside of sends", "receivers without room"}));
    *plan.find(Stage::start_xmit) = {Stage::start_xmit, Evidence::absent, "", 0, "none", ""};
    EXPECT_EQ(unseen(Session(plan), Sight::not_traced),
              (std::vector<std::string>{"one of several transmit queues that carries everything",
                                        "softirqs that make a tail of slow sends", "receivers that run inside of sends",
                                        "receivers without room"}));
}

TEST(Findings, TellAStageThatWasNotAskedForFromOneThatTheKernelHasNot) {
    const Plan plan = made::plan_without(Stage::copy);
    const made::Names names;
    Origin origin;
    for (const StageSet stages : {full_stages, chain_stages}) {
        origin.stages = stages;
        Findings findings;
        findings.begin(origin, plan, names);
        findings.end({});
        const Sight expected = stages == full_stages ? Sight::not_there : Sight::not_traced;
        for (const Subject& subject : findings.looked().subjects) {
            const bool copies = subject.text == "copies that dominate";
            EXPECT_EQ(subject.sight, copies ? expected : Sight::whole) << subject.text;
        }
    }
}

TEST(Findings, QuoteNamesOfInterfacesInTheCommandsThatTheyAdvise) {
    Session session;
    Send refused = made::failed();
    made::set(refused.record.ifname, "a;reboot");
    session.add(10, refused);
    session.end();
    ASSERT_TRUE(session.found("interface-down"));
    EXPECT_TRUE(says(session.found("interface-down")->advice, "ip link set dev 'a;reboot' up"))
        << session.found("interface-down")->advice;
}

TEST(FindingWords, GiveSharesSoThatSomeAreNotNoneAndNearlyAllAreNotAll) {
    EXPECT_EQ(percent(0), "0 %");
    EXPECT_EQ(percent(0.00004), "< 0.01 %");
    EXPECT_EQ(percent(0.0004), "0.04 %");
    EXPECT_EQ(percent(0.0025), "0.25 %");
    EXPECT_EQ(percent(0.078), "7.8 %");
    EXPECT_EQ(percent(0.7806), "78 %");
    EXPECT_EQ(percent(0.9901), "99 %");
    EXPECT_EQ(percent(0.997), "99.7 %");
    EXPECT_EQ(percent(0.9999), "> 99.9 %");
    EXPECT_EQ(percent(1), "100 %");
    EXPECT_EQ(percent(0.5, "%"), "50%");
    EXPECT_EQ(of_sends(3120, 4000), "3120 of 4000 sends (78 %)");
    EXPECT_EQ(share(3, 0), 0);
}

TEST(FindingWords, MakeAnyNameOneWordOfAShell) {
    EXPECT_EQ(shell_word("eth0.7@x"), "eth0.7@x");
    EXPECT_EQ(shell_word("-rf"), "'-rf'");
    EXPECT_EQ(shell_word("$(reboot)"), "'$(reboot)'");
    EXPECT_EQ(shell_word("a'b"), "'a'\\''b'");
    EXPECT_EQ(shell_word(""), "IFACE");
}

TEST(FindingWords, KeepTheSendsWithTheLargestValues) {
    Examples examples;
    for (std::uint64_t id = 1; id <= 100; id++) examples.add(made::delivered(id), id % 50);
    Finding finding;
    examples.put_into(finding);
    EXPECT_EQ(finding.sends, (std::vector<std::uint64_t>{48, 49, 99}));
    EXPECT_EQ(finding.more_sends, 97U);
    ASSERT_EQ(finding.examples.size(), 3U);
    EXPECT_EQ(finding.examples[1].id, 49U);
    EXPECT_STREQ(finding.examples[1].record.comm, "arping");
    Finding some;
    examples.put_into(some, 10);
    EXPECT_EQ(some.more_sends, 7U);
    Finding none;
    Examples().put_into(none);
    EXPECT_TRUE(none.sends.empty() && none.examples.empty() && !none.more_sends);
}

TEST(FindingWords, CountNamesAndThoseBeyondTheirBound) {
    NameCounts names;
    for (std::size_t i = 0; i < NameCounts::kept + 5; i++) names.add("name" + std::to_string(i));
    names.add("name7");
    EXPECT_EQ(names.first(), "name7");
    EXPECT_EQ(names.listed(), "name7 2, name0 1, name1 1, name2 1, others 33");
}

}  // namespace
}  // namespace sockray
