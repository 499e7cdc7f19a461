// From records to a ledger: what is told, and that each sum balances whatever comes.
#include "user/correlate/correlator.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "tests/unit/ring_bytes.h"

namespace sockray {
namespace {

class Names : public KernelNames {
    std::string symbol(std::uint64_t) const override { return "symbol"; }
    std::string drop_reason(std::uint32_t) const override { return "REASON"; }
};

// What was told, by id.
class Told : public Sink {
  public:
    void socket(const sr_socket&, std::uint64_t id) override { sockets.push_back(id); }
    void send(const Send& send) override { sends.push_back(send.id); }
    std::vector<std::uint64_t> sockets;
    std::vector<std::uint64_t> sends;
};

template <typename T>
std::vector<std::byte> bytes_of(T record, std::uint32_t type) {
    record.head = {type, sizeof record, 0, 0, 1};
    return made::ring_bytes(record);
}

// A correlator with what it needs, and a kernel side of one CPU that offered as many records as it was given.
class ACorrelator : public testing::Test {
  protected:
    void send() {
        cpu.sends_begun++;
        cpu.sends_emitted++;
        correlator.take(bytes_of(sample::taken(), SR_RECORD_SEND));
    }
    void bad_send() {
        cpu.sends_begun++;
        cpu.sends_emitted++;
        sr_send send = sample::taken();
        send.ret = -5000;
        correlator.take(bytes_of(send, SR_RECORD_SEND));
    }
    void socket(int ret) {
        cpu.sockets_begun++;
        cpu.sockets_emitted++;
        sr_socket socket{};
        socket.ret = ret;
        correlator.take(bytes_of(socket, SR_RECORD_SOCKET));
    }
    void frame(std::uint32_t kind) {
        cpu.frames_emitted++;
        sr_frame frame = sample::frame(77, SR_FRAME_TAKEN);
        frame.kind = kind;
        correlator.take(bytes_of(frame, SR_RECORD_FRAME));
    }
    Ledger ledger() {
        correlator.finish({});
        return correlator.ledger({&cpu, 1});
    }

    Plan plan = sample::plan();
    Names names;
    Told told;
    sr_counters cpu{};
    Correlator correlator{plan, names, {}, told};
};

TEST_F(ACorrelator, TellsSendsAndSocketsInTheirOrderAndBalances) {
    for (int i = 0; i < 3; i++) send();
    for (int i = 0; i < 2; i++) socket(0);
    const Ledger sums = ledger();
    EXPECT_EQ(sums.imbalance(), "");
    EXPECT_EQ(told.sends, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(told.sockets, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(sums.count(Outcome::delivered), 3U);
    EXPECT_EQ(sums.shown, 3U);
}

TEST_F(ACorrelator, CountsARejectedRecordInTheSumOfItsKindAndBalances) {
    send();
    bad_send();
    socket(0);
    for (int i = 0; i < 2; i++) socket(-5000);
    frame(SR_FRAME_FREED);
    for (int i = 0; i < 3; i++) frame(99);
    const Ledger sums = ledger();
    EXPECT_EQ(sums.imbalance(), "");
    EXPECT_EQ(sums.sends.lost.rejected, 1U);
    EXPECT_EQ(sums.sockets.lost.rejected, 2U);
    EXPECT_EQ(sums.frames.rejected, 3U);
    EXPECT_EQ(sums.others_rejected, 0U);
    EXPECT_EQ(sums.count(Outcome::unknown), 1U);
}

TEST_F(ACorrelator, CountsAPieceAndWhatDoesNotSayWhatItIsInNoSum) {
    send();
    correlator.take(bytes_of(
        sr_piece{.head = {}, .send = 1, .ns = 1, .length = 1, .offset = 9, .size = 1, .dev_type = 1, .bypass = 0},
        SR_RECORD_PIECE));
    correlator.take(bytes_of(sample::taken(), 99));
    correlator.take(std::span<const std::byte>());
    const Ledger sums = ledger();
    EXPECT_EQ(sums.imbalance(), "");
    EXPECT_EQ(sums.pieces_rejected, 1U);
    EXPECT_EQ(sums.others_rejected, 2U);
}

TEST_F(ACorrelator, DoesNotHideThatARecordIsMissing) {
    send();
    cpu.sends_begun++;
    cpu.sends_emitted++;
    cpu.frames_emitted++;
    const std::string wrong = ledger().imbalance();
    EXPECT_NE(wrong.find("sends seen, and decoded or lost: 2 are not 1"), std::string::npos) << wrong;
    EXPECT_NE(wrong.find("events of frames"), std::string::npos) << wrong;
}

}  // namespace
}  // namespace sockray
