// Joins the frames that a capture saw leave with the sends that made them: both know the timestamp that the taps' clone
// of the frame got (SR_FRAME_TAPPED of bpf/records.h).
//
// That record is in its ring before the frame is in the capture's. So a frame is nobody's when that ring has been read
// up to where it was written when the frame came, and no record has its timestamp. A frame that a send will claim waits
// for it, and a send for frames that the capture has not handed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "user/correlate/flights.h"
#include "user/correlate/send.h"
#include "user/correlate/tap_frame.h"

namespace sockray {

// What became of a send's frames at the taps.
struct Tapped {
    std::uint64_t offered = 0;     // frames: one, or the segments of one
    std::uint64_t taken = 0;       // that the capture got and handed over
    bool told = false;             // a frame of it may have been told as nobody's, for want of room
    std::vector<std::byte> bytes;  // of the last one that was taken
    std::uint32_t length = 0;
    std::uint64_t realtime_ns = 0;
};

// Who is told, in the order in which it is certain.
class TapJoinListener {
  public:
    TapJoinListener() = default;
    TapJoinListener(const TapJoinListener&) = delete;
    TapJoinListener& operator=(const TapJoinListener&) = delete;
    virtual ~TapJoinListener() = default;

    // No send is known to have made it.
    virtual void unclaimed(const TapFrame& frame) = 0;
    virtual void ended(Send&& send, Tapped&& tapped) = 0;
};

class TapJoin {
  public:
    // At most `most` frames, of 64 MiB, and as many sends wait: the oldest beyond that go as they are. `listener` must
    // outlive it.
    explicit TapJoin(TapJoinListener& listener, std::size_t most = std::size_t{1} << 15)
        : listener_(listener), most_(most) {}

    // A frame that left, copied.
    void frame(const TapFrame& frame);
    // SR_FRAME_TAPPED: before its send.
    void tapped(const sr_frame& record);
    void send(const Send& send);

    // The frames so far came when the ring of records was written up to there: a position in it, as below.
    void came_before(std::uint64_t written);
    // The ring has been read up to there: lets go what nobody claims, and what has waited too long. `now_ns`:
    // CLOCK_MONOTONIC. Where we ourselves were stopped, by an output that takes nothing or for want of CPU, nothing has
    // waited meanwhile: what comes first from the kernel then is old.
    void caught_up(std::uint64_t read, std::uint64_t now_ns);
    // Nothing more comes: lets go everything.
    void finish();

    // Frames that went because they waited for too long, or were too many, though a send may have made them.
    std::uint64_t given_up() const { return given_up_; }

  private:
    using Serial = std::uint64_t;
    struct Frame {
        std::vector<std::byte> bytes;
        TapFrame frame;
        std::uint64_t since_ns = 0;
        bool gone = false;  // with its send, while others before it are still there
    };
    struct Mark {
        std::uint64_t end = 0;  // of frames: the serial behind the last one
        std::uint64_t written = 0;
    };
    struct Waiting {
        Send send;
        Tapped tapped;
        std::vector<std::uint64_t> missing;  // timestamps
        std::uint64_t since_ns = 0;
    };
    using Serials = std::deque<Serial>;
    using ByTime = std::unordered_multimap<std::uint64_t, Serial>;

    static void take(Tapped& tapped, std::vector<std::byte>&& bytes, const TapFrame& frame);
    static void erase_one(ByTime& by_time, std::uint64_t time, Serial serial);
    void forget_claim(std::uint64_t time);
    void index_fresh();
    Frame take_known(ByTime::iterator known);
    std::optional<Frame> pop_fresh();
    std::optional<Frame> pop_claimed();
    void claim_oldest();
    void tell(std::optional<Frame> frame);
    void give_up(std::optional<Frame> frame);
    void let_go_send();
    void end(std::unordered_map<Serial, Waiting>::iterator waiting);

    TapJoinListener& listener_;
    std::size_t most_;
    std::uint64_t now_ns_ = 0;     // as caught_up() was told
    std::uint64_t waited_ns_ = 0;  // the clock of what waits
    // Most captures see few sends of packet sockets among many frames, so what a frame costs that none has made is kept
    // low: it stands in a queue, and only when a send has come is it to be found by its timestamp.
    std::deque<Frame> fresh_;                    // by age: not known whether a send has made it
    Serial first_fresh_ = 0;                     // of the first one; the others follow
    std::deque<Mark> marks_;                     // what has to be read before it is known of them
    Serial indexed_ = 0;                         // those before it are in frames_by_time_
    std::unordered_map<Serial, Frame> claimed_;  // a send has, and has not come yet; all in frames_by_time_
    Serials claimed_by_age_;
    ByTime frames_by_time_;    // by TapFrame::realtime_ns
    std::size_t waiting_ = 0;  // frames
    std::size_t bytes_ = 0;    // of all of them
    std::uint64_t given_up_ = 0;
    std::uint64_t given_up_until_ns_ = 0;  // the newest of those, by its timestamp
    std::unordered_map<std::uint64_t, std::vector<std::uint64_t>>
        tapped_;  // timestamps by sr_send.id, until the send comes
    Ages tapped_ages_;
    std::unordered_map<std::uint64_t, std::uint64_t> claims_;  // how often each timestamp stands in `tapped_`
    Serial next_send_ = 0;
    std::unordered_map<Serial, Waiting> sends_;
    std::size_t send_bytes_ = 0;
    ByTime sends_by_time_;  // a send for each frame that it misses
    Serials sends_by_age_;
};

}  // namespace sockray
