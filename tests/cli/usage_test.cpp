// The command line: what is understood, and what is refused with exit status 2.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

const Words verbs = {"doctor", "run", "trace", "top", "capture", "diff", "compare-methods", "ops", "sockets"};

// Wrong usage: exit status 2, a message, and nothing that looks like a result.
void expect_usage(const Words& words, const std::string& about = "") {
    const Ended ended = sockray(words);
    EXPECT_EQ(ended.status, 2) << joined(words) << "\n" << shown(ended.err);
    EXPECT_TRUE(is_message(ended.err)) << joined(words) << "\n" << shown(ended.err);
    EXPECT_EQ(ended.out, "") << joined(words);
    EXPECT_NE(ended.err.find(about), std::string::npos) << joined(words) << "\nlacks: " << about << "\n"
                                                        << shown(ended.err);
}

// Not wrong usage: it comes as far as this machine lets it.
void expect_understood(const Words& words) {
    const Ended ended = sockray(words);
    EXPECT_NE(ended.status, 2) << joined(words) << "\n" << shown(ended.err);
    EXPECT_GE(ended.status, 0) << joined(words);
}

// ---- help and version

TEST(Help, OfEachVerbHasAnExample) {
    for (const std::string& verb : verbs)
        for (const std::string flag : {"--help", "-h"}) {
            const Ended ended = sockray({verb, flag});
            EXPECT_EQ(ended.status, 0) << verb;
            EXPECT_EQ(ended.err, "") << verb;
            EXPECT_NE(ended.out.find("Example"), std::string::npos) << verb;
            EXPECT_NE(ended.out.find("sockray " + verb), std::string::npos) << verb << "\n" << ended.out;
        }
}

TEST(Help, NamesEveryVerbAndTheExitStatuses) {
    const Ended ended = sockray({"--help"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.err, "");
    for (const std::string& verb : verbs) EXPECT_NE(ended.out.find("\n  " + verb), std::string::npos) << verb;
    EXPECT_NE(ended.out.find("Exit status: 0 done; 1 the run failed; 2 wrong usage; 3 "), std::string::npos);
}

TEST(Help, FitsIntoATerminalOf120Columns) {
    for (const Words& words : {Words{"--help"}, Words{"doctor", "--help"}, Words{"run", "--help"},
                               Words{"trace", "--help"}, Words{"top", "--help"}, Words{"ops", "--help"}}) {
        const std::string text = sockray(words).out;
        std::size_t begin = 0;
        for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
            EXPECT_LE(end - begin, 120U) << joined(words) << ": " << text.substr(begin, end - begin);
    }
}

TEST(Help, DoesNotNeedTheOptionsThatAVerbRequires) {
    EXPECT_EQ(sockray({"run", "--help"}).status, 0);
    EXPECT_EQ(sockray({"run", "-i", "lo", "--help"}).status, 0);
}

TEST(TheVersion, IsOneLineOnStandardOutput) {
    const Ended ended = sockray({"--version"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.err, "");
    EXPECT_TRUE(ended.out.starts_with("sockray 0.")) << ended.out;
    EXPECT_EQ(ended.out.find('\n'), ended.out.size() - 1) << ended.out;
}

// ---- verbs

TEST(WrongUsage, IsNoVerbAtAll) {
    expect_usage({});
    expect_usage({""});
}

TEST(WrongUsage, IsAnUnknownVerbWhichTheMessageNames) {
    expect_usage({"bogus"}, "bogus");
    expect_usage({"Doctor"}, "Doctor");
    expect_usage({"run2", "-i", "lo"}, "run2");
}

TEST(WrongUsage, IsAnUnknownOptionWhichTheMessageNames) {
    expect_usage({"--bogus"}, "--bogus");
    for (const std::string& verb : verbs) expect_usage({verb, "--bogus"});
    expect_usage({"trace", "--bogus"}, "--bogus");
}

TEST(WrongUsage, IsAnArgumentThatNobodyAskedFor) {
    expect_usage({"trace", "arping"}, "arping");
    expect_usage({"doctor", "now"}, "now");
    expect_usage({"ops", "now"}, "now");
    expect_usage({"run", "-i", "lo", "-c", "1", "now"}, "now");
}

TEST(WrongUsage, IsTwoVerbs) {
    expect_usage({"doctor", "ops"});
}

TEST(WrongUsage, IsARequiredOptionThatIsMissing) {
    expect_usage({"run"}, "--interface");
    expect_usage({"run", "-i", "lo"}, "--count");
    expect_usage({"run", "-c", "1"}, "--interface");
}

TEST(WrongUsage, IsAnOptionWithoutItsValue) {
    for (const std::string option : {"-i",      "-c",      "--size",  "--rate",    "--socket",  "--method", "--threads",
                                     "--ring",  "--batch", "--frame", "--src-mac", "--dst-mac", "--src",    "--dst",
                                     "--sport", "--dport", "--vlan",  "--gso",     "-r",        "--read"})
        expect_usage({"run", option});
    for (const std::string option : {"-i", "-c", "-p", "--comm", "--netns", "--outcome", "--ring"})
        expect_usage({"trace", option});
    for (const std::string option : {"-i", "-c", "--fanout", "--ring", "-w"}) expect_usage({"capture", option});
}

TEST(Top, TakesADelayOfSecondsAndANumberOfPictures) {
    for (const std::string delay :
         {"", "0", "0.05", "-1", "x", "1.", ".5", "1.2345", "1e3", "3601", "9999999999", " 1"})
        expect_usage({"top", "-d", delay}, "--delay");
    for (const std::string number : {"", "0", "-1", "1.5", "x"}) expect_usage({"top", "-n", number}, "--iterations");
    for (const std::string delay : {"0.1", "1", "2.5", "3600"})
        expect_understood({"top", "-b", "-n", "1", "-d", delay, "-i", "sockraynosuch"});
}

TEST(Top, RefusesWhatTraceRefusesAndAnUnknownOrder) {
    expect_usage({"top", "--sort", "size"}, "latency");
    expect_usage({"top", "-p", "0"}, "--pid");
    expect_usage({"top", "--comm", "a-name-of-sixteen"}, "a-name-of-sixte");
    expect_usage({"top", "-i", ""});
    expect_usage({"top", "--ring", "1X"}, "--ring");
    expect_usage({"top", "now"}, "now");
    expect_usage({"top", "--", "true"}, "--");
    EXPECT_EQ(sockray({"top", "-b", "-i", "sockraynosuch"}).status, 1);
}

TEST(WrongUsage, IsAnOptionThatIsGivenTwice) {
    expect_usage({"run", "-i", "lo", "-i", "lo", "-c", "1"});
    expect_usage({"run", "-i", "lo", "-c", "1", "-c", "2"});
}

TEST(WrongUsage, IsACaptureOfNothingOrWithAFilterThatIsNone) {
    expect_usage({"capture"}, "--interface");
    expect_usage({"capture", "arp"}, "--interface");
    expect_usage({"capture", "-i", ""});
    expect_usage({"capture", "-i", "lo", "udp", "prot", "5"}, "udp prot 5");
    expect_usage({"capture", "-i", "lo", ""});
    expect_usage({"capture", "-i", "lo", " "});
    expect_usage({"capture", "-i", "any", "vlan", "5"}, "vlan");
    expect_usage({"capture", "-i", "lo", "-s", "96"}, "--write");
    expect_usage({"capture", "-i", "lo", "--fanout", "65"}, "--fanout");
    expect_usage({"capture", "-i", "lo", "--ring", "2G"}, "--ring");
}

TEST(WrongUsage, IsTwoWaysToShowTheSame) {
    expect_usage({"trace", "--tree", "--json"});
    expect_usage({"trace", "--without-hooks", "--json"});
    expect_usage({"trace", "--without-hooks", "--no-calibrate"});
    expect_usage({"report", "--without-hooks", "--csv", "x"});
}

TEST(WrongUsage, IsAnOptionThatWouldChangeNothing) {
    expect_usage({"report", "--without-hooks", "--html", "/nowhere/page.html", "x"}, "--html");
    expect_usage({"report", "--without-hooks", "--folded", "-", "x"}, "--folded");
    for (const std::vector<std::string>& of_tracing :
         {std::vector<std::string>{"--stages", "full"}, {"--btf", "/sys/kernel/btf/vmlinux"}}) {
        std::vector<std::string> words{"capture", "-i", "lo", "--no-trace"};
        words.insert(words.end(), of_tracing.begin(), of_tracing.end());
        expect_usage(words, of_tracing[0]);
    }
    for (const std::vector<std::string>& of_tracing : {std::vector<std::string>{"--stages", "full"},
                                                       {"--btf", "/sys/kernel/btf/vmlinux"},
                                                       {"--in-flight", "10"},
                                                       {"--backend", "kprobe"},
                                                       {"--ring", "1M"}}) {
        std::vector<std::string> words{"compare-methods", "-i", "lo", "--no-trace"};
        words.insert(words.end(), of_tracing.begin(), of_tracing.end());
        expect_usage(words, of_tracing[0]);
    }
}

TEST(WrongUsage, IsAnUnknownSocketOrMethodAndTheMessageNamesWhatThereIs) {
    const Ended socket = sockray({"run", "-i", "lo", "-c", "1", "--socket", "stream"});
    EXPECT_EQ(socket.status, 2);
    EXPECT_NE(socket.err.find("raw"), std::string::npos) << socket.err;
    EXPECT_NE(socket.err.find("dgram"), std::string::npos) << socket.err;
    const Ended method = sockray({"run", "-i", "lo", "-c", "1", "--method", "splice"});
    EXPECT_EQ(method.status, 2);
    EXPECT_NE(method.err.find("sendmsg"), std::string::npos) << method.err;
    // The numbers of the enumerators are nobody's business.
    expect_usage({"run", "-i", "lo", "-c", "1", "--socket", "0"});
    EXPECT_EQ(socket.err.find("->"), std::string::npos) << socket.err;
}

// ---- numbers

struct Written {
    const char* name;
    std::string text;
};

void PrintTo(const Written& written, std::ostream* out) {
    *out << written.name;
}

class ANumber : public testing::TestWithParam<Written> {};

TEST_P(ANumber, ThatIsNoneIsWrongUsageEverywhere) {
    const std::string number = GetParam().text;
    for (const std::string option :
         {"-c", "--count", "--rate", "--size", "--threads", "--ring", "--batch", "--vlan", "--gso"}) {
        Words words{"run", "-i", "lo", option, number};
        if (option != "-c" && option != "--count") words.insert(words.end(), {"-c", "1"});
        expect_usage(words);
    }
    for (const std::string option : {"-c", "-p", "--ring"}) expect_usage({"trace", option, number});
    for (const std::string option : {"-c", "--fanout", "--ring"}) expect_usage({"capture", "-i", "lo", option, number});
}

INSTANTIATE_TEST_SUITE_P(
    Written, ANumber,
    testing::Values(Written{"Empty", ""}, Written{"ABlank", " "}, Written{"ALetter", "x"}, Written{"MinusOne", "-1"},
                    Written{"Zero", "0"}, Written{"AFraction", "1.5"}, Written{"WithAComma", "1,000"},
                    Written{"APrefixAlone", "0x"}, Written{"AnExponent", "1e9"}, Written{"Dashes", "--"},
                    Written{"TwentyDigits", "99999999999999999999"}, Written{"TwoToThe64", "18446744073709551616"},
                    Written{"MinusTwoToThe64PlusOne", "-18446744073709551615"}, Written{"TwoNumbers", "1 2"},
                    Written{"ANewline", "\n"}, Written{"AHalf", "½"}),
    [](const auto& info) { return info.param.name; });

TEST(ANumberInRange, IsUnderstood) {
    for (const std::string number : {"1", "1000000000", "18446744073709551615"})
        expect_understood({"run", "-i", "sockraynosuch", "-c", number});
    for (const std::string size : {"1", "4096", "64K", "64k", "8M", "8m", "1G"})
        expect_understood({"run", "-i", "sockraynosuch", "-c", "1", "--ring", size});
}

TEST(ARing, OfASizeThatMakesNoSenseIsWrongUsage) {
    for (const std::string size : {"0", "1X", "999G", "2G", "-1", "K", "1.5M", "1e6", "99999999999999999999G", "0K"}) {
        expect_usage({"run", "-i", "lo", "-c", "1", "--ring", size}, "--ring");
        expect_usage({"trace", "--ring", size}, "--ring");
    }
}

TEST(Threads, OutOfRangeAreWrongUsage) {
    for (const std::string count : {"0", "257", "100000", "4294967297", "-1"})
        expect_usage({"run", "-i", "lo", "-c", "1", "--threads", count}, "--threads");
}

TEST(ASize, ThatNoFrameCanHaveIsWrongUsageInTheWordsOfWhoAskedForIt) {
    for (const std::string size : {"0", "1", "13", "29"}) expect_usage({"run", "-i", "lo", "-c", "1", "--size", size});
    expect_usage({"run", "-i", "lo", "-c", "1", "--size", "1000000"}, "1000000");
    const Ended ended = sockray({"run", "-i", "lo", "-c", "1", "--size", "-1"});
    EXPECT_EQ(ended.status, 2);
    EXPECT_EQ(ended.err.find("18446744073709551615"), std::string::npos) << ended.err;
}

// ---- the ways to send

TEST(AWayToSend, ThatTheKernelRefusesIsWrongUsageWithItsReason) {
    const Words run{"run", "-i", "lo", "-c", "1"};
    const auto expect_reason = [&](Words words, const std::string& reason) {
        words.insert(words.begin(), run.begin(), run.end());
        expect_usage(words, reason);
    };
    expect_reason({"--socket", "packet", "--method", "write"}, "packet_sendmsg_spkt");
    expect_reason({"--socket", "packet", "--method", "ring-v2"}, "packet_ops_spkt");
    expect_reason({"--socket", "packet", "--bypass"}, "packet_ops_spkt");
    expect_reason({"--socket", "dgram", "--vnet-hdr"}, "packet_setsockopt");
    expect_reason({"--socket", "dgram", "--src-mac", "02:00:00:00:00:01"}, "dev_hard_header");
    expect_reason({"--batch", "8"}, "one frame a call");
    expect_reason({"--batch", "1025", "--method", "sendmmsg"}, "--batch");
    expect_reason({"--method", "ring-v3", "--batch", "1024", "--size", "65000", "--threads", "32"}, "memory");
}

TEST(AFrame, ThatCannotBeBuiltIsWrongUsage) {
    const Words run{"run", "-i", "lo", "-c", "1"};
    const auto expect_reason = [&](Words words, const std::string& reason) {
        words.insert(words.begin(), run.begin(), run.end());
        expect_usage(words, reason);
    };
    expect_reason({"--frame", "icmp"}, "udp6");
    expect_reason({"--src", "10.0.0.1"}, "--src");
    expect_reason({"--frame", "ipv4", "--dport", "1"}, "--dport");
    expect_reason({"--frame", "udp", "--dst", "2001:db8::1"}, "IPv4");
    expect_reason({"--frame", "tcp", "--size", "69"}, "at least 70");
    expect_reason({"--size", "1514-60"}, "wrong way round");
    expect_reason({"--frame", "udp", "--gso", "1000"}, "virtio_net_hdr");
    expect_reason({"--gso", "1000", "--vnet-hdr"}, "virtio_net_hdr_to_skb");
    expect_reason({"--vlan", "4095"}, "--vlan");
    expect_reason({"--sport", "65536"}, "--sport");
    expect_reason({"--dst-mac", "ff:ff:ff:ff:ff"}, "--dst-mac");
    expect_reason({"--rate", "fast"}, "--rate");
    expect_reason({"-r", "frames.pcap", "--size", "60"}, "--size");
}

TEST(AFileOfFrames, ThatCannotBeReadFailsBeforeAnythingIsLoadedAndIsNamed) {
    for (const std::string path : {"/nonexistent.pcap", "/etc/passwd", "/", "/dev/null"}) {
        const Ended ended = sockray({"run", "-i", "lo", "-r", path});
        // Without an interface that is up it does not come so far.
        EXPECT_EQ(ended.status, 1) << path << "\n" << shown(ended.err);
        EXPECT_TRUE(is_message(ended.err)) << shown(ended.err);
        EXPECT_EQ(ended.out, "");
    }
}

TEST(AProcess, IsAPositiveNumber) {
    for (const std::string pid : {"0", "-1", "self", "4294967296", "99999999999"})
        expect_usage({"trace", "-p", pid}, "--pid");
}

// ---- a command behind --

TEST(ACommand, MayOnlyFollowTrace) {
    expect_usage({"run", "-i", "lo", "-c", "1", "--", "true"}, "--");
    expect_usage({"doctor", "--", "true"}, "--");
    expect_usage({"ops", "--", "true"}, "--");
    expect_usage({"--", "true"});
}

TEST(AnExpression, ThatLibpcapDoesNotTakeIsRefusedWithItsWordsBeforeAnythingIsTraced) {
    for (const Words& verb : {Words{"trace"}, Words{"run", "-i", "lo", "-c", "1"}}) {
        Words words = verb;
        words.insert(words.end(), {"udp", "prot", "53"});
        expect_usage(words, "'udp prot 53' cannot be used");
        words.resize(verb.size());
        words.emplace_back("ifindex 3");
        expect_usage(words, "not in the frame's bytes");
        words.back() = "";
        expect_usage(words, "expression");
    }
}

TEST(ASelection, ThatIsNoneIsRefused) {
    expect_usage({"trace", "--netns", "no-such-namespace"}, "no-such-namespace");
    expect_usage({"trace", "--netns", "/dev/null"}, "/dev/null");
    expect_usage({"trace", "--netns", "1", "-i", "lo"}, "--netns");
    expect_usage({"trace", "--outcome", "lost"}, "delivered, dropped, failed, queued, unknown");
    expect_usage({"run", "-i", "lo", "-c", "1", "--outcome", "dropped,"}, "--outcome");
}

TEST(ACommand, MustStandBehindTheDashes) {
    expect_usage({"trace", "--"}, "--");
    expect_usage({"trace", "-i", "lo", "--"}, "--");
    expect_usage({"--"});
}

TEST(ACommand, ExcludesAProcess) {
    expect_usage({"trace", "-p", "1", "--", "true"}, "-p");
}

TEST(ACommand, KeepsItsOwnOptions) {
    for (const Words& command : {Words{"true", "--json", "--bogus"}, Words{"true", "-i", "lo"},
                                 Words{"true", "--", "x"}, Words{"true", "--help"}, Words{"true", "--version"}}) {
        Words words{"trace", "--"};
        words.insert(words.end(), command.begin(), command.end());
        expect_understood(words);
        EXPECT_EQ(sockray(words).out.find("Usage"), std::string::npos) << joined(words);
    }
}

TEST(ACommand, ThatDoesNotExistFailsBeforeAnythingIsLoadedAndIsNamed) {
    const Ended ended = sockray({"trace", "--", "sockray-no-such-command"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.err.find("sockray-no-such-command"), std::string::npos) << ended.err;
    EXPECT_TRUE(is_message(ended.err)) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(sockray({"trace", "--", "/nonexistent/command"}).status, 1);
    EXPECT_EQ(sockray({"trace", "--", "/etc/passwd"}).status, 1);
    EXPECT_EQ(sockray({"trace", "--", "/"}).status, 1);
    EXPECT_EQ(sockray({"trace", "--", ""}).status, 1);
}

// ---- names

TEST(AnInterface, ThatDoesNotExistIsNamedAmongThoseThatDo) {
    for (const Words& words : {Words{"run", "-c", "1", "-i", "sockraynosuch"}, Words{"trace", "-i", "sockraynosuch"}}) {
        const Ended ended = sockray(words);
        EXPECT_EQ(ended.status, 1) << joined(words);
        EXPECT_NE(ended.first_error().find("sockraynosuch"), std::string::npos) << ended.err;
        EXPECT_NE(ended.first_error().find("lo"), std::string::npos) << ended.err;
        EXPECT_EQ(ended.out, "");
    }
}

// What an unset variable leaves behind must not trace everything.
TEST(AnEmptyName, IsWrongUsageAndNotTheSameAsNone) {
    expect_usage({"run", "-i", "", "-c", "1"});
    expect_usage({"trace", "-i", ""});
    expect_usage({"trace", "--comm", ""});
}

TEST(AComm, ThatIsTooLongIsWrongUsageWithTheNameThatTheKernelKeeps) {
    expect_usage({"trace", "--comm", "a-name-of-sixteen"}, "a-name-of-sixte");
    expect_understood({"trace", "--comm", "fifteen-bytes--", "-i", "sockraynosuch"});
}

TEST(AProcess, ThatDoesNotExistIsNamed) {
    const Ended ended = sockray({"trace", "-p", "4194305"});  // beyond PID_MAX_LIMIT
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.err.find("4194305"), std::string::npos) << ended.err;
    EXPECT_TRUE(is_message(ended.err)) << ended.err;
}

}  // namespace
}  // namespace sockray
