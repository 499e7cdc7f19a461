#include "user/correlate/tap_join.h"

#include <algorithm>
#include <utility>

namespace sockray {
namespace {

// The capture hands a frame over when its block is full, or after 100 ms.
constexpr std::uint64_t longest_wait_for_frame_ns = 1'000'000'000;
// A send that does not come though its frame was tapped has lost its record, or waits inside the kernel.
constexpr std::uint64_t longest_wait_for_send_ns = 5'000'000'000;
constexpr std::uint64_t longest_turn_ns = 100'000'000;
constexpr std::size_t most_bytes = std::size_t{64} << 20;

}  // namespace

void TapJoin::erase_one(ByTime& by_time, std::uint64_t time, Serial serial) {
    const auto [begin, end] = by_time.equal_range(time);
    const auto found = std::find_if(begin, end, [serial](const auto& one) { return one.second == serial; });
    if (found != end) by_time.erase(found);
}

void TapJoin::take(Tapped& tapped, std::vector<std::byte>&& bytes, const TapFrame& frame) {
    tapped.taken++;
    tapped.bytes = std::move(bytes);
    tapped.length = frame.length;
    tapped.realtime_ns = frame.realtime_ns;
}

void TapJoin::frame(const TapFrame& frame) {
    std::vector<std::byte> bytes(frame.bytes.begin(), frame.bytes.end());
    if (const auto wanted = sends_by_time_.find(frame.realtime_ns); wanted != sends_by_time_.end()) {
        const auto waiting = sends_.find(wanted->second);
        sends_by_time_.erase(wanted);
        take(waiting->second.tapped, std::move(bytes), frame);
        std::vector<std::uint64_t>& missing = waiting->second.missing;
        missing.erase(std::ranges::find(missing, frame.realtime_ns));
        if (missing.empty()) end(waiting);
        return;
    }
    bytes_ += bytes.size();
    waiting_++;
    fresh_.push_back({std::move(bytes), frame, waited_ns_});
    while (waiting_ > most_ || bytes_ > most_bytes) give_up(claimed_by_age_.empty() ? pop_fresh() : pop_claimed());
    // Those that are gone have their place as long as one before them waits.
    while (fresh_.size() > 4 * most_) give_up(pop_fresh());
}

void TapJoin::index_fresh() {
    const Serial end = first_fresh_ + fresh_.size();
    for (Serial serial = std::max(indexed_, first_fresh_); serial < end; serial++)
        frames_by_time_.emplace(fresh_[serial - first_fresh_].frame.realtime_ns, serial);
    indexed_ = end;
}

TapJoin::Frame TapJoin::take_known(ByTime::iterator known) {
    const Serial serial = known->second;
    frames_by_time_.erase(known);
    Frame frame;
    if (const auto claimed = claimed_.find(serial); claimed != claimed_.end()) {
        frame = std::move(claimed->second);
        claimed_.erase(claimed);
    } else {
        Frame& fresh = fresh_[serial - first_fresh_];
        frame = std::move(fresh);
        fresh.gone = true;
    }
    waiting_--;
    bytes_ -= frame.bytes.size();
    return frame;
}

// None: it has gone with its send.
std::optional<TapJoin::Frame> TapJoin::pop_fresh() {
    Frame frame = std::move(fresh_.front());
    fresh_.pop_front();
    const Serial serial = first_fresh_++;
    if (frame.gone) return std::nullopt;
    waiting_--;
    bytes_ -= frame.bytes.size();
    if (serial < indexed_) erase_one(frames_by_time_, frame.frame.realtime_ns, serial);
    return frame;
}

// The same.
std::optional<TapJoin::Frame> TapJoin::pop_claimed() {
    const Serial serial = claimed_by_age_.front();
    claimed_by_age_.pop_front();
    const auto found = claimed_.find(serial);
    if (found == claimed_.end()) return std::nullopt;
    Frame frame = std::move(found->second);
    claimed_.erase(found);
    waiting_--;
    bytes_ -= frame.bytes.size();
    erase_one(frames_by_time_, frame.frame.realtime_ns, serial);
    return frame;
}

void TapJoin::claim_oldest() {
    const Serial serial = first_fresh_++;
    if (serial >= indexed_) frames_by_time_.emplace(fresh_.front().frame.realtime_ns, serial);
    claimed_.emplace(serial, std::move(fresh_.front()));
    claimed_by_age_.push_back(serial);
    fresh_.pop_front();
}

void TapJoin::tapped(const sr_frame& record) {
    std::vector<std::uint64_t>& of_send = tapped_[record.send];
    if (of_send.empty()) tapped_ages_.add(record.send, tapped_);
    of_send.push_back(record.ns);
    claims_[record.ns]++;
    if (tapped_.size() <= most_) return;
    const auto oldest = tapped_.find(tapped_ages_.take_oldest(tapped_));
    for (const std::uint64_t time : oldest->second) forget_claim(time);
    tapped_.erase(oldest);
}

void TapJoin::forget_claim(std::uint64_t time) {
    const auto claim = claims_.find(time);
    if (--claim->second == 0) claims_.erase(claim);
}

void TapJoin::send(const Send& send) {
    Waiting waiting{send, {}, {}, waited_ns_};
    std::vector<std::uint64_t> times;
    if (const auto found = tapped_.find(send.record.id); found != tapped_.end()) {
        times = std::move(found->second);
        tapped_.erase(found);
    }
    if (!times.empty()) index_fresh();
    for (const std::uint64_t time : times) {
        forget_claim(time);
        waiting.tapped.offered++;
        if (const auto known = frames_by_time_.find(time); known != frames_by_time_.end()) {
            Frame frame = take_known(known);
            take(waiting.tapped, std::move(frame.bytes), frame.frame);
        } else if (time <= given_up_until_ns_) {
            waiting.tapped.told = true;
        } else {
            waiting.missing.push_back(time);
        }
    }
    if (waiting.missing.empty()) {
        listener_.ended(std::move(waiting.send), std::move(waiting.tapped));
        return;
    }
    const Serial serial = next_send_++;
    for (const std::uint64_t time : waiting.missing) sends_by_time_.emplace(time, serial);
    send_bytes_ += waiting.send.frame.bytes.size();
    sends_.emplace(serial, std::move(waiting));
    sends_by_age_.push_back(serial);
    while (sends_.size() > most_ || send_bytes_ > most_bytes) let_go_send();
}

void TapJoin::end(std::unordered_map<Serial, Waiting>::iterator waiting) {
    Waiting ended = std::move(waiting->second);
    send_bytes_ -= ended.send.frame.bytes.size();
    sends_.erase(waiting);
    listener_.ended(std::move(ended.send), std::move(ended.tapped));
}

void TapJoin::tell(std::optional<Frame> frame) {
    if (!frame) return;
    frame->frame.bytes = frame->bytes;
    listener_.unclaimed(frame->frame);
}

void TapJoin::give_up(std::optional<Frame> frame) {
    if (!frame) return;
    given_up_++;
    given_up_until_ns_ = std::max(given_up_until_ns_, frame->frame.realtime_ns);
    tell(std::move(frame));
}

void TapJoin::let_go_send() {
    const Serial serial = sends_by_age_.front();
    sends_by_age_.pop_front();
    const auto found = sends_.find(serial);
    if (found == sends_.end()) return;
    for (const std::uint64_t time : found->second.missing) erase_one(sends_by_time_, time, serial);
    end(found);
}

void TapJoin::came_before(std::uint64_t written) {
    while (!marks_.empty() && marks_.front().end <= first_fresh_) marks_.pop_front();
    const Serial end = first_fresh_ + fresh_.size();
    if (end > (marks_.empty() ? first_fresh_ : marks_.back().end)) marks_.push_back({end, written});
}

void TapJoin::caught_up(std::uint64_t read, std::uint64_t now_ns) {
    if (now_ns_) waited_ns_ += std::min(now_ns - now_ns_, longest_turn_ns);
    now_ns_ = now_ns;
    for (; !marks_.empty() && marks_.front().written <= read; marks_.pop_front()) {
        while (first_fresh_ < marks_.front().end) {
            const Frame& oldest = fresh_.front();
            if (!oldest.gone && claims_.contains(oldest.frame.realtime_ns))
                claim_oldest();
            else
                tell(pop_fresh());
        }
    }
    while (!claimed_by_age_.empty()) {
        const auto oldest = claimed_.find(claimed_by_age_.front());
        if (oldest != claimed_.end() && oldest->second.since_ns + longest_wait_for_send_ns > waited_ns_) break;
        give_up(pop_claimed());
    }
    while (!sends_by_age_.empty()) {
        const auto oldest = sends_.find(sends_by_age_.front());
        if (oldest != sends_.end() && oldest->second.since_ns + longest_wait_for_frame_ns > waited_ns_) break;
        let_go_send();
    }
}

void TapJoin::finish() {
    while (!claimed_by_age_.empty()) tell(pop_claimed());
    while (!fresh_.empty()) tell(pop_fresh());
    while (!sends_by_age_.empty()) let_go_send();
}

}  // namespace sockray
