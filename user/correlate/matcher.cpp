#include "user/correlate/matcher.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "user/correlate/kernel_values.h"

namespace sockray {
namespace {

std::uint64_t entered_ns(const Send& send) {
    return send.record.span[SR_SLOT_SENDMSG].start;
}

bool is_numbered(const sr_send& record) {
    return (record.flags & SR_SEND_COOKIE) != 0;
}

bool has_failed(const sr_send& record) {
    return (record.flags & SR_SEND_RETURNED) != 0 && record.ret < 0;
}

bool same_call(const DriveEvent& a, const DriveEvent& b) {
    return a.before_ns == b.before_ns && a.after_ns == b.after_ns;
}

bool encloses(const DriveEvent& event, const sr_send& record) {
    return event.before_ns <= record.span[SR_SLOT_SENDMSG].start &&
           (record.span[SR_SLOT_SENDMSG].end == 0 || record.span[SR_SLOT_SENDMSG].end <= event.after_ns);
}

// Whether a send that failed so may be the one that the program was told of. A call that a signal ended returns EINTR
// to the program and ERESTARTSYS inside the kernel; of some failures the program is not told why (err 0).
bool same_failure(const DriveEvent& event, const sr_send& record) {
    if (event.ret >= 0) return false;
    return event.err == 0 || event.err == -record.ret || (event.err == EINTR && -record.ret == erestartsys);
}

bool same_result(const DriveEvent& event, const sr_send& record) {
    if (!(record.flags & SR_SEND_RETURNED)) return true;
    return record.ret >= 0 ? event.ret == record.ret : same_failure(event, record);
}

}  // namespace

void Matcher::add_events(std::span<const DriveEvent> events) {
    for (const DriveEvent& event : events) threads_[event.tid].events.push_back(event);
    driven_ += events.size();
}

void Matcher::add_send(Send&& send) {
    threads_[send.record.tid].sends.push_back(std::move(send));
}

// Joins a send with the event at `place`. Those before it are of sends whose records were lost: records come in order.
void Matcher::join(Thread& thread, std::size_t place, Send& send) {
    const DriveEvent& event = thread.events[place];
    if (!encloses(event, send.record) || !same_result(event, send.record)) {
        contradicted_++;
    } else {
        correlated_++;
        send.number = event.number;
    }
    thread.events.erase(thread.events.begin(), thread.events.begin() + static_cast<std::ptrdiff_t>(place) + 1);
}

// Whether the sends that begin within the call of the first event are as many as the events that are left of it. None:
// more of them may come.
std::optional<bool> Matcher::same_order(Thread& thread, std::size_t events, bool all) {
    const DriveEvent& call = thread.events.front();
    if (thread.call_ns == call.before_ns) return thread.by_order;
    const auto end = std::find_if(thread.sends.begin(), thread.sends.end(),
                                  [&](const Send& send) { return entered_ns(send) > call.after_ns; });
    const auto sends = static_cast<std::size_t>(end - thread.sends.begin());
    if (sends < events && end == thread.sends.end() && !all) return std::nullopt;
    thread.call_ns = call.before_ns;
    thread.by_order = sends == events;
    return thread.by_order;
}

// True when the thread's first send is decided: matched, or certain never to be. False: its event, or what else is
// needed to know which one that is, may not have arrived yet.
bool Matcher::settle(Thread& thread, bool all) {
    Send& send = thread.sends.front();
    const sr_send& record = send.record;
    // Events before this record are of sends whose records were lost.
    while (!thread.events.empty() && thread.events.front().after_ns < entered_ns(send)) thread.events.pop_front();
    if (thread.events.empty()) return false;
    const DriveEvent& first = thread.events.front();
    if (first.before_ns > entered_ns(send)) return true;  // sent before the driver's first event
    const auto end = std::find_if_not(thread.events.begin(), thread.events.end(),
                                      [&](const DriveEvent& event) { return same_call(event, first); });
    const auto last = static_cast<std::size_t>(end - thread.events.begin()) - 1;

    if (is_numbered(record)) {
        const auto found = std::find_if(thread.events.begin(), end,
                                        [&](const DriveEvent& event) { return event.number == record.cookie; });
        if (found == end)
            contradicted_++;
        else
            join(thread, static_cast<std::size_t>(found - thread.events.begin()), send);
        return true;
    }
    // The kernel began the call again (a signal without a handler): to the driver both are one.
    if (record.ret == -erestartsys && !same_failure(thread.events[last], record)) return true;
    if (last == 0 || (has_failed(record) && thread.events[last].ret < 0)) {
        join(thread, last, send);
        return true;
    }
    if (has_failed(record)) {
        contradicted_++;
        return true;
    }
    const std::optional<bool> by_order = same_order(thread, last + 1, all);
    if (!by_order) return false;
    if (*by_order) join(thread, 0, send);
    return true;
}

void Matcher::forget_events_before(std::uint64_t ns) {
    for (auto& [tid, thread] : threads_) {
        if (!thread.sends.empty()) continue;  // the next to be settled takes them away
        while (!thread.events.empty() && thread.events.front().after_ns < ns) thread.events.pop_front();
    }
}

void Matcher::take_matched(std::vector<Send>& out, bool all) {
    for (auto& [tid, thread] : threads_) {
        while (!thread.sends.empty()) {
            if (!settle(thread, all) && !all) break;
            out.push_back(std::move(thread.sends.front()));
            thread.sends.pop_front();
        }
    }
}

}  // namespace sockray
