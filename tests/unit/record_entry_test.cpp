// Entries of a recording: what is written is what is read, and nothing else is believed.
#include "user/record/entry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <string>

#include "tests/unit/correlate_records.h"

namespace sockray {
namespace {

template <typename E>
E round_trip(const E& entry) {
    std::string bytes;
    put_entry(bytes, entry);
    const auto parsed = parse_entry(bytes);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error());
    if (!parsed || !std::holds_alternative<E>(*parsed)) {
        ADD_FAILURE() << "another kind of entry came back";
        return {};
    }
    return std::get<E>(*parsed);
}

template <typename T>
bool same_bytes(const T& a, const T& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

// Each word of it another number, as far as decode() lets it through.
sr_send full_send() {
    sr_send send;
    unsigned char byte = 1;
    for (std::size_t i = 0; i < sizeof send; i++) reinterpret_cast<unsigned char*>(&send)[i] = byte++ | 1U;
    send.head.type = SR_RECORD_SEND;
    send.head.size = sizeof send;
    send.head.pad = 0;
    send.ret = -90;
    sample::set(send.comm, "a\xff name");
    sample::set(send.ifname, "eth0.7");
    sample::set(send.qdisc, "fq_codel");
    sample::set(send.passed_on_to, "eth1");
    send.flags |= SR_SEND_VNET;
    send.pad = 0;
    send.frame_pad = 0;
    std::memset(send.more_pad, 0, sizeof send.more_pad);
    std::memset(send.stage, 0, sizeof send.stage);
    std::uint64_t ns = 1'000'000;
    for (const StageInfo& info : all_stages)
        if (info.slot >= 0) sample::pass(send, info.slot, info.stage, ns, ns + 17), ns += 1000;
    send.span[SR_SLOT_ENTRY] = {999, 5'000'000};  // before the base
    send.span[SR_SLOT_ALLOC].end = 0;             // its return was not seen
    send.span[SR_SLOT_COPY].start = 0;            // nor was this entry
    return send;
}

TEST(RecordingEntry, ASendComesBackToTheLastBit) {
    Send send = sample::send_of(full_send(), FrameEnd::lost, 3);
    send.id = UINT64_MAX;
    send.outcome = Outcome::dropped;
    send.end_stage = Stage::queue_xmit;
    send.reason = "QDISC_DROP: \"quoted\", \xff";
    send.number = 0;
    send.also_received = {{801, 7000, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV},
                          {0, 0, SR_RECEIVED_TAKEN, SR_STAGE_PACKET_RCV}};
    const Send back = round_trip(send);
    EXPECT_TRUE(same_bytes(back.record, send.record));
    EXPECT_EQ(back.id, send.id);
    EXPECT_EQ(back.outcome, send.outcome);
    EXPECT_EQ(back.end_stage, send.end_stage);
    EXPECT_EQ(back.reason, send.reason);
    EXPECT_EQ(back.number, send.number);
    EXPECT_EQ(back.frame_end, send.frame_end);
    EXPECT_EQ(back.frames_consumed, 3U);
    EXPECT_EQ(back.also_received, send.also_received);
}

TEST(RecordingEntry, AnUsualSendTakesLessThanAThirdOfItsRecord) {
    std::string bytes;
    put_entry(bytes, sample::send_of(sample::taken()));
    EXPECT_LT(bytes.size(), sizeof(sr_send) / 3);
}

TEST(RecordingEntry, ASocketComesBackToTheLastBit) {
    SocketEntry entry;
    entry.id = 12;
    unsigned char byte = 1;
    for (std::size_t i = 0; i < sizeof entry.record; i++)
        reinterpret_cast<unsigned char*>(&entry.record)[i] = byte++ | 1U;
    sr_socket& record = entry.record;
    record.head = {SR_RECORD_SOCKET, sizeof record, 3, 0, 9};
    record.pad = 0;
    record.ret = -1;
    record.create_ret = 0;
    record.create = {100, 200};
    record.packet_create = {110, 0};
    sample::set(record.comm, "tcpdump");
    const SocketEntry back = round_trip(entry);
    EXPECT_EQ(back.id, 12U);
    EXPECT_TRUE(same_bytes(back.record, record));
}

TEST(RecordingEntry, OriginAndPlanComeBack) {
    OriginEntry origin;
    origin.origin = {"1.2", {"sockray", "run", ""}, "host", "6.1", "x86_64", 77, -5, 0xff00ff};
    origin.file = 2;
    const OriginEntry back = round_trip(origin);
    EXPECT_EQ(back.origin.command, origin.origin.command);
    EXPECT_EQ(back.origin.realtime_offset_ns, -5);
    EXPECT_EQ(back.origin.stages, 0xff00ffU);
    EXPECT_EQ(back.file, 2U);

    const PlanLine line{Stage::packet_snd,
                        Evidence::located,
                        "packet_sendmsg",
                        1547,
                        "kprobe",
                        "inlined",
                        {{"kprobe", "taken", ""}, {"fentry", "refused", "why"}},
                        true};
    const PlanLine same = round_trip(line);
    EXPECT_EQ(same.stage, line.stage);
    EXPECT_EQ(same.evidence, line.evidence);
    EXPECT_EQ(same.offset, line.offset);
    ASSERT_EQ(same.alternatives.size(), 2U);
    EXPECT_EQ(same.alternatives[1].reason, "why");
    EXPECT_TRUE(same.partly);
}

TEST(RecordingEntry, TheLedgerStillBalancesWhenItComesBack) {
    Ending ending;
    Ledger& ledger = ending.ledger;
    ledger.decoded_by_outcome = {5, 4, 3, 2, 1};
    ledger.decoded = 15;
    ledger.sends = {20, 18, {3, 1, 1, 0}};
    ledger.driven = 0;
    ledger.skipped.emplace();
    ledger.skipped->push_back({Stage::alloc, 9});
    ledger.uncounted = {Stage::wait};
    ledger.lost_by_cpu = {{1, 2, 3, 4, 5, 6, 7, 8}};
    ledger.filtered = 31;
    ledger.filter_unjudged = 32;
    ledger.filter_no_frame = 33;
    ledger.left_out = 14;
    ledger.ring_idle_timed_out = 41;
    ledger.ring_idle_interrupted = 42;
    ledger.ring_overlapped = 43;
    ledger.partial_by_stage = {{Stage::alloc, 34}};
    ending.devices = {{"veth0", 1, 2, 3, 4, 5}};
    ending.devices[0].no_ipv6 = true;
    ending.receivers.emplace();
    ending.receivers->sockets = {{51, 52, "tcpdump", 53, 54, 55, 56, 57, 58, 0, true, true, true, true},
                                 {59, 0, "", 60}};
    ending.receivers->unnamed = 61;
    ending.receivers->unread = "not allowed";
    const Ending back = round_trip(ending);
    EXPECT_TRUE(ledger.balances());
    EXPECT_TRUE(back.ledger.balances());
    EXPECT_EQ(back.ledger.count(Outcome::unknown), ledger.count(Outcome::unknown));
    EXPECT_EQ(back.ledger.filtered, 31U);
    EXPECT_EQ(back.ledger.filter_unjudged, 32U);
    EXPECT_EQ(back.ledger.filter_no_frame, 33U);
    EXPECT_EQ(back.ledger.selected(), 1U);
    EXPECT_EQ(back.ledger.ring_idle_timed_out, 41U);
    EXPECT_EQ(back.ledger.ring_idle_interrupted, 42U);
    EXPECT_EQ(back.ledger.ring_overlapped, 43U);
    EXPECT_EQ(back.ledger.driven, 0U);
    EXPECT_EQ(back.ledger.correlated, std::nullopt);
    ASSERT_TRUE(back.ledger.skipped);
    EXPECT_EQ(back.ledger.skipped->at(0).hits, 9U);
    EXPECT_EQ(back.ledger.uncounted, ledger.uncounted);
    EXPECT_EQ(back.ledger.lost_by_cpu.at(0).total(), ledger.lost_by_cpu[0].total());
    EXPECT_EQ(back.ledger.lost_by_cpu[0].unopened, 7U);
    EXPECT_EQ(back.ledger.lost_by_cpu[0].passages_lost, 8U);
    EXPECT_EQ(back.devices.at(0).tx_errors, 4U);
    EXPECT_TRUE(back.devices.at(0).no_ipv6);
    EXPECT_EQ(back.receivers, ending.receivers);
    EXPECT_EQ(round_trip(Ending{}).receivers, std::nullopt);
    ASSERT_EQ(back.ledger.partial_by_stage.size(), 1U);
    EXPECT_EQ(back.ledger.partial_by_stage[0].stage, Stage::alloc);
    EXPECT_EQ(back.ledger.partial_by_stage[0].hits, 34U);
}

TEST(RecordingEntry, WhatDecodeRefusesInTheRingIsRefusedInAFile) {
    Send send = sample::send_of(sample::taken());
    send.record.span[SR_SLOT_ALLOC] = {200, 100};
    std::string bytes;
    put_entry(bytes, send);
    // 1 + end - start wraps: read as an end far behind, which is no harm; a stage in a slot that is not its own is.
    send = sample::send_of(sample::taken());
    send.record.stage[SR_SLOT_ALLOC] = SR_STAGE_FREED;
    bytes.clear();
    put_entry(bytes, send);
    EXPECT_FALSE(parse_entry(bytes));
}

TEST(RecordingEntry, FieldsMayComeInAnyOrderAndTheLastOfEachCounts) {
    std::string bytes;
    {
        protozero::pbf_writer entry(bytes);
        protozero::pbf_writer socket(entry, 5);
        socket.add_uint64(4, 7);
        socket.add_uint64(1, 11);
        socket.add_uint64(4, 8);
        socket.add_uint64(4, 9);
        socket.add_fixed64(5, 1);  // its number, and another wire type
        socket.add_uint64(7, 1000);
    }
    const auto parsed = parse_entry(bytes);
    ASSERT_TRUE(parsed);
    const SocketEntry& socket = std::get<SocketEntry>(*parsed);
    EXPECT_EQ(socket.id, 11U);
    EXPECT_EQ(socket.record.pid, 9U);
    EXPECT_EQ(socket.record.tid, 0U);
    EXPECT_EQ(socket.record.uid, 1000U);
}

TEST(RecordingEntry, NothingOfTheOneBeforeIsLeftInWhatIsReadToItsPlace) {
    Send before = sample::send_of(full_send());
    before.reason = "a reason that is too long to stand in the string itself";
    before.number = 3;
    before.tapped = 2;
    before.also_received = {{801, 7000, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV}};
    const Send plain = sample::send_of(sample::taken());
    std::string first;
    std::string second;
    put_entry(first, before);
    put_entry(second, plain);
    Entry entry;
    EXPECT_EQ(parse_entry(first, entry), "");
    EXPECT_EQ(parse_entry(second, entry), "");
    const Send& send = std::get<Send>(entry);
    EXPECT_TRUE(same_bytes(send.record, round_trip(plain).record));
    EXPECT_EQ(send.reason, "");
    EXPECT_EQ(send.number, std::nullopt);
    EXPECT_EQ(send.tapped, 0U);
    EXPECT_TRUE(send.also_received.empty());
    EXPECT_EQ(parse_entry(second.substr(0, second.size() - 1), entry), "an entry that is cut off");
    EXPECT_EQ(parse_entry(first, entry), "") << "what was wrong with one is not the next one's";
}

TEST(RecordingEntry, AKindOfALaterVersionIsPassedOver) {
    const std::string later("\xa2\x06\x03xyz", 6);  // field 100, bytes
    const auto parsed = parse_entry(later);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(std::holds_alternative<UnknownEntry>(*parsed));
}

TEST(RecordingEntry, NoBytesCrashIt) {
    std::string good;
    put_entry(good, sample::send_of(full_send()));
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same each time
    for (int i = 0; i < 200'000; i++) {
        std::string bytes = good;
        for (unsigned n = 1 + random() % 4; n; n--) bytes[random() % bytes.size()] = static_cast<char>(random());
        if (random() % 4 == 0) bytes.resize(random() % bytes.size());
        (void)parse_entry(bytes);
    }
}

}  // namespace
}  // namespace sockray
