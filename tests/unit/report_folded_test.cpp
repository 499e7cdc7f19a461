#include "user/report/folded.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/report_session.h"
#include "user/report/flame_svg.h"

namespace sockray {
namespace {

std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) found++;
    return found;
}

TEST(Folded, IsOneLineAStackWithItsOwnTime) {
    EXPECT_EQ(
        made::exported<Folded>({made::delivered(1), made::delivered(2, 2'000'000)}),
        "arping;__sys_sendto 1600\n"
        "arping;__sys_sendto;sockfd_lookup_light 800\n"
        "arping;__sys_sendto;__sock_sendmsg 1200\n"
        "arping;__sys_sendto;__sock_sendmsg;packet_sendmsg 400\n"
        "arping;__sys_sendto;__sock_sendmsg;packet_sendmsg;packet_snd 2400\n"
        "arping;__sys_sendto;__sock_sendmsg;packet_sendmsg;packet_snd;sock_alloc_send_pskb 2600\n"
        "arping;__sys_sendto;__sock_sendmsg;packet_sendmsg;packet_snd;__dev_queue_xmit 4000\n"
        "arping;__sys_sendto;__sock_sendmsg;packet_sendmsg;packet_snd;__dev_queue_xmit;dev_hard_start_xmit 7000\n");
}

TEST(Folded, HostileNameIsOneFrameOfOneLine) {
    Send send = made::delivered();
    made::set(send.record.comm, "a;b\n\xff");
    const std::string text = made::exported<Folded>({send});
    EXPECT_EQ(text.find("a\\x3bb\\x0a\\xff;__sys_sendto 800\n"), 0U) << text;
    EXPECT_EQ(count(text, "\n"), 8U);
}

TEST(FlameSvg, HasABoxForEachStageAndNothingOfAHostileNameThatIsMarkup) {
    const std::string text = made::exported<FlameSvg>();
    EXPECT_EQ(count(text, "</svg>"), 1U);
    EXPECT_EQ(text.find("</svg>\n"), text.size() - 7);
    EXPECT_EQ(count(text, "<g>"), count(text, "</g>"));
    EXPECT_NE(text.find("&lt;/svg&gt;&quot;\\x01"), std::string::npos);
    for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    EXPECT_EQ(text.find("<script"), std::string::npos);
    EXPECT_EQ(text.find("href"), std::string::npos);
}

TEST(FlameSvg, TitleTellsShareAndTimes) {
    const std::string text = made::exported<FlameSvg>({made::delivered()});
    EXPECT_NE(text.find("<title>packet_snd: 8.00 us in all, 80.0 % of all sends\n1.20 us itself\n1 time, 8.00 us each"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(FlameSvg, SaysWhatIsNotInIt) {
    Send send = made::delivered();
    for (sr_span& span : send.record.span) span.end = 0;
    EXPECT_NE(made::exported<FlameSvg>({send}).find("1 send of which no stage's time is known"), std::string::npos);
}

}  // namespace
}  // namespace sockray
