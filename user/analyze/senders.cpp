#include "user/analyze/senders.h"

namespace sockray {

namespace {

bool is_from(const sr_send& record, std::string_view entry, const Sender& sender) {
    return sender.pid == record.pid && sender.entry == entry && sender.ifname == record.ifname &&
           sender.comm == record.comm;
}

}  // namespace

void Senders::add(const Send& send) {
    const sr_send& record = send.record;
    const std::string_view entry = entry_name(record);
    if (last_ >= senders_.size() || !is_from(record, entry, senders_[last_])) {
        for (last_ = 0; last_ < senders_.size(); last_++)
            if (is_from(record, entry, senders_[last_])) break;
        if (last_ == senders_.size()) {
            if (senders_.size() == kept) {
                other_sends_++;
                return;
            }
            senders_.push_back({record.pid, record.comm, record.ifname, entry, 0, 0, {}});
        }
    }
    Sender& sender = senders_[last_];
    sender.sends++;
    sender.bytes += record.len;  // of a TX ring it is the frame's
    sender.outcomes[static_cast<std::size_t>(send.outcome)]++;
}

}  // namespace sockray
