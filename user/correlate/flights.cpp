#include "user/correlate/flights.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace sockray {
namespace {

void moment(sr_send& record, int slot, std::uint32_t stage, std::uint64_t ns) {
    if (record.span[slot].start || !ns) return;
    record.stage[slot] = static_cast<std::uint8_t>(stage);
    record.span[slot] = {ns, ns};
}

void add_receiver(Send& send, const sr_frame& frame) {
    if (send.also_received.size() < SR_RECEIVERS_MOST)
        send.also_received.push_back({frame.socket_ino, frame.ns, frame.received, frame.stage});
}

void apply(Send& send, const sr_frame& frame) {
    sr_send& record = send.record;
    record.segments = std::max(record.segments, frame.segments);
    moment(record, SR_SLOT_DEQUEUE, SR_STAGE_DEQUEUE, frame.dequeued);
    switch (frame.kind) {
        case SR_FRAME_TAKEN:
            (frame.ret == 0 ? record.driver_hits : record.driver_drops)++;
            record.driver_ret = frame.ret;
            if (!record.tx_queue) record.tx_queue = frame.tx_queue;
            if (record.span[SR_SLOT_NDO].start) break;
            record.stage[SR_SLOT_NDO] = SR_STAGE_NDO;
            record.span[SR_SLOT_NDO] = frame.ndo;
            record.ndo_fn = frame.ndo_fn;
            break;
        case SR_FRAME_DROPPED:
            record.drops++;
            if (record.flags & SR_SEND_DROP) break;
            record.flags |= SR_SEND_DROP;
            record.drop_reason = frame.drop_reason;
            record.drop_location = frame.drop_location;
            record.drop_ns = frame.ns;
            record.drop_in_driver = frame.in_driver != 0;
            break;
        case SR_FRAME_CONSUMED: send.frames_consumed++; break;
        case SR_FRAME_FREED:
            if (!record.frees++) record.freed_reason = frame.drop_reason;
            moment(record, SR_SLOT_FREED, SR_STAGE_FREED, frame.ns);
            break;
        case SR_FRAME_ALSO_RECEIVED: add_receiver(send, frame); break;
        case SR_FRAME_RECEIVED:
            if (record.receivers++) {
                add_receiver(send, frame);
                break;
            }
            record.received = frame.received;
            record.received_ino = frame.socket_ino;
            moment(record, SR_SLOT_RECEIVE, frame.stage, frame.ns);
            break;
        default: break;
    }
}

}  // namespace

bool Flights::complete(const Send& send) const {
    const sr_send& record = send.record;
    if (!(record.flags & SR_SEND_TRACKED)) return true;
    const std::uint64_t frames = std::max<std::uint64_t>(record.segments, 1);
    const std::uint64_t never_taken = std::uint64_t{record.drops} + send.frames_consumed;
    const std::uint64_t taken = std::uint64_t{record.driver_hits} + record.driver_drops;
    if (taken + never_taken < frames) return false;
    return !until_freed_ || record.frees + never_taken >= frames;
}

bool Flights::is_done(Send& send, std::vector<Send>& done) {
    const std::uint64_t id = send.record.id;
    if (const auto early = early_.empty() ? early_.end() : early_.find(id); early != early_.end()) {
        for (const sr_frame& frame : early->second) apply(send, frame);
        early_.erase(early);
    }
    // An id that comes twice is never expected; both sends stay in the sums.
    if (complete(send) || !waiting_.try_emplace(id, std::move(send)).second) return true;
    waiting_ages_.add(id, waiting_);
    if (waiting_.size() <= most_) return false;
    const auto oldest = waiting_.find(waiting_ages_.take_oldest(waiting_));
    oldest->second.frame_end = FrameEnd::lost;
    done.push_back(std::move(oldest->second));
    waiting_.erase(oldest);
    return false;
}

void Flights::add(const sr_frame& frame, std::vector<Send>& done) {
    const auto found = waiting_.find(frame.send);
    if (found == waiting_.end()) {
        // What waits for a send whose record was lost waits for ever: the oldest goes.
        std::vector<sr_frame>& early = early_[frame.send];
        if (early.empty()) early_ages_.add(frame.send, early_);
        early.push_back(frame);
        if (early_.size() > most_) early_.erase(early_ages_.take_oldest(early_));
        return;
    }
    apply(found->second, frame);
    if (!complete(found->second)) return;
    done.push_back(std::move(found->second));
    waiting_.erase(found);
}

void Flights::finish(std::span<const std::uint64_t> under_way, std::vector<Send>& done) {
    const std::size_t first = done.size();
    const std::unordered_set<std::uint64_t> known(under_way.begin(), under_way.end());
    for (auto& [id, send] : waiting_) {
        send.frame_end = known.contains(id) ? FrameEnd::queued : FrameEnd::lost;
        done.push_back(std::move(send));
    }
    waiting_.clear();
    early_.clear();
    waiting_ages_ = {};
    early_ages_ = {};
    std::sort(done.begin() + static_cast<std::ptrdiff_t>(first), done.end(),
              [](const Send& a, const Send& b) { return a.id < b.id; });
}

}  // namespace sockray
