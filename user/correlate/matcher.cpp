#include "user/correlate/matcher.h"

#include <cerrno>
#include <utility>

namespace sockray {
namespace {

constexpr std::int64_t erestartsys = 512;  // include/linux/errno.h: never seen by a program

bool encloses(const DriveEvent& event, const sr_send& record) {
    return event.before_ns <= record.span[SR_SLOT_SENDMSG].start &&
           (record.span[SR_SLOT_SENDMSG].end == 0 || record.span[SR_SLOT_SENDMSG].end <= event.after_ns);
}

// A call that a signal ended returns EINTR to the program and ERESTARTSYS (512) inside the kernel.
bool same_result(const DriveEvent& event, const sr_send& record) {
    if (!(record.flags & SR_SEND_RETURNED)) return true;
    if (record.ret >= 0) return event.ret == record.ret;
    return event.ret < 0 && (event.err == -record.ret || (event.err == EINTR && -record.ret == erestartsys));
}

}  // namespace

void Matcher::add_events(std::span<const DriveEvent> events) {
    for (const DriveEvent& event : events) threads_[event.tid].events.push_back(event);
    driven_ += events.size();
}

void Matcher::add_send(Send&& send) {
    threads_[send.record.tid].sends.push_back(std::move(send));
}

// True when the send is decided: matched, or certain never to be. False: its event may not have arrived yet.
bool Matcher::settle(Thread& thread, Send& send) {
    const sr_send& record = send.record;
    // Events before this record are of sends whose records were lost.
    while (!thread.events.empty() && thread.events.front().after_ns < record.span[SR_SLOT_SENDMSG].start)
        thread.events.pop_front();
    if (thread.events.empty()) return false;
    const DriveEvent& event = thread.events.front();
    if (event.before_ns > record.span[SR_SLOT_SENDMSG].start) return true;  // sent before the driver's first event
    const bool numbered = (record.flags & SR_SEND_COOKIE) != 0;
    // The kernel began the call again (a signal without a handler): to the driver both are one.
    if (!numbered && record.ret == -erestartsys && event.err != EINTR) return true;
    if ((numbered && record.cookie != event.number) || !encloses(event, record) || !same_result(event, record)) {
        contradicted_++;
    } else {
        correlated_++;
        send.number = event.number;
    }
    thread.events.pop_front();
    return true;
}

void Matcher::take_matched(std::vector<Send>& out, bool all) {
    for (auto& [tid, thread] : threads_) {
        while (!thread.sends.empty()) {
            if (!settle(thread, thread.sends.front()) && !all) break;
            out.push_back(std::move(thread.sends.front()));
            thread.sends.pop_front();
        }
    }
}

}  // namespace sockray
