// Who sends right now: counts by sender and times by stage, of one interval after the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "user/analyze/histogram.h"
#include "user/base/stage.h"
#include "user/correlate/sink.h"

namespace sockray {

struct SendCounts {
    std::uint64_t sends = 0;
    std::uint64_t bytes = 0;                              // that they asked to send
    std::array<std::uint64_t, outcome_count> outcomes{};  // index: Outcome

    std::uint64_t count(Outcome outcome) const { return outcomes[static_cast<std::size_t>(outcome)]; }
    // Sends that did not leave. (Lost are records, by tracing.)
    std::uint64_t dropped_or_failed() const { return count(Outcome::dropped) + count(Outcome::failed); }
    SendCounts& operator+=(const SendCounts& other);
};

struct Latency {
    std::uint64_t samples = 0;  // 0: the others mean nothing
    std::uint64_t median = 0;   // ns
    std::uint64_t p99 = 0;      // ns
};

struct ActiveSender {
    std::uint32_t pid = 0;
    std::uint64_t socket_ino = 0;
    std::string comm;    // of the thread: hostile
    std::string ifname;  // hostile; empty where no device was found
    std::string_view method;
    SendCounts total;          // since the begin
    SendCounts last;           // of the last interval
    Latency latency;           // of the last interval: how long the sends took in the kernel
    std::deque<double> rates;  // sends a second in the last intervals, the oldest first
};

struct ActiveStage {
    Stage stage = Stage::none;
    Latency latency;  // of the last interval; of a moment, the time since the entry of packet_sendmsg
    // ns, of the last intervals, the oldest first; 0 where no send passed it.
    std::deque<double> medians;
    std::deque<double> p99s;
};

// Everything as it was at the end of an interval.
struct Activity {
    std::uint64_t start_ns = 0;           // CLOCK_MONOTONIC, of the session
    std::int64_t realtime_offset_ns = 0;  // CLOCK_REALTIME - CLOCK_MONOTONIC
    std::uint64_t end_ns = 0;             // of the interval
    std::uint64_t interval_ns = 0;
    std::vector<ActiveSender> senders;  // in no order
    std::uint64_t merged = 0;           // how often one of those that sent least was merged into `others`
    ActiveSender others;
    ActiveSender all;                 // the sums of `senders` and `others`, exactly
    std::string filter;               // whose sends `stages` are of; empty: all
    std::vector<ActiveStage> stages;  // those that were passed, in the order of all_stages

    double a_second(std::uint64_t count) const {
        return interval_ns ? static_cast<double>(count) * 1e9 / static_cast<double>(interval_ns) : 0;
    }
};

// Whether name, device, method, pid or inode hold `text`, in upper or lower case. An empty text is in all.
bool matches(const ActiveSender& sender, std::string_view text);

// Its memory is bounded, however many sends and senders it sees.
class ActivitySink : public Sink {
  public:
    static constexpr std::size_t intervals_kept = 120;

    // At most so many senders are kept by name; where more come, those that sent least of late become "others".
    explicit ActivitySink(std::size_t senders_kept = 256) : kept_(senders_kept) {}

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void send(const Send& send) override;

    // From now on stages are those of the sends whose sender matches.
    void set_filter(std::string_view text);
    // Ends the interval. `now_ns`: CLOCK_MONOTONIC.
    void close_interval(std::uint64_t now_ns);
    // As of the last close_interval().
    const Activity& activity() const { return activity_; }

  private:
    struct Key {
        std::uint32_t pid = 0;
        std::uint64_t socket_ino = 0;
        std::array<char, SR_COMM_LEN> comm{};
        std::array<char, SR_IFNAME_LEN> ifname{};
        std::string_view method;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    // What the interval that goes on has so far.
    struct Open {
        ActiveSender sender;
        SendCounts now;
        Histogram times;
        bool chosen = true;  // matches the filter
    };
    struct OpenStage {
        ActiveStage stage;
        Histogram times;
        bool passed = false;
    };

    static Key key_of(const sr_send& record);
    static void close(Open& open, const Activity& interval);
    Open& find(const Key& key);
    void merge_least();
    void add_stages(const sr_send& record);

    std::size_t kept_;
    std::string filter_;
    std::unordered_map<Key, Open, KeyHash> senders_;
    Open others_;
    Open all_;
    std::array<OpenStage, stage_count> stages_;
    Activity activity_;
};

}  // namespace sockray
