// The screen of top and what stands on it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/live/sparkline.h"
#include "user/live/top_columns.h"
#include "user/live/top_ledger.h"
#include "user/live/top_screen.h"
#include "user/live/top_state.h"

namespace sockray {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

struct Size {
    int width;
    int height;
};
constexpr Size sizes[] = {{80, 24}, {40, 10}, {200, 60}, {132, 43}, {20, 5}, {10, 3}, {3, 2}, {1, 1}, {80, 7}};

Style style_for(const Size& size, bool utf8 = true, bool color = false) {
    return {color, utf8, size.width, true};
}

// Three senders of whom one loses, a little of everything else.
struct Session {
    ActivitySink sink;
    Ledger ledger;

    Session() {
        Origin origin;
        origin.start_ns = second;
        sink.begin(origin, {}, made::Names{});
    }
    void add(Send send, int times, std::uint32_t pid, std::string_view comm, std::string_view ifname = "veth0") {
        send.record.pid = pid;
        made::set(send.record.comm, comm);
        made::set(send.record.ifname, ifname);
        for (int i = 0; i < times; i++) {
            sink.send(send);
            ledger.decoded++;
            ledger.sends.seen++;
            ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
        }
    }
    void close(std::uint64_t seconds) { sink.close_interval((1 + seconds) * second); }
    TopScreen screen(const Size& size, const TopState& state = {}, bool utf8 = true, bool color = false) const {
        return top_screen(sink.activity(), ledger, state, size.height, style_for(size, utf8, color));
    }
    std::string text(const Size& size, const TopState& state = {}) const {
        std::string all;
        for (const std::string& line : screen(size, state).lines) all += line + "\n";
        return all;
    }
};

void add_usual(Session& session) {
    session.add(made::delivered(), 500, 100, "trafgen", "enp65s0f1np1");
    session.add(made::delivered(1, second, 20), 40, 200, "tcpreplay", "veth0");
    session.add(made::dropped(), 7, 200, "tcpreplay", "veth0");
    session.add(made::failed(), 3, 300, "a-name-of-fifte", "wlan0");
    session.add(made::ring(), 60, 4194303, "netsniff-ng", "veth1");
    session.add(made::followed(), 2, 5, "lldpd", "veth2");
}

struct Usual : Session {
    Usual() {
        for (std::uint64_t i = 1; i <= 30; i++) {
            add_usual(*this);
            close(i);
        }
    }
};

std::size_t line_with(const std::vector<std::string>& lines, std::string_view text) {
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const std::string& line) { return line.find(text) != std::string::npos; });
    return static_cast<std::size_t>(found - lines.begin());
}

// ---- texts

TEST(ACount, IsWholeWhereItFitsAndThreeDigitsElsewhere) {
    EXPECT_EQ(count_text(0, 6), "0");
    EXPECT_EQ(count_text(999'999, 6), "999999");
    EXPECT_EQ(count_text(1'000'000, 6), "1.00M");
    EXPECT_EQ(count_text(999'960, 5), "1.00M");
    EXPECT_EQ(count_text(123'456, 5), "123k");
    EXPECT_EQ(count_text(UINT64_MAX, 6), "18.4E");
    EXPECT_EQ(rate_text(0.5, 7), "0.5");
    EXPECT_EQ(rate_text(0, 7), "0");
    EXPECT_EQ(rate_text(9.99, 7), "10");
}

TEST(ASparkline, GoesFromZeroToItsLargestValue) {
    EXPECT_EQ(sparkline({0, 1, 4, 8}, 4, true), " ▁▄█");
    EXPECT_EQ(sparkline({0, 1, 4, 8}, 4, false), " .=@");
    EXPECT_EQ(sparkline({0, 0}, 3, true), "   ");
    EXPECT_EQ(sparkline({1e-9, 1e9}, 2, true), "▁█");
    EXPECT_EQ(sparkline({9, 9, 1, 2}, 2, true), "▄█") << "the last ones";
    EXPECT_EQ(columns(sparkline({5}, 6, true)), 6);
    EXPECT_EQ(sparkline({5}, 0, true), "");
}

TEST(TheLedgerLine, BalancesWhileSendsAreUnderWay) {
    Ledger ledger;
    ledger.sends.seen = 110;
    ledger.decoded = 100;
    ledger.decoded_by_outcome = {97, 2, 0, 0, 1};
    ledger.sends.lost = {.no_room = 4, .missed = 6, .no_seat = 0, .rejected = 0};
    EXPECT_EQ(open_sends(ledger), 6U);
    EXPECT_EQ(top_ledger_line(ledger, style_for({120, 24})),
              "LEDGER 110 = delivered 97 + dropped 2 + failed 0 + queued 0 + unknown 5 + under way 6");
    EXPECT_EQ(top_ledger_line(ledger, style_for({72, 24})),
              "LEDGER 110 = delivered 97 + dropped 2 + unknown 5 + under way 6");
    EXPECT_EQ(top_ledger_line(ledger, style_for({40, 24})), "LEDGER 110 = delivered 97 + dropped 2 ..");
    EXPECT_EQ(top_loss_line(ledger, style_for({72, 24})), "LOSS   no room 4");
    EXPECT_EQ(top_loss_line({}, style_for({72, 24})), "LOSS   nothing");
    Ledger rejected;
    rejected.frames.rejected = 2;
    EXPECT_EQ(top_loss_line(rejected, style_for({72, 24})), "LOSS   frames rejected 2");
}

// ---- the screen

TEST(TheScreen, NeverLeavesTheWindow) {
    const Usual session;
    Session crowd;
    for (std::uint32_t i = 0; i < 400; i++) crowd.add(made::delivered(), 1, i + 1, "sender" + std::to_string(i));
    crowd.close(1);
    const Session nobody;
    for (const Session* each : {static_cast<const Session*>(&session), static_cast<const Session*>(&crowd), &nobody})
        for (const Size& size : sizes)
            for (const TopState& state :
                 {TopState{}, TopState{.filter = "arp", .typing = true}, TopState{.filter = std::string(64, 'x')},
                  TopState{.help = true}, TopState{.scroll = 1000}}) {
                const TopScreen screen = each->screen(size, state);
                EXPECT_LE(screen.lines.size(), static_cast<std::size_t>(size.height)) << size.width;
                for (const std::string& line : screen.lines)
                    EXPECT_LE(columns(line), size.width) << size.width << "x" << size.height << ": " << line;
            }
}

TEST(TheScreen, HasTheWholeHelpIn80By24) {
    const Usual session;
    const TopScreen screen = session.screen({80, 24}, TopState{.help = true});
    std::string text;
    for (const std::string& line : screen.lines) {
        text += line.substr(0, line.find_last_not_of(' ') + 1) + " ";
        EXPECT_FALSE(line.ends_with("..")) << line;
    }
    for (const char* words : {"Ctrl-C", "pause", "escape", "p pid", "page", "Ctrl-L", "any key goes back",
                              "its own largest value.", "STAGES are of those.", "says nothing of the frames."}) {
        std::string joined;
        for (const char c : text)
            if (c != ' ' || !joined.ends_with(' ')) joined += c;
        EXPECT_NE(joined.find(words), std::string::npos) << words << "\n" << joined;
    }
}

TEST(TheScreen, CallsNothingLostButWhatTracingLost) {
    Session session;
    session.add(made::dropped(), 30, 1, "sender");
    session.add(made::failed(), 20, 1, "sender");
    session.close(1);
    const std::string text = session.text({120, 24});
    EXPECT_NE(text.find("30 dropped/s"), std::string::npos) << text;
    EXPECT_NE(text.find("20 failed/s"), std::string::npos) << text;
    EXPECT_EQ(text.find("lost"), std::string::npos) << text;
}

TEST(TheScreen, OfEachUsualSizeFillsTheWindowWithTheLedgerAtItsEnd) {
    const Usual session;
    for (const Size size : {Size{80, 24}, Size{40, 10}, Size{200, 60}}) {
        const TopScreen screen = session.screen(size);
        ASSERT_EQ(screen.lines.size(), static_cast<std::size_t>(size.height));
        EXPECT_TRUE(screen.lines[0].starts_with("sockray top")) << screen.lines[0];
        EXPECT_TRUE(screen.lines[screen.lines.size() - 3].starts_with("LEDGER ")) << session.text(size);
        EXPECT_TRUE(screen.lines[screen.lines.size() - 2].starts_with("LOSS ")) << session.text(size);
        EXPECT_TRUE(screen.lines.back().starts_with("q quit")) << session.text(size);
    }
}

TEST(TheScreen, LeavesOutColumnsInTheOrderOfTheirImportance) {
    const Usual session;
    const auto header = [&](const Size& size) {
        const TopScreen screen = session.screen(size);
        return screen.lines[line_with(screen.lines, "sender ")];
    };
    const auto has = [](const std::string& line, std::initializer_list<std::string_view> words) {
        return std::all_of(words.begin(), words.end(),
                           [&](std::string_view word) { return line.find(word) != std::string::npos; });
    };
    EXPECT_TRUE(has(header({200, 60}), {"pid", "socket", "device", "by", "sends/s", "bytes/s", "delivered", "drop",
                                        "fail", "queued", "unknown", "median", "p99", "rate"}));
    EXPECT_TRUE(
        has(header({80, 24}), {"pid", "device", "by", "sends/s", "bytes/s", "drop", "fail", "median", "p99", "rate"}))
        << header({80, 24});
    EXPECT_TRUE(has(header({40, 10}), {"pid", "sends/s", "drop"})) << header({40, 10});
    EXPECT_FALSE(has(header({40, 10}), {"device"}));
}

TEST(TheScreen, ShowsAllStagesWhereTheyFitAndTheLongestElsewhere) {
    const Usual session;
    const std::string large = session.text({200, 60});
    for (const char* name : {"__sys_sendto", "packet_sendmsg", "packet_snd", "__dev_queue_xmit", "consume_skb"})
        EXPECT_TRUE(large.find(name) != std::string::npos || std::string_view(name) == "consume_skb") << name;
    const std::string small = session.text({80, 24});
    EXPECT_NE(small.find("STAGES"), std::string::npos) << small;
    EXPECT_NE(small.find("__sys_sendto"), std::string::npos) << small;
}

TEST(TheScreen, SortsByWhatWasChosen) {
    const Usual session;
    const auto first = [&](TopSort sort) {
        const TopScreen screen = session.screen({120, 40}, {.sort = sort});
        const std::string& line = screen.lines[line_with(screen.lines, "sender ") + 1];
        return line.substr(0, line.find(' '));
    };
    EXPECT_EQ(first(TopSort::rate), "trafgen");
    EXPECT_EQ(first(TopSort::drops), "tcpreplay");
    EXPECT_EQ(first(TopSort::latency), "tcpreplay");
    EXPECT_EQ(first(TopSort::pid), "lldpd");
    EXPECT_EQ(first(TopSort::bytes), "trafgen");
}

// The columns drop and fail are since the begin, and rows stand in the order of what can be read there.
TEST(TheScreen, SortsByTheDropsThatItsColumnsShow) {
    Session session;
    session.add(made::dropped(), 4, 1, "early");
    session.add(made::failed(), 5, 1, "early");
    session.add(made::dropped(), 6, 3, "middle");
    session.add(made::failed(), 3, 4, "level");
    session.close(1);
    session.add(made::dropped(), 5, 2, "late");
    session.add(made::dropped(), 3, 4, "level");
    session.close(2);
    const std::vector<std::string> lines = session.screen({120, 40}, {.sort = TopSort::drops}).lines;
    const std::size_t head = line_with(lines, "sender ");
    std::vector<std::string> order;
    for (std::size_t i = head + 1; i <= head + 4; i++) order.push_back(lines.at(i).substr(0, lines.at(i).find(' ')));
    EXPECT_EQ(order, (std::vector<std::string>{"early", "level", "middle", "late"}))
        << "9; 6, half of them of the last interval; 6; 5";
}

TEST(TheScreen, ShowsWhoMatchesTheFilterAndSaysHowMany) {
    const Usual session;
    const std::string text = session.text({80, 24}, {.filter = "VETH1"});
    EXPECT_NE(text.find("netsniff-ng"), std::string::npos) << text;
    EXPECT_EQ(text.find("trafgen"), std::string::npos) << text;
    EXPECT_NE(text.find("1 of 5 senders"), std::string::npos) << text;
    EXPECT_NE(text.find("filter VETH1"), std::string::npos) << text;
    EXPECT_NE(session.text({80, 24}, {.filter = "nobody"}).find("no sender matches"), std::string::npos);
}

TEST(TheScreen, ScrollsAndSaysHowManySendersFit) {
    Session crowd;
    for (std::uint32_t i = 0; i < 100; i++) crowd.add(made::delivered(), 1, i + 1, "s" + std::to_string(i) + ".");
    crowd.close(1);
    const TopScreen top = crowd.screen({80, 24}, {.sort = TopSort::pid});
    EXPECT_EQ(top.senders, 100U);
    EXPECT_GT(top.page, 5U);
    EXPECT_LT(line_with(top.lines, "s0."), top.lines.size());
    const TopScreen end = crowd.screen({80, 24}, {.sort = TopSort::pid, .scroll = 100 - top.page});
    EXPECT_LT(line_with(end.lines, "s99."), end.lines.size());
    EXPECT_EQ(line_with(end.lines, "s0."), end.lines.size());
}

TEST(TheScreen, ShowsWhoWasMergedAsOthers) {
    Session crowd;
    for (std::uint32_t i = 0; i < 1000; i++) crowd.add(made::delivered(), 1, i + 1, "once");
    crowd.close(1);
    EXPECT_NE(crowd.text({80, 24}).find("(others)"), std::string::npos);
    EXPECT_NE(crowd.text({80, 24}).find("1000 sends/s"), std::string::npos);
}

TEST(TheScreen, NeverShowsWhatATerminalWouldObey) {
    Session hostile;
    hostile.add(made::delivered(), 1, 1, "\x1b[2J\x1b]0;x\x07", "\x1b[31m\n");
    hostile.add(made::delivered(), 1, 2, "\xff\xfe\r\t", "veth0");
    hostile.add(made::delivered(), 1, 3, "한글이름", "veth0");
    hostile.close(1);
    for (const bool utf8 : {true, false})
        for (const Size& size : sizes)
            for (const std::string& line : hostile.screen(size, {.filter = ""}, utf8).lines) {
                EXPECT_LE(columns(line), size.width) << line;
                for (const char c : line) {
                    EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << line;
                    EXPECT_TRUE(utf8 || static_cast<unsigned char>(c) < 0x80) << line;
                }
            }
}

TEST(TheScreen, HasColoursOnlyWhereTheStyleHas) {
    const Usual session;
    const auto colored = [&](bool color) {
        const TopScreen screen = session.screen({80, 24}, {}, true, color);
        return line_with(screen.lines, "\x1b[") < screen.lines.size();
    };
    EXPECT_TRUE(colored(true));
    EXPECT_FALSE(colored(false));
}

TEST(ThePlainText, HasEverySenderEveryColumnAndNothingATerminalWouldObey) {
    Session crowd;
    for (std::uint32_t i = 0; i < 100; i++) crowd.add(made::delivered(), 3, i + 1, "s" + std::to_string(i) + ".");
    crowd.close(1);
    const std::string text = top_text(crowd.sink.activity(), crowd.ledger, {}, {false, true, 180, false});
    for (int i = 0; i < 100; i++) EXPECT_NE(text.find("s" + std::to_string(i) + "."), std::string::npos) << i;
    for (const char* word : {"delivered", "unknown", "STAGES", "LEDGER 300 = delivered 300", "LOSS   nothing"})
        EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_TRUE(text.ends_with("\n\n"));
    EXPECT_NE(top_text({}, {}, {}, {false, true, 180, false}).find("nobody has sent yet"), std::string::npos);
}

}  // namespace
}  // namespace sockray
