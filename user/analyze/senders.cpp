#include "user/analyze/senders.h"

#include <cstring>

namespace sockray {

namespace {

bool is_from(const sr_send& record, std::string_view entry, const Sender& sender) {
    return sender.pid == record.pid && sender.entry == entry && sender.ifname == record.ifname &&
           sender.comm == record.comm;
}

}  // namespace

// entry_name() gives constants: equal ones are one.
bool Senders::Last::is_of(const sr_send& record, std::string_view of_entry) const {
    return pid == record.pid && entry.data() == of_entry.data() && std::memcmp(comm, record.comm, sizeof comm) == 0 &&
           std::memcmp(ifname, record.ifname, sizeof ifname) == 0;
}

void Senders::Last::set(const sr_send& record, std::string_view of_entry, std::size_t of_sender) {
    sender = of_sender;
    entry = of_entry;
    pid = record.pid;
    std::memcpy(comm, record.comm, sizeof comm);
    std::memcpy(ifname, record.ifname, sizeof ifname);
}

void Senders::add(const Send& send) {
    const sr_send& record = send.record;
    const std::string_view entry = entry_name(record);
    if (!last_.is_of(record, entry)) {
        std::size_t place = 0;
        while (place < senders_.size() && !is_from(record, entry, senders_[place])) place++;
        if (place == senders_.size()) {
            if (senders_.size() == kept) {
                other_sends_++;
                return;
            }
            senders_.push_back({record.pid, record.comm, record.ifname, entry, 0, 0, {}});
        }
        last_.set(record, entry, place);
    }
    Sender& sender = senders_[last_.sender];
    sender.sends++;
    sender.bytes += record.len;  // of a TX ring it is the frame's
    sender.outcomes[static_cast<std::size_t>(send.outcome)]++;
}

}  // namespace sockray
