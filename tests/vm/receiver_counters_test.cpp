// The ledger held against what the receiving packet sockets counted, and that against what they tell their owner.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/vm/deaf_receiver.h"
#include "tests/vm/frames.h"

namespace sockray::vm {
namespace {

class ReceiverCounters : public Frames {
  protected:
    static void send(const std::string& name, const std::string& to, int count) {
        const Completed sent =
            run({sender_path(), "--name", name, "--to", to, "--count", std::to_string(count), "--length", "1000"});
        EXPECT_EQ(sent.status, 0) << shown(sent);
    }
    static Json counters_of(const Json& summary, std::uint64_t ino) {
        for (const Json& one : summary.at("receiver_counters").at("sockets"))
            if (one.at("socket_ino") == ino) return one;
        ADD_FAILURE() << "no socket " << ino << " in " << summary.at("receiver_counters");
        return {};
    }
    static Json held(const Json& socket, const std::string& counter) {
        for (const Json& one : socket.at("held"))
            if (one.at("counter") == counter) return one;
        ADD_FAILURE() << "no " << counter << " in " << socket;
        return {};
    }
    // As many as the socket tells its owner, and as the sends say; nothing to explain.
    static void expect_held(const Json& socket, const tpacket_stats& stats) {
        EXPECT_EQ(socket.at("tp_packets"), stats.tp_packets) << socket;
        EXPECT_EQ(socket.at("tp_drops"), stats.tp_drops) << socket;
        EXPECT_EQ(socket.at("taken"), stats.tp_packets - stats.tp_drops) << socket;
        EXPECT_EQ(socket.at("full"), stats.tp_drops) << socket;
        EXPECT_EQ(socket.at("held").size(), socket.at("sk_drops").is_null() ? 2U : 3U) << socket;
        for (const Json& one : socket.at("held")) {
            EXPECT_EQ(one.at("counted"), one.at("expected")) << socket;
            EXPECT_EQ(one.at("cause"), "") << socket;
        }
    }
    static bool has_cause(const Json& held, const std::string& words) {
        return held.at("cause").get<std::string>().find(words) != std::string::npos;
    }
};

// One trace for all: a start takes seconds on an emulated machine.
TEST_F(ReceiverCounters, hold_the_ledger_for_every_kind_of_receiver_and_a_difference_is_told_with_its_cause) {
    const VethPair plain("vplain"), rings("vring"), read("vread"), foreign("vforeign");
    const DeafReceiver takes("vplain1", 1 << 20), full("vplain1"), v2("vring1", TPACKET_V2), v3("vring1", TPACKET_V3),
        is_read("vread1", 1 << 20), is_full_and_read("vread1"), others("vforeign1", 1 << 20);
    auto closed = std::make_unique<DeafReceiver>("vplain1");
    const std::uint64_t closed_ino = closed->ino();
    std::unique_ptr<DeafReceiver> opened;
    send("other", "vread0", 20);  // counted before the trace
    const std::string file = scratch("receiver_counters") + "/all.pcapng";
    run({"rm", "-f", file});
    const Traced traced = trace_while({"--stages", "full", "--comm", "sender", "-w", file}, [&] {
        opened = std::make_unique<DeafReceiver>("vforeign1", 1 << 20);
        send("sender", "vplain0", 30);
        closed.reset();
        send("sender", "vring0", 30);
        send("sender", "vread0", 10);
        EXPECT_EQ(is_read.statistics().tp_packets, 30U);
        EXPECT_EQ(is_full_and_read.statistics().tp_packets, 30U);
        send("sender", "vread0", 5);
        send("sender", "vforeign0", 4);
        send("other", "vforeign0", 7);
    });
    expect_sound(traced);
    const Json& summary = *traced.recording.summary;
    EXPECT_EQ(traced.recording.total("delivered"), 79U);
    EXPECT_EQ(summary.at("receiver_counters").at("unread"), "");

    expect_held(counters_of(summary, takes.ino()), takes.statistics());
    expect_held(counters_of(summary, full.ino()), full.statistics());
    expect_held(counters_of(summary, v2.ino()), v2.statistics());
    expect_held(counters_of(summary, v3.ino()), v3.statistics());
    EXPECT_GT(counters_of(summary, full.ino()).at("full"), 0U);
    EXPECT_EQ(counters_of(summary, v2.ino()).at("taken"), 2U);
    EXPECT_TRUE(counters_of(summary, v2.ino()).at("sk_drops").is_null());

    const Json mine = counters_of(summary, takes.ino());
    EXPECT_EQ(mine.at("pid"), static_cast<std::uint64_t>(::getpid())) << mine;
    EXPECT_FALSE(mine.at("comm").get<std::string>().empty());

    const Json set_back = counters_of(summary, is_read.ino());
    EXPECT_EQ(set_back.at("reset"), true) << set_back;
    EXPECT_EQ(set_back.at("taken"), 15U) << set_back;
    EXPECT_EQ(set_back.at("tp_packets"), is_read.statistics().tp_packets);
    EXPECT_EQ(held(set_back, "tp_packets").at("counted"), 5U);
    EXPECT_EQ(held(set_back, "tp_packets").at("expected"), 15U);
    EXPECT_TRUE(has_cause(held(set_back, "tp_packets"), "its owner read them meanwhile")) << set_back;

    const Json drops_stay = counters_of(summary, is_full_and_read.ino());
    EXPECT_EQ(drops_stay.at("full"), 15U) << drops_stay;
    EXPECT_EQ(drops_stay.at("tp_drops"), 5U) << drops_stay;
    EXPECT_EQ(held(drops_stay, "sk_drops").at("counted"), 15U);
    EXPECT_EQ(held(drops_stay, "sk_drops").at("cause"), "");

    for (const DeafReceiver* one : {&others, static_cast<const DeafReceiver*>(opened.get())}) {
        const Json more = counters_of(summary, one->ino());
        EXPECT_EQ(more.at("taken"), 4U) << more;
        EXPECT_EQ(more.at("tp_packets"), one->statistics().tp_packets);
        EXPECT_EQ(held(more, "tp_packets").at("counted"), 11U);
        EXPECT_TRUE(has_cause(held(more, "tp_packets"), "of others than the traced senders")) << more;
        EXPECT_EQ(more.at("opened"), one == opened.get());
    }

    const Json gone = counters_of(summary, closed_ino);
    EXPECT_EQ(gone.at("gone"), true);
    EXPECT_EQ(gone.at("taken").get<unsigned>() + gone.at("full").get<unsigned>(), 30U);
    EXPECT_TRUE(gone.at("tp_packets").is_null() && gone.at("held").empty()) << gone;

    // A recording tells the same.
    const Recording again = parse(sockray({"report", "--json", file}).out);
    ASSERT_TRUE(again.summary);
    EXPECT_EQ(again.summary->at("receiver_counters"), summary.at("receiver_counters"));
    const Completed text = sockray({"report", file});
    EXPECT_NE(text.out.find("sk_drops +15 = without room 15"), std::string::npos) << shown(text);
    EXPECT_NE(text.out.find("counted tp_packets +11: 7 more than the 4 taken or"), std::string::npos) << shown(text);
}

TEST_F(ReceiverCounters, of_a_tap_on_loopback_are_more_by_the_copies_of_frames_on_their_way_out) {
    const DeafReceiver tap("lo", 1 << 20);
    const Traced traced =
        read_back(sockray({"run", "-i", "lo", "-c", "20", "--stages", "full", "--no-calibrate", "--json"}));
    expect_sound(traced);
    const Json socket = counters_of(*traced.recording.summary, tap.ino());
    EXPECT_EQ(socket.at("taken"), 20U) << socket;
    EXPECT_EQ(socket.at("tp_packets"), tap.statistics().tp_packets);
    EXPECT_EQ(held(socket, "tp_packets").at("counted"), 40U) << socket;
    EXPECT_TRUE(has_cause(held(socket, "tp_packets"), "as a tap it gets a copy of each")) << socket;
}

}  // namespace
}  // namespace sockray::vm
