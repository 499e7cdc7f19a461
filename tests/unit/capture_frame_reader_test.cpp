// What reads the rings of a capture. Skipped without the privileges.
#include "user/capture/frame_reader.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <set>

#include "tests/unit/capture_network.h"
#include "user/base/clock.h"

namespace sockray {
namespace {

std::uint32_t number_of(const KeptFrame& kept) {
    std::uint32_t number = 0;
    std::memcpy(&number, kept.bytes.data() + 14, sizeof number);
    return number;
}

// All that comes until nothing more is under way.
CaptureCounts all_of(Receiver& receiver, FrameReader& reader, KeepingSink& sink) {
    reader.stop();
    EXPECT_TRUE(reader.take(sink));
    const auto counts = receiver.finish(sink);
    EXPECT_TRUE(counts);
    return counts.value_or(CaptureCounts{});
}

void expect_each_once(const KeepingSink& sink, std::uint32_t count) {
    std::set<std::uint32_t> numbers;
    for (const KeptFrame& kept : sink.frames) numbers.insert(number_of(kept));
    EXPECT_EQ(sink.frames.size(), count);
    EXPECT_EQ(numbers.size(), count);
}

VETH_TEST(CaptureFrameReader, HandsOverEachFrameOnceWhateverTheNumberOfRings) {
    for (const unsigned rings : {1U, 3U}) {
        CaptureOptions options = capture_on("veth1");
        options.rings = rings;
        auto receiver = Receiver::open(options);
        ASSERT_TRUE(receiver) << receiver.error().what;
        auto reader = FrameReader::start(*receiver);
        ASSERT_TRUE(reader);
        KeepingSink sink;
        for (int part = 0; part < 4; part++) {
            std::vector<std::vector<std::uint8_t>> frames;
            for (std::uint32_t i = 0; i < 250; i++)
                frames.push_back(numbered_frame(static_cast<std::uint32_t>(part) * 250 + i));
            send_frames("veth0", frames);
            pollfd wait{(*reader)->fd(), POLLIN, 0};
            EXPECT_EQ(::poll(&wait, 1, 2000), 1);
            EXPECT_TRUE((*reader)->take(sink));
        }
        const CaptureCounts counts = all_of(*receiver, **reader, sink);
        EXPECT_EQ(counts.seen, counts.delivered + counts.dropped);
        EXPECT_EQ(counts.delivered, 1000U);
        expect_each_once(sink, 1000);
    }
}

VETH_TEST(CaptureFrameReader, HasNothingOfWhatCameBeforeItsBeginWhereItWaits) {
    for (const unsigned rings : {1U, 2U}) {
        CaptureOptions options = capture_on("veth1");
        options.rings = rings;
        options.waits = true;
        auto receiver = Receiver::open(options);
        ASSERT_TRUE(receiver) << receiver.error().what;
        send_numbered("veth0", 50);
        ASSERT_TRUE(receiver->begin());
        auto reader = FrameReader::start(*receiver);
        ASSERT_TRUE(reader);
        send_numbered("veth0", 20);
        KeepingSink sink;
        const CaptureCounts counts = all_of(*receiver, **reader, sink);
        EXPECT_EQ(counts.seen, 20U) << rings;
        expect_each_once(sink, 20);
    }
}

VETH_TEST(CaptureFrameReader, LeavesToTheKernelWhatNobodyTakes) {
    CaptureOptions options = capture_on("veth1");
    options.ring_bytes = 1;  // two blocks
    auto receiver = Receiver::open(options);
    ASSERT_TRUE(receiver) << receiver.error().what;
    auto reader = FrameReader::start(*receiver);
    ASSERT_TRUE(reader);
    constexpr std::uint32_t count = 6000;
    send_numbered("veth0", count, 1000);
    KeepingSink sink;
    const CaptureCounts counts = all_of(*receiver, **reader, sink);
    EXPECT_EQ(counts.seen, count);
    EXPECT_GT(counts.dropped, 0U);
    EXPECT_EQ(counts.seen, counts.delivered + counts.dropped);
    EXPECT_EQ(counts.delivered, sink.frames.size());
    expect_each_once(sink, static_cast<std::uint32_t>(counts.delivered));
}

VETH_TEST(CaptureFrameReader, TellsWhenTheInterfaceGoesDownAndStillHandsOverWhatCameBefore) {
    auto receiver = Receiver::open(capture_on("veth1"));
    ASSERT_TRUE(receiver) << receiver.error().what;
    auto reader = FrameReader::start(*receiver);
    ASSERT_TRUE(reader);
    send_numbered("veth0", 10);
    ASSERT_EQ(std::system("ip link set veth1 down"), 0);
    KeepingSink sink;
    Status status;
    const std::uint64_t end_ns = monotonic_ns() + 5'000'000'000;
    while (status && monotonic_ns() < end_ns) {
        pollfd wait{(*reader)->fd(), POLLIN, 0};
        ::poll(&wait, 1, 100);
        status = (*reader)->take(sink);
    }
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().what.find("veth1"), std::string::npos) << status.error().what;
    (*reader)->stop();
    (void)(*reader)->take(sink);
    EXPECT_TRUE(receiver->finish(sink));
    expect_each_once(sink, 10);
}

// Of this thread alone, and not of its process as setresuid(3) does: no limit of processes binds root.
void become_nobody() {
    constexpr uid_t nobody = 65534;
    ASSERT_EQ(::syscall(SYS_setresuid, nobody, nobody, nobody), 0) << errno_text(errno);
}

VETH_TEST(CaptureFrameReader, SaysWhenThereMayBeNoMoreThreads) {
    CaptureOptions options = capture_on("veth1");
    options.rings = 2;
    auto receiver = Receiver::open(options);
    ASSERT_TRUE(receiver) << receiver.error().what;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NPROC, &before), 0);
    const rlimit none{0, before.rlim_max};
    become_nobody();
    ASSERT_EQ(::setrlimit(RLIMIT_NPROC, &none), 0);
    const auto reader = FrameReader::start(*receiver);
    ASSERT_EQ(::setrlimit(RLIMIT_NPROC, &before), 0);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().kind, ErrorKind::failed);
    EXPECT_NE(reader.error().what.find("cannot start the thread that reads ring 1 of 2: "), std::string::npos)
        << reader.error().what;
    EXPECT_FALSE(reader.error().remedy.empty());
}

// Not even where it may have none.
VETH_TEST(CaptureFrameReader, NeedsNoThreadForOneRing) {
    auto receiver = Receiver::open(capture_on("veth1"));
    ASSERT_TRUE(receiver) << receiver.error().what;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NPROC, &before), 0);
    const rlimit none{0, before.rlim_max};
    become_nobody();
    ASSERT_EQ(::setrlimit(RLIMIT_NPROC, &none), 0);
    const auto reader = FrameReader::start(*receiver);
    ASSERT_EQ(::setrlimit(RLIMIT_NPROC, &before), 0);
    EXPECT_TRUE(reader) << reader.error().what;
}

}  // namespace
}  // namespace sockray
