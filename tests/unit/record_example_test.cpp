// The worked example of docs/recording.md: its bytes are read as its text says.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "user/record/entry.h"
#include "user/record/layout.h"
#include "user/record/pcapng.h"

namespace sockray {
namespace {

// One line of it: the bytes, and what they are.
struct Line {
    std::string bytes;
    std::string words;
};

std::vector<Line> example() {
    std::ifstream in(SOCKRAY_TEST_DATA "/../../../docs/recording.md");
    std::vector<Line> lines;
    std::string line;
    while (std::getline(in, line) && line != "## A worked example") continue;
    while (std::getline(in, line) && line != "```") continue;
    const std::regex shape(" *([0-9a-f]{2}(?: {1,2}[0-9a-f]{2})*) {3,}(.*)");
    while (std::getline(in, line) && line != "```") {
        std::smatch match;
        if (!std::regex_match(line, match, shape)) {
            ADD_FAILURE() << "neither bytes nor words: " << line;
            continue;
        }
        Line& one = lines.emplace_back();
        one.words = match[2];
        std::istringstream digits(match[1]);
        for (std::string byte; digits >> byte;) one.bytes += static_cast<char>(std::stoi(byte, nullptr, 16));
    }
    return lines;
}

class WorkedExample : public testing::Test {
  protected:
    void SetUp() override {
        lines_ = example();
        for (const Line& line : lines_) bytes_ += line.bytes;
        bool swapped = false;
        const auto block = pcapng::take_block(bytes_, swapped);
        ASSERT_TRUE(block);
        EXPECT_EQ(pcapng::block_length(*block), bytes_.size()) << "there is more than a block";
        EXPECT_EQ(block->type, entry_block);
        ASSERT_TRUE(block->body.starts_with(entry_magic));
        std::uint32_t length = 0;
        std::memcpy(&length, block->body.data() + entry_magic.size(), sizeof length);
        EXPECT_NE(lines_.at(1).words.find("a message of " + std::to_string(length) + " bytes"), std::string::npos);
        const auto entry = parse_entry(block->body.substr(entry_magic.size() + sizeof length, length));
        ASSERT_TRUE(entry) << entry.error();
        ASSERT_TRUE(std::holds_alternative<Send>(*entry));
        send_ = std::get<Send>(*entry);
    }

    std::vector<Line> lines_;
    std::string bytes_;
    Send send_;
};

TEST_F(WorkedExample, HasTheFieldsThatItsTextSays) {
    const sr_send& record = send_.record;
    ASSERT_TRUE(send_.number);
    const std::map<std::string, std::string> read{
        {"id", std::to_string(send_.id)},
        {"number_plus_1", std::to_string(*send_.number + 1)},
        {"seq", std::to_string(record.head.seq)},
        {"pid", std::to_string(record.pid)},
        {"tid", std::to_string(record.tid)},
        {"comm", '"' + std::string(record.comm) + '"'},
        {"socket_ino", std::to_string(record.socket_ino)},
        {"netns_ino", std::to_string(record.netns_ino)},
        {"syscall", std::to_string(record.syscall)},
        {"flags", std::to_string(record.flags)},
        {"len", std::to_string(record.len)},
        {"ret", std::to_string(record.ret)},
        {"cookie", std::to_string(record.cookie)},
        {"sendmsg_fn", std::to_string(record.sendmsg_fn)},
        {"sock_type", std::to_string(record.sock_type)},
        {"ifindex", std::to_string(record.ifindex)},
        {"ifname", '"' + std::string(record.ifname) + '"'},
        {"record_id", std::to_string(record.id)},
        {"body_hits", std::to_string(record.body_hits)},
        {"alloc_hits", std::to_string(record.alloc_hits)},
        {"driver_hits", std::to_string(record.driver_hits)},
        {"msg_namelen", std::to_string(record.msg_namelen)},
        {"tx_queue", std::to_string(record.tx_queue)},
        {"base", std::to_string(record.span[SR_SLOT_SENDMSG].start)},
    };
    std::map<std::string, std::string> said;
    const std::regex field("([a-z_0-9]+) (\"[^\"]*\"|[0-9]+)");
    for (std::size_t i = 3; i < lines_.size() && !lines_[i].words.starts_with("stages"); i++)
        for (std::sregex_iterator at(lines_[i].words.begin(), lines_[i].words.end(), field), end; at != end; ++at)
            said[(*at)[1]] = (*at)[2];
    EXPECT_EQ(said, read);
    EXPECT_EQ(send_.outcome, Outcome::delivered);
}

TEST_F(WorkedExample, HasTheStagesThatItsTextSays) {
    const sr_send& record = send_.record;
    const std::uint64_t base = record.span[SR_SLOT_SENDMSG].start;
    int stages = 0;
    for (const Line& line : lines_) {
        unsigned slot = 0;
        unsigned stage = 0;
        std::uint64_t start = 0;
        std::uint64_t duration = 0;
        std::istringstream numbers(line.words);
        if (!(numbers >> slot >> stage >> start >> duration)) continue;
        stages++;
        ASSERT_LT(slot, SR_SLOT_COUNT) << line.words;
        EXPECT_EQ(record.stage[slot], stage);
        ASSERT_GT(start, 0U) << line.words;
        const std::uint64_t zigzag = start - 1;
        const std::uint64_t began = zigzag % 2 ? base - (zigzag + 1) / 2 : base + zigzag / 2;
        EXPECT_EQ(record.span[slot].start, began) << line.words;
        EXPECT_EQ(record.span[slot].end, duration ? began + duration - 1 : 0) << line.words;
    }
    EXPECT_EQ(stages, 6);
    EXPECT_EQ(std::ranges::count_if(record.stage, [](auto stage) { return stage != SR_STAGE_NONE; }), stages);

    const sr_span& entry = record.span[0];
    EXPECT_EQ(record.stage[0], SR_STAGE_SYS_SENDTO);
    EXPECT_EQ(base - entry.start, 8065U);
    EXPECT_EQ(entry.end - entry.start, 65293U);
    EXPECT_EQ(record.stage[4], SR_STAGE_PACKET_SENDMSG);
    EXPECT_EQ(record.span[4].end - base, 55855U);
    EXPECT_EQ(record.stage[5], SR_STAGE_PACKET_SND);
    EXPECT_EQ(record.span[5].end, 0U);
}

}  // namespace
}  // namespace sockray
