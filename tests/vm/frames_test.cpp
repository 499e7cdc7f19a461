// What becomes of a frame behind the return of its send: queued, shaped, dropped, cut up; held against what the qdisc
// and the device count.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/vm/frames.h"

namespace sockray::vm {
namespace {

TEST_F(Frames, that_a_shaper_delays_are_delivered_later_and_the_sums_are_those_of_tc) {
    const VethPair slow("vslow");
    slow.set_qdisc("tbf rate 200kbit burst 1600 limit 16000");
    const Traced traced =
        trace_command({"--stages", "device", "-i", "vslow0"},
                      {"sh", "-c", sender_path() + " --to vslow0 --count 60 --length 1000 --report /dev/null"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.all_lost(), 0U);
    const std::size_t delivered = with_outcome(traced, "delivered");
    const std::size_t failed = with_outcome(traced, "failed");
    EXPECT_EQ(delivered + failed, 60U);
    EXPECT_EQ(delivered, qdisc_count("vslow0", "packets"));
    EXPECT_EQ(delivered, device_count("vslow0").tx_packets);
    EXPECT_EQ(failed, qdisc_count("vslow0", "drops"));
    const Json device = traced.recording.summary->at("devices").at(0);
    EXPECT_EQ(device.at("ifname"), "vslow0");
    EXPECT_EQ(device.at("tx_packets"), delivered);
    EXPECT_EQ(device.at("qdisc").at("kind"), "tbf");
    for (const Json& held : device.at("held")) EXPECT_EQ(held.at("cause"), "") << held;
    EXPECT_GT(delivered, 10U);
    EXPECT_GT(failed, 10U);
    std::size_t later = 0;
    for (const SendLine& send : traced.recording.sends) {
        if (send.outcome == "failed") {
            EXPECT_NE(send.reason.find("ENOBUFS: the tbf qdisc of vslow0"), std::string::npos) << send.reason;
            continue;
        }
        const StageTimes* call = send.stage("packet_sendmsg");
        const StageTimes* driver = send.stage("ndo_start_xmit");
        ASSERT_TRUE(call && driver && send.stage("qdisc_enqueue") && send.frame_ns);
        EXPECT_EQ(send.driver, "veth_xmit");
        EXPECT_LE(send.stage("qdisc_enqueue")->start, driver->start);
        if (driver->start < call->end) continue;
        later++;
        EXPECT_GT(*send.frame_ns, call->end - call->start);
        ASSERT_TRUE(send.stage("qdisc_dequeue"));
        EXPECT_LE(send.stage("qdisc_dequeue")->start, driver->start);
    }
    EXPECT_GT(later, 10U);
}

// Truth: the sender's own clock. What a send takes is, but for a little, what it sleeps for its send buffer.
TEST_F(Frames, that_wait_for_the_send_buffer_show_how_long_their_sends_slept) {
    const VethPair slow("vsleep");
    slow.set_qdisc("tbf rate 160kbit burst 1600 limit 100000");
    const std::string words = "--to vsleep0 --length 1400 --sndbuf 1 ";
    const std::string report = scratch("slept") + "/report";
    const Traced traced =
        trace_command({"--stages", "device"}, {"sh", "-c",
                                               sender_line(report, "sendto", words + "--count 8") + "\n" +
                                                   sender_line(report, "ring", words + "--method ring --batch 8")});
    expect_sound(traced);
    EXPECT_EQ(with_outcome(traced, "delivered"), 16U) << shown(traced.run);
    for (const char* method : {"sendto", "ring"}) {
        std::size_t slept = 0;
        for (const SendLine& send : traced.recording.sends_of(method)) {
            const StageTimes* wait = send.stage("schedule_timeout");
            if (!wait) continue;
            slept++;
            const StageTimes* alloc = send.stage("sock_alloc_send_pskb");
            ASSERT_TRUE(alloc);
            EXPECT_LE(alloc->start, wait->start);
            EXPECT_EQ(wait->end, alloc->end);
            EXPECT_GT(wait->end - wait->start, 10'000'000U);  // a frame takes 70 ms
        }
        EXPECT_GE(slept, 2U) << method;  // the kernel wakes it when half of the buffer is free
    }
}

// The first frame is on its way, then the queue has as many as the buffer holds, and the next has no room:
// net/core/sock.c, sock_alloc_send_pskb and sock_intr_errno.
TEST_F(Frames, whose_wait_for_the_send_buffer_was_cut_short_say_by_what) {
    const VethPair slow("vcut");
    slow.set_qdisc("tbf rate 8kbit burst 1600 limit 100000");
    const std::string report = scratch("cut") + "/report";
    const std::string words = "--to vcut0 --length 1400 --sndbuf 1 --count 6 ";
    const std::string script = sender_line(report, "late", words + "--timeout-ms 300") + "\n" +
                               sender_line(report, "hit", words + "--timeout-ms 60000 --alarm-ms 300") + "\n" +
                               sender_line(report, "again", words + "--alarm-ms 300");
    const Traced traced = trace_command({}, {"sh", "-c", script});
    expect_sound(traced);
    const std::vector<Answer> answers = read_answers(report);
    const auto failure = [&](const std::string& name) {
        for (const SendLine& send : traced.recording.sends_of(name))
            if (send.outcome == "failed") return send.reason;
        return std::string("nothing failed");
    };
    const auto told = [&](const std::string& name) {
        for (const Answer& answer : answers_of(answers, name))
            if (answer.ret < 0) return answer.err;
        return 0;
    };
    EXPECT_EQ(told("late"), EAGAIN);
    EXPECT_NE(failure("late").find("SO_SNDTIMEO ran out"), std::string::npos) << failure("late");
    EXPECT_EQ(told("hit"), EINTR);
    EXPECT_NE(failure("hit").find("EINTR: a signal came while the call waited"), std::string::npos) << failure("hit");
    EXPECT_EQ(told("again"), EINTR);  // ERESTARTSYS, and the handler has no SA_RESTART
    EXPECT_NE(failure("again").find("ERESTARTSYS: a signal came while the call waited"), std::string::npos)
        << failure("again");
}

// tpacket_snd waits for its frames' ends, and says ETIMEDOUT when that takes too long: of no frame, each has its own
// end.
TEST_F(Frames, of_a_TX_ring_whose_call_ends_with_ETIMEDOUT_have_ends_of_their_own) {
    const VethPair slow("vtime");
    slow.set_qdisc("tbf rate 80kbit burst 1600 limit 100000");
    const std::string report = scratch("timed_out") + "/report";
    const Traced traced = trace_command({}, {sender_path(), "--report", report, "--to", "vtime0", "--length", "1000",
                                             "--method", "ring", "--batch", "6", "--timeout-ms", "200"});
    expect_sound(traced);
    const std::vector<Answer> answers = read_answers(report);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].err, ETIMEDOUT);
    EXPECT_EQ(traced.recording.total("attempted"), 6U) << shown(traced.run);
    EXPECT_EQ(traced.recording.total("delivered") + traced.recording.total("queued"), 6U) << shown(traced.run);
    for (const SendLine& send : traced.recording.sends)
        EXPECT_EQ(send.wait_errno, send.ring_frame == 5 ? ETIMEDOUT : 0) << "frame " << *send.ring_frame;
    EXPECT_GE(traced.recording.total("delivered"), 1U);
}

TEST_F(Frames, of_a_full_queue_fail_with_ENOBUFS_that_names_the_qdisc) {
    const VethPair full("vfull");
    full.set_qdisc("netem delay 400ms limit 5");
    const Traced traced = trace_command({}, sender("vfull0", "12"));
    expect_sound(traced);
    EXPECT_EQ(with_outcome(traced, "delivered"), 5U);
    EXPECT_EQ(with_outcome(traced, "failed"), 7U);
    EXPECT_EQ(qdisc_count("vfull0", "drops"), 7U);
    EXPECT_EQ(device_count("vfull0").tx_packets, 5U);
    for (const SendLine& send : traced.recording.sends)
        if (send.outcome == "failed") {
            EXPECT_NE(send.reason.find("ENOBUFS: the netem qdisc of vfull0"), std::string::npos) << send.reason;
        }
}

// A frame in a quarter of an hour: the first goes by the burst, five wait in the pfifo, and six find it full. The
// shaper counts what its pfifo refuses, as the pfifo does.
TEST_F(Frames, of_a_full_pfifo_below_a_shaper_fail_and_the_ledger_is_that_of_tc) {
    const VethPair full("vfifo");
    full.set_qdisc("handle 1: tbf rate 8bit burst 1600 limit 100000");
    configure("tc qdisc add dev vfifo0 parent 1:1 handle 2: pfifo limit 5");
    const Traced traced = trace_command({"-i", "vfifo0"}, sender("vfifo0", "12", "1000"));
    expect_sound(traced);
    EXPECT_EQ(with_outcome(traced, "delivered"), 1U);
    EXPECT_EQ(with_outcome(traced, "queued"), 5U);
    EXPECT_EQ(with_outcome(traced, "failed"), 6U);
    for (const char* kind : {"tbf", "pfifo"}) {
        EXPECT_EQ(qdisc_count("vfifo0", "drops", kind), 6U) << kind;
        EXPECT_EQ(qdisc_count("vfifo0", "qlen", kind), 5U) << kind;
    }
    EXPECT_EQ(device_count("vfifo0").tx_packets, 1U);
    expect_held(traced, {{"tx_packets", 1}, {"sent", 1}, {"drops", 6}, {"waiting", 5}});
    for (const SendLine& send : traced.recording.sends) {
        if (send.outcome == "failed") {
            EXPECT_EQ(send.err, ENOBUFS);
            EXPECT_NE(send.reason.find("ENOBUFS: the tbf qdisc of vfifo0"), std::string::npos) << send.reason;
            EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
        } else {
            EXPECT_EQ(send.ret, 1000);
        }
    }
}

TEST_F(Frames, of_a_full_pfifo_at_the_root_fail_and_are_as_many_as_tc_counts) {
    const StuckCard card;
    configure("tc qdisc replace dev eth0 root pfifo limit 5");
    const std::string counts = scratch("pfifo") + "/counts";
    const std::string past = sender_path() + " --to eth0 --count 200 --bypass\n";
    const std::string script = past + past + sender_path() +
                               " --name sender --to eth0 --count 12\n"
                               "tc -s -j qdisc show dev eth0 root > " +
                               counts + "\nip link set eth0 down";
    const Traced traced = trace_command({"-i", card.name}, {"sh", "-c", script});
    run({"tc", "qdisc", "del", "dev", "eth0", "root"});
    expect_sound(traced);
    std::uint64_t failed = 0, waiting = 0;
    for (const SendLine& send : traced.recording.sends_of("sender")) {
        waiting += send.outcome == "queued" || send.outcome == "dropped";  // with the interface
        if (send.outcome != "failed") continue;
        failed++;
        EXPECT_NE(send.reason.find("ENOBUFS: the pfifo qdisc of eth0"), std::string::npos) << send.reason;
        EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
    }
    EXPECT_EQ(waiting, 5U) << shown(traced.run);
    EXPECT_EQ(failed, 7U) << shown(traced.run);
    const Json tc = Json::parse(read_file(counts)).at(0);
    EXPECT_EQ(tc.at("drops"), failed);
    EXPECT_EQ(tc.at("qlen"), waiting);
}

TEST_F(Frames, of_a_queue_that_the_driver_has_stopped_fail_past_the_qdisc_and_wait_in_it) {
    const StuckCard card;
    const std::string past = sender_path() + " --to eth0 --count 200 --bypass\n";
    const std::string script = past + past + sender_path() + " --to eth0 --count 5\nip link set eth0 down";
    const Traced traced = trace_command({"-i", card.name}, {"sh", "-c", script});
    expect_sound(traced);
    std::size_t stopped = 0, waiting = 0;
    for (const SendLine& send : traced.recording.sends) {
        stopped += send.reason == "ENOBUFS: the queue of eth0 is stopped";
        if (send.outcome == "failed") {
            EXPECT_EQ(send.reason, "ENOBUFS: the queue of eth0 is stopped");
        }
        waiting += send.outcome == "dropped" || send.outcome == "queued";
    }
    EXPECT_EQ(traced.recording.total("attempted"), 405U) << shown(traced.run);
    EXPECT_EQ(traced.recording.total("failed"), stopped) << shown(traced.run);
    EXPECT_GT(stopped, 100U);
    EXPECT_EQ(waiting, 5U) << shown(traced.run);
}

TEST_F(Frames, that_a_qdisc_still_has_when_tracing_ends_are_queued) {
    const VethPair slow("vlong");
    slow.set_qdisc("netem delay 60s");
    const Traced traced = trace_command({"-i", "vlong0"}, sender("vlong0", "7"));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("queued"), 7U);
    EXPECT_EQ(qdisc_count("vlong0", "qlen"), 7U);
    expect_held(traced, {{"tx_packets", 0}, {"sent", 0}, {"drops", 0}, {"waiting", 7}});
    for (const SendLine& send : traced.recording.sends)
        EXPECT_EQ(send.reason, "still in the netem qdisc of vlong0 when tracing ended");
}

TEST_F(Frames, for_which_there_was_no_room_to_follow_them_are_unknown_and_counted) {
    const VethPair slow("vmany");
    slow.set_qdisc("netem delay 200ms");
    const Traced traced = trace_command({"--in-flight", "4"}, sender("vmany0", "12"));
    expect_sound(traced);
    EXPECT_GE(traced.recording.total("delivered"), 4U);
    EXPECT_GT(traced.recording.total("unknown"), 0U);
    EXPECT_EQ(traced.recording.total("delivered") + traced.recording.total("unknown"), 12U);
    EXPECT_EQ(traced.recording.summary->at("frames").at("map_full").get<std::uint64_t>(),
              traced.recording.total("unknown"));
    for (const SendLine& send : traced.recording.sends)
        if (send.outcome == "unknown") {
            EXPECT_NE(send.reason.find("no room to follow it"), std::string::npos) << send.reason;
        }
}

TEST_F(Frames, that_a_shaper_cuts_up_are_delivered_when_all_segments_are_and_the_device_counts_these) {
    const VethPair slow("vgso");
    slow.set_qdisc("tbf rate 2mbit burst 1600 limit 20000");
    const Traced traced = read_back(sockray({"run", "-i", "vgso0", "-c", "30", "--json", "--frame", "tcp", "--size",
                                             "5000", "--vnet-hdr", "--gso", "1400"}));
    expect_sound(traced);
    EXPECT_EQ(traced.recording.all_lost(), 0U);
    EXPECT_EQ(traced.recording.total("unknown"), 0U);
    std::uint64_t segments = 0;
    std::uint64_t whole = 0;
    for (const SendLine& send : traced.recording.sends) {
        segments += send.segments_delivered;
        whole += send.outcome == "delivered";
        if (send.outcome == "delivered") {
            EXPECT_GE(send.segments, 4U);
            EXPECT_EQ(send.segments_delivered, send.segments);
        }
    }
    EXPECT_GT(whole, 0U);
    EXPECT_LT(whole, 30U);  // the queue takes 20000 bytes
    EXPECT_EQ(segments, device_count("vgso0").tx_packets);
}

TEST_F(Frames, of_a_TX_ring_all_name_the_queue_that_has_them) {
    const VethPair slow("vkeep");
    slow.set_qdisc("netem delay 60s");
    const Traced traced =
        trace_command({}, {sender_path(), "--to", "vkeep0", "--method", "ring", "--batch", "5", "--timeout-ms", "200"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("queued"), 5U) << shown(traced.run);
    for (const SendLine& send : traced.recording.sends)
        EXPECT_EQ(send.reason, "still in the netem qdisc of vkeep0 when tracing ended");
}

TEST_F(Frames, of_a_VLAN_above_a_queue_end_as_that_queue_ends_them_whatever_stages_are_on) {
    const VethPair slow("vtag");
    configure("ip link add link vtag0 name vtag0.7 type vlan id 7");
    configure("ip link set vtag0.7 up");
    slow.set_qdisc("netem delay 60s");
    const std::string report = scratch("vlan") + "/report";
    // Past the VLAN's own queue, which it has none.
    const std::string script = sender_line(report, "through", "--to vtag0.7 --count 5") + "\n" +
                               sender_line(report, "past", "--to vtag0.7 --count 5 --bypass");
    for (const char* stages : {"chain", "full"}) {
        const Traced traced = trace_command({"--stages", stages}, {"sh", "-c", script});
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("queued"), 10U) << stages;
        EXPECT_EQ(traced.recording.sends_of("past").size(), 5U);
        const Traced cut = read_back(sockray({"run", "-i", "vtag0.7", "-c", "5", "--json", "--stages", stages,
                                              "--frame", "tcp", "--size", "5000", "--vnet-hdr", "--gso", "1400"}));
        EXPECT_EQ(cut.recording.total("queued"), 5U) << stages << "\n" << shown(cut.run);
    }
    configure("tc qdisc add dev vtag0.7 root pfifo");
    const Traced twice = trace_command({}, {"sh", "-c", sender_line(report, "twice", "--to vtag0.7 --count 5")});
    EXPECT_EQ(twice.recording.total("queued"), 5U) << shown(twice.run);
}

TEST_F(Frames, show_with_full_stages_when_and_why_their_skb_was_freed) {
    const Traced traced = drive({"-c", "50", "--stages", "full"});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("correlated"), 50U);
    for (const SendLine& send : traced.recording.sends) {
        for (const char* stage : {"skb_copy_datagram_from_iter", "packet_parse_headers", "ndo_start_xmit", "skb_freed"})
            EXPECT_TRUE(send.stage(stage)) << stage;
        EXPECT_FALSE(send.freed.empty());
        EXPECT_EQ(send.outcome, "delivered");
    }
}

TEST_F(Frames, stages_that_are_not_asked_for_are_not_hooked) {
    std::size_t hooks = 0;
    Traced traced;
    for (const char* set : {"packet_sendmsg", "chain", "full"}) {
        SCOPED_TRACE(set);
        const std::size_t fewer = hooks;
        const Traced one = trace_while({"--stages", set, "-i", "veth0"}, [&] {
            hooks = hooks_now();
            run(sender("veth0", "20"));
        });
        EXPECT_GT(hooks, fewer);
        expect_sound(one);
        EXPECT_EQ(one.recording.total("delivered"), 20U);
        if (set == std::string("packet_sendmsg")) traced = one;
    }
    EXPECT_EQ(traced.recording.plan_of("__sys_sendto").value("reason", ""), "not asked for (--stages)");
    for (const SendLine& send : traced.recording.sends) EXPECT_FALSE(send.stage("__sys_sendto"));
}

}  // namespace
}  // namespace sockray::vm
