#include "user/correlate/tap_join.h"

#include <algorithm>
#include <utility>

namespace sockray {
namespace {

// A record of another CPU that is being written stops the reader of the ring for a moment.
constexpr std::uint64_t grace_ns = 50'000'000;
// The capture hands a frame over when its block is full, or after 100 ms.
constexpr std::uint64_t longest_wait_for_frame_ns = 1'000'000'000;
// A send that does not come though its frame was tapped has lost its record, or waits inside the kernel.
constexpr std::uint64_t longest_wait_for_send_ns = 5'000'000'000;
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

void TapJoin::frame(const TapFrame& frame, std::uint64_t now_ns) {
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
    const Serial serial = next_++;
    bytes_ += bytes.size();
    frames_by_time_.emplace(frame.realtime_ns, serial);
    frames_.emplace(serial, Frame{std::move(bytes), frame, now_ns});
    fresh_.push_back(serial);
    while (frames_.size() > most_ || bytes_ > most_bytes) give_up_frame(claimed_.empty() ? fresh_ : claimed_);
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

void TapJoin::send(const Send& send, std::uint64_t now_ns) {
    Waiting waiting{send, {}, {}, now_ns};
    std::vector<std::uint64_t> times;
    if (const auto found = tapped_.find(send.record.id); found != tapped_.end()) {
        times = std::move(found->second);
        tapped_.erase(found);
    }
    const Serial serial = next_++;
    for (const std::uint64_t time : times) {
        forget_claim(time);
        waiting.tapped.offered++;
        const auto known = frames_by_time_.find(time);
        if (known != frames_by_time_.end()) {
            const auto frame = frames_.find(known->second);
            bytes_ -= frame->second.bytes.size();
            take(waiting.tapped, std::move(frame->second.bytes), frame->second.frame);
            frames_.erase(frame);
            frames_by_time_.erase(known);
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

void TapJoin::let_go_frame(Serial serial) {
    const auto found = frames_.find(serial);
    if (found == frames_.end()) return;
    Frame frame = std::move(found->second);
    frames_.erase(found);
    bytes_ -= frame.bytes.size();
    erase_one(frames_by_time_, frame.frame.realtime_ns, serial);
    frame.frame.bytes = frame.bytes;
    listener_.unclaimed(frame.frame);
}

// The oldest; those before it have been claimed and taken.
void TapJoin::give_up_frame(Serials& from) {
    const Serial serial = from.front();
    from.pop_front();
    if (const auto found = frames_.find(serial); found != frames_.end()) {
        given_up_++;
        given_up_until_ns_ = std::max(given_up_until_ns_, found->second.frame.realtime_ns);
    }
    let_go_frame(serial);
}

void TapJoin::let_go_send() {
    const Serial serial = sends_by_age_.front();
    sends_by_age_.pop_front();
    const auto found = sends_.find(serial);
    if (found == sends_.end()) return;
    for (const std::uint64_t time : found->second.missing) erase_one(sends_by_time_, time, serial);
    end(found);
}

void TapJoin::caught_up(std::uint64_t now_ns) {
    while (!fresh_.empty()) {
        const Serial serial = fresh_.front();
        const auto found = frames_.find(serial);
        if (found != frames_.end() && found->second.since_ns + grace_ns > now_ns) break;
        fresh_.pop_front();
        if (found == frames_.end()) continue;
        if (claims_.contains(found->second.frame.realtime_ns))
            claimed_.push_back(serial);
        else
            let_go_frame(serial);
    }
    while (!claimed_.empty()) {
        const auto oldest = frames_.find(claimed_.front());
        if (oldest != frames_.end() && oldest->second.since_ns + longest_wait_for_send_ns > now_ns) break;
        give_up_frame(claimed_);
    }
    while (!sends_by_age_.empty()) {
        const auto oldest = sends_.find(sends_by_age_.front());
        if (oldest != sends_.end() && oldest->second.since_ns + longest_wait_for_frame_ns > now_ns) break;
        let_go_send();
    }
}

void TapJoin::finish() {
    for (Serials* frames : {&claimed_, &fresh_})
        for (; !frames->empty(); frames->pop_front()) let_go_frame(frames->front());
    while (!sends_by_age_.empty()) let_go_send();
}

}  // namespace sockray
