#include "user/cli/receiver_watch.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace sockray {

ReceiverWatch::ReceiverWatch(const LiveKernel& kernel) {
    constexpr std::size_t readings = 2;
    auto reader = SocketReader::open(kernel, readings);
    if (reader)
        reader_ = std::move(*reader);
    else
        unread_ = reader.error().what;
    ::malloc_trim(0);  // the types of the whole kernel, which were read for it
}

std::optional<std::vector<sr_socket_entry>> ReceiverWatch::read() {
    if (!reader_ || !unread_.empty()) return std::nullopt;
    auto entries = reader_->read();
    if (entries) return std::move(*entries);
    unread_ = entries.error().what;
    return std::nullopt;
}

void ReceiverWatch::start() {
    if (const auto entries = read()) offers_.begin(*entries, static_cast<std::uint32_t>(::getpid()));
}

void ReceiverWatch::stop() {
    if (const auto entries = read()) offers_.end(*entries);
}

std::optional<ReceiverCounters> ReceiverWatch::counters() const {
    if (!offers_.any()) return std::nullopt;
    if (unread_.empty()) return offers_.counters();
    return ReceiverCounters{.sockets = {}, .own = 0, .unnamed = 0, .unread = unread_};
}

}  // namespace sockray
