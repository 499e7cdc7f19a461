// Whatever the order in which the records of a send and of its frames come, the same is told.
#include "user/correlate/flights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/correlate_joined.h"
#include "tests/unit/correlate_records.h"
#include "user/correlate/outcome.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

using namespace sample;

using Record = std::variant<sr_send, sr_frame>;

// One send and what became of its frame, as the kernel side would tell it; `ended` where nothing is missing.
struct Story {
    sr_send send{};
    std::vector<sr_frame> frames;
    bool ended = true;
};

Story random_story(std::uint64_t id, bool until_freed, std::mt19937_64& random) {
    const auto any = [&](std::uint64_t most) { return random() % (most + 1); };
    Story story;
    story.send = followed(id);
    std::uint64_t frames = 1;
    if (any(2) == 0) {
        frames = 2 + any(4);
        if (any(1))
            story.send.segments = static_cast<std::uint32_t>(frames);
        else
            story.frames.push_back(frame_segmented(id, static_cast<std::uint32_t>(frames)));
    }
    std::vector<sr_frame> ends;
    for (std::uint64_t i = 0; i < frames; i++) {
        const std::uint64_t ns = 4000 + 100 * i + any(50);
        switch (any(3)) {
            case 0: ends.push_back(frame_dropped(id, ns)); break;
            case 1: ends.push_back(frame(id, SR_FRAME_CONSUMED, ns)); break;
            default:
                ends.push_back(frame_taken(id, ns, any(4) == 0 ? 1 : 0));
                if (!until_freed) break;
                for (std::uint64_t receivers = any(2); receivers > 0; receivers--)
                    ends.push_back(frame_received(id, 1 + static_cast<std::uint32_t>(any(2)), 700 + any(9)));
                ends.push_back(frame(id, SR_FRAME_FREED, ns + 60));
                break;
        }
    }
    if (any(4) == 0) {
        story.ended = false;
        ends.resize(any(ends.size() - 1));
    }
    story.frames.insert(story.frames.end(), ends.begin(), ends.end());
    return story;
}

// Frames of one send stay in their order, as one ring keeps them; the send's own record comes anywhere among them.
std::vector<Record> shuffled(const std::vector<Story>& stories, std::mt19937_64& random) {
    std::vector<std::vector<Record>> queues;
    for (const Story& story : stories) {
        std::vector<Record> queue(story.frames.begin(), story.frames.end());
        queue.insert(queue.begin() + static_cast<std::ptrdiff_t>(random() % (queue.size() + 1)), story.send);
        std::ranges::reverse(queue);
        queues.push_back(std::move(queue));
    }
    std::vector<Record> order;
    while (!queues.empty()) {
        auto& queue = queues[random() % queues.size()];
        order.push_back(queue.back());
        queue.pop_back();
        if (queue.empty()) queues.erase(queues.begin() + (&queue - queues.data()));
    }
    return order;
}

struct Result {
    std::string bytes;
    FrameEnd end = FrameEnd::known;
    std::uint32_t consumed = 0;
    bool operator==(const Result&) const = default;
};

std::map<std::uint64_t, Result> results_of(const std::vector<Record>& order, bool until_freed,
                                           const std::vector<std::uint64_t>& under_way) {
    Joined joined(until_freed);
    for (const Record& record : order) {
        if (const auto* send = std::get_if<sr_send>(&record)) joined.send(*send);
        if (const auto* frame = std::get_if<sr_frame>(&record)) joined.frame(*frame);
    }
    joined.finish(under_way);
    EXPECT_EQ(joined.flights.waiting(), 0U);
    std::map<std::uint64_t, Result> results;
    for (const Send& send : joined.done) {
        Result result{std::string(sizeof send.record, '\0'), send.frame_end, send.frames_consumed};
        std::memcpy(result.bytes.data(), &send.record, sizeof send.record);
        EXPECT_TRUE(results.emplace(send.record.id, result).second) << send.record.id << " came out twice";
    }
    return results;
}

TEST(Flights, GiveTheSameResultInWhateverOrderTheRecordsCome) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 300; round++) {
        const bool until_freed = round % 2 == 1;
        std::vector<Story> stories;
        std::vector<Record> in_order;
        std::vector<std::uint64_t> under_way;
        for (std::uint64_t id = 1; id <= 20; id++) {
            stories.push_back(random_story(id << 16 | id % 3, until_freed, random));
            in_order.emplace_back(stories.back().send);
            in_order.insert(in_order.end(), stories.back().frames.begin(), stories.back().frames.end());
            if (!stories.back().ended && random() % 2) under_way.push_back(stories.back().send.id);
        }
        const auto expected = results_of(in_order, until_freed, under_way);
        ASSERT_EQ(expected.size(), stories.size()) << "every send comes out once";
        for (const Story& story : stories) {
            const bool queued = std::ranges::find(under_way, story.send.id) != under_way.end();
            const FrameEnd end = story.ended ? FrameEnd::known : queued ? FrameEnd::queued : FrameEnd::lost;
            ASSERT_EQ(expected.at(story.send.id).end, end) << "round " << round;
        }
        for (int order = 0; order < 5; order++)
            ASSERT_EQ(results_of(shuffled(stories, random), until_freed, under_way), expected) << "round " << round;
    }
}

}  // namespace
}  // namespace sockray
