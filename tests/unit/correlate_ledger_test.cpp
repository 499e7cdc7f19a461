// The sums: what the kernel side counted against what arrived.
#include "user/correlate/ledger.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "tests/unit/correlate_records.h"

namespace sockray {
namespace {

sr_counters sends(std::uint64_t begun, std::uint64_t no_storage, std::uint64_t unopened, std::uint64_t emitted,
                  std::uint64_t no_room) {
    sr_counters counters{};
    counters.sends_begun = begun;
    counters.sends_no_storage = no_storage;
    counters.sends_unopened = unopened;
    counters.sends_emitted = emitted;
    counters.sends_no_room = no_room;
    return counters;
}

Tally tally(const sr_counters& counters) {
    return tally_sends(std::array{counters});
}

// ---- the stages that records lack the return of

TEST(TheLedger, CountsByStageWhatReturnsItsRecordsLack) {
    Ledger ledger;
    sr_send send = sample::taken();
    ledger.add_partial(send);
    EXPECT_EQ(ledger.partial, 0U);
    EXPECT_TRUE(ledger.partial_by_stage.empty());
    send.span[SR_SLOT_ALLOC].end = 0;
    ledger.add_partial(send);
    send.span[SR_SLOT_XMIT].end = 0;
    ledger.add_partial(send);
    EXPECT_EQ(ledger.partial, 2U);
    ASSERT_EQ(ledger.partial_by_stage.size(), 2U);
    EXPECT_EQ(ledger.partial_by_stage[0].stage, Stage::alloc);
    EXPECT_EQ(ledger.partial_by_stage[0].hits, 2U);
    EXPECT_EQ(ledger.partial_by_stage[1].stage, Stage::queue_xmit);
    EXPECT_EQ(ledger.partial_by_stage[1].hits, 1U);
}

// ---- the tally

TEST(TheTally, OfNothingIsNothing) {
    const Tally none = tally_sends({});
    EXPECT_EQ(none.seen, 0U);
    EXPECT_EQ(none.emitted, 0U);
    EXPECT_EQ(none.lost, Loss{});
}

TEST(TheTally, WithoutLossSeesWhatBegan) {
    const Tally all = tally(sends(1000, 0, 0, 1000, 0));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.emitted, 1000U);
    EXPECT_EQ(all.lost, Loss{});
}

TEST(TheTally, CountsTheRecordsThatTheRingRefused) {
    const Tally all = tally(sends(1000, 0, 0, 1000, 400));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.lost, (Loss{.no_room = 400}));
}

// Its return finds no frame either, and is counted as unopened: that is one send, not two.
TEST(TheTally, CountsAnEntryWithoutMemoryOnce) {
    const Tally all = tally(sends(990, 10, 10, 990, 0));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.lost, (Loss{.no_seat = 10}));
}

TEST(TheTally, CountsAnEntryThatTheKernelSkippedByItsReturn) {
    const Tally all = tally(sends(997, 0, 3, 997, 0));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.lost, (Loss{.missed = 3}));
}

TEST(TheTally, CountsAReturnThatTheKernelSkippedByTheRecordThatNeverCame) {
    const Tally all = tally(sends(1000, 0, 0, 998, 0));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.lost, (Loss{.missed = 2}));
}

TEST(TheTally, KeepsTheCausesApart) {
    const Tally all = tally(sends(980, 12, 12 + 8, 975, 100));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.lost, (Loss{.no_room = 100, .missed = 8 + 5, .no_seat = 12}));
}

// The return of a send without memory may come after tracing has ended, and is not counted then.
TEST(TheTally, DoesNotUnderflowWhereReturnsOfSendsWithoutMemoryCameTooLate) {
    const Tally all = tally(sends(990, 10, 7, 990, 0));
    EXPECT_EQ(all.seen, 1000U);
    EXPECT_EQ(all.lost, (Loss{.no_seat = 10}));
}

// A call on an empty TX ring is no send: it began, and never comes to the ring.
TEST(TheTally, LeavesCallsOnAnEmptyTxRingOut) {
    sr_counters counters = sends(1000, 0, 0, 990, 0);
    counters.ring_idle = 10;
    const Tally all = tally(counters);
    EXPECT_EQ(all.seen, 990U);
    EXPECT_EQ(all.lost, Loss{});
}

// What the filter did not want began and leaves no record: it is in no sum, and nothing was lost.
TEST(TheTally, LeavesSendsOutThatTheFilterDidNotWant) {
    std::array cpus = {sends(1000, 0, 0, 100, 0), sends(0, 0, 0, 0, 0)};
    cpus[0].filtered = 400;
    cpus[1].filtered = 500;
    EXPECT_EQ(tally_sends(cpus).seen, 100U);
    EXPECT_EQ(tally_sends(cpus).lost, Loss{});
}

TEST(TheLedger, HasNoMoreToShowThanWasSelected) {
    Ledger ledger;
    ledger.decoded = 10;
    ledger.left_out = 4;
    EXPECT_EQ(ledger.selected(), 6U);
    ledger.left_out = 11;  // a recording may say anything
    EXPECT_EQ(ledger.selected(), 0U);
}

// It may begin on one CPU and be found empty on another.
TEST(TheTally, LeavesThemOutWhereverTheyWereCounted) {
    std::array cpus = {sends(5, 0, 0, 2, 0), sends(0, 0, 0, 0, 0)};
    cpus[1].ring_idle = 3;
    EXPECT_EQ(tally_sends(cpus).seen, 2U);
    EXPECT_EQ(tally_sends(cpus).lost, Loss{});
}

// A send may begin on one CPU and return on another: only the sums mean something.
TEST(TheTally, AddsTheCpusUpBeforeItComparesThem) {
    const std::array cpus = {sends(600, 0, 5, 100, 1), sends(400, 5, 0, 900, 2)};
    const Tally all = tally_sends(cpus);
    EXPECT_EQ(all.seen, 1005U);
    EXPECT_EQ(all.emitted, 1000U);
    EXPECT_EQ(all.lost, (Loss{.no_room = 3, .no_seat = 5}));
}

TEST(TheTally, OfSocketsLooksAtTheirOwnCounters) {
    sr_counters counters = sends(1000, 1, 2, 3, 4);
    counters.sockets_begun = 20;
    counters.sockets_no_storage = 2;
    counters.sockets_emitted = 19;
    counters.sockets_no_room = 5;
    const Tally all = tally_sockets(std::array{counters});
    EXPECT_EQ(all.seen, 22U);
    EXPECT_EQ(all.emitted, 19U);
    EXPECT_EQ(all.lost, (Loss{.no_room = 5, .missed = 1, .no_seat = 2}));
    EXPECT_EQ(tally(counters).seen, 1001U + 1U);
}

TEST(ALoss, IsTheSumOfItsCauses) {
    EXPECT_EQ((Loss{.no_room = 1, .missed = 10, .no_seat = 100, .rejected = 1000}).total(), 1111U);
    EXPECT_EQ(Loss{}.total(), 0U);
}

// ---- the ledger

Ledger ledger(std::uint64_t delivered, std::uint64_t dropped, std::uint64_t failed, std::uint64_t queued,
              std::uint64_t unknown) {
    Ledger ledger;
    ledger.decoded_by_outcome = {delivered, dropped, failed, queued, unknown};
    ledger.decoded = ledger.sends.seen = ledger.sends.emitted = delivered + dropped + failed + queued + unknown;
    return ledger;
}

std::uint64_t sum(const Ledger& ledger) {
    std::uint64_t total = 0;
    for (int outcome = 0; outcome < outcome_count; outcome++) total += ledger.count(static_cast<Outcome>(outcome));
    return total;
}

TEST(TheLedger, BalancesWhenItIsEmpty) {
    EXPECT_TRUE(Ledger{}.balances());
    EXPECT_EQ(Ledger{}.attempted(), 0U);
}

TEST(TheLedger, BalancesWhenEverySendHasAnOutcome) {
    const Ledger full = ledger(5, 4, 3, 2, 1);
    EXPECT_TRUE(full.balances());
    EXPECT_EQ(full.attempted(), 15U);
    EXPECT_EQ(full.count(Outcome::delivered), 5U);
    EXPECT_EQ(full.count(Outcome::dropped), 4U);
    EXPECT_EQ(full.count(Outcome::failed), 3U);
    EXPECT_EQ(full.count(Outcome::queued), 2U);
    EXPECT_EQ(full.count(Outcome::unknown), 1U);
}

TEST(TheLedger, CountsWhatWasLostAsUnknown) {
    Ledger lossy = ledger(10, 0, 0, 0, 1);
    lossy.sends.seen = 11 + 4 + 3 + 2 + 1;
    lossy.sends.lost = {.no_room = 4, .missed = 3, .no_seat = 2, .rejected = 1};
    EXPECT_TRUE(lossy.balances());
    EXPECT_EQ(lossy.attempted(), 21U);
    EXPECT_EQ(lossy.count(Outcome::unknown), 11U);
    EXPECT_EQ(lossy.count(Outcome::delivered), 10U);
    EXPECT_EQ(sum(lossy), lossy.attempted());
}

TEST(TheLedger, DoesNotBalanceWhenASendIsMissing) {
    Ledger wrong = ledger(5, 0, 0, 0, 0);
    wrong.sends.seen = 6;
    EXPECT_FALSE(wrong.balances());
}

TEST(TheLedger, DoesNotBalanceWhenASendWasCountedTwice) {
    Ledger wrong = ledger(5, 0, 0, 0, 0);
    wrong.sends.lost.missed = 1;
    EXPECT_FALSE(wrong.balances());
}

TEST(TheLedger, DoesNotBalanceWhenASendHasTwoOutcomes) {
    Ledger wrong = ledger(5, 0, 0, 0, 0);
    wrong.decoded_by_outcome[1]++;
    EXPECT_FALSE(wrong.balances());
}

TEST(TheLedger, HasSumsForSocketsAndFramesToo) {
    Ledger other = ledger(5, 0, 0, 0, 0);
    other.sockets.seen = 3;
    other.sockets_decoded = 1;
    other.sockets.lost.rejected = 1;
    EXPECT_EQ(other.imbalance(), "socket creations seen, and decoded or lost: 3 are not 2");
    other.sockets_decoded = 2;
    EXPECT_TRUE(other.balances());
    other.frames = {.seen = 9, .decoded = 5, .no_room = 3, .map_full = 7, .missed = 7, .rejected = 0};
    EXPECT_EQ(other.imbalance(), "events of frames seen, and decoded or lost: 9 are not 8");
    other.frames.rejected = 1;
    EXPECT_TRUE(other.balances());
}

// ---- both, against a made-up kernel side that does as bpf/send.bpf.h does

struct Kernel {
    std::mt19937_64 random;
    std::vector<sr_counters> cpus = std::vector<sr_counters>(4);
    std::uint64_t attempted = 0;
    std::uint64_t rejected = 0;
    Ledger ledger;

    explicit Kernel(std::uint64_t seed) : random(seed) {}
    bool one_in(unsigned n) { return n != 0 && random() % n == 0; }
    sr_counters& cpu() { return cpus[random() % cpus.size()]; }  // a send sleeps and migrates

    void emit(unsigned full, unsigned bad) {
        cpu().sends_emitted++;
        if (one_in(full)) {
            cpu().sends_no_room++;
        } else if (one_in(bad)) {
            rejected++;
        } else {
            ledger.decoded++;
            ledger.decoded_by_outcome[random() % outcome_count]++;
        }
    }

    void send(unsigned skips, unsigned no_memory, unsigned full, unsigned bad) {
        const bool entry = !one_in(skips);
        const bool exit = !one_in(skips);
        if (!entry && !exit) return;  // nobody will ever know of it
        attempted++;
        if (!entry) {
            cpu().sends_unopened++;
        } else if (one_in(no_memory)) {
            cpu().sends_no_storage++;
            if (exit) cpu().sends_unopened++;
        } else {
            cpu().sends_begun++;
            // Without a return the next send of the task, or the sweep at the end, brings the record out; a task that
            // dies before takes it along.
            if (exit || one_in(2)) emit(full, bad);
        }
    }
};

TEST(TheLedger, BalancesForEveryMixtureOfLosses) {
    for (std::uint64_t seed = 1; seed <= 300; seed++) {
        Kernel kernel(seed);
        const unsigned skips = kernel.random() % 3 ? 0 : 50;
        const unsigned no_memory = kernel.random() % 3 ? 0 : 20;
        const unsigned full = kernel.random() % 2 ? 0 : 3;
        const unsigned bad = kernel.random() % 4 ? 0 : 100;
        for (int i = 0; i < 2000; i++) kernel.send(skips, no_memory, full, bad);

        Ledger& ledger = kernel.ledger;
        ledger.sends = tally_sends(kernel.cpus);
        ledger.sends.lost.rejected = kernel.rejected;
        ASSERT_EQ(sum(ledger), ledger.attempted()) << "seed " << seed;
        ASSERT_EQ(ledger.sends.seen, ledger.decoded + ledger.sends.lost.total()) << "seed " << seed;
        ASSERT_TRUE(ledger.balances()) << "seed " << seed;
        // Where an entry has no seat and its return is skipped, one skipped entry elsewhere hides behind it.
        if (skips == 0 || no_memory == 0) {
            ASSERT_EQ(ledger.attempted(), kernel.attempted) << "seed " << seed;
        } else {
            ASSERT_LE(ledger.attempted(), kernel.attempted) << "seed " << seed;
            ASSERT_GE(ledger.attempted() + 20, kernel.attempted) << "seed " << seed;
        }
    }
}

TEST(TheLossByCpu, NamesTheCpusThatLostAnythingAndOnlyThese) {
    std::vector<sr_counters> cpus(4);
    cpus[1].sends_no_room = 3;
    cpus[1].sends_no_storage = 1;
    cpus[3].frames_no_room = 2;
    cpus[3].flights_full = 5;
    const std::vector<CpuLoss> losses = loss_by_cpu(cpus);
    ASSERT_EQ(losses.size(), 2U);
    EXPECT_EQ(losses[0].cpu, 1U);
    EXPECT_EQ(losses[0].total(), 4U);
    EXPECT_EQ(losses[1].cpu, 3U);
    EXPECT_EQ(losses[1].frames_no_room, 2U);
    EXPECT_EQ(losses[1].not_followed, 5U);
}

TEST(TheLossByCpu, NamesTheCpusWhereASkippedHookLeftATrace) {
    std::vector<sr_counters> cpus(3);
    cpus[0].sends_unopened = 4;
    cpus[2].passages_lost = 6;
    const std::vector<CpuLoss> losses = loss_by_cpu(cpus);
    ASSERT_EQ(losses.size(), 2U);
    EXPECT_EQ(losses[0].cpu, 0U);
    EXPECT_EQ(losses[0].unopened, 4U);
    EXPECT_EQ(losses[0].total(), 0U);
    EXPECT_EQ(losses[1].cpu, 2U);
    EXPECT_EQ(losses[1].passages_lost, 6U);
    EXPECT_EQ(losses[1].total(), 0U);
}

}  // namespace
}  // namespace sockray
