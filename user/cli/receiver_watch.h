// What packet sockets of this machine that get the frames count themselves while tracing runs.
#pragma once

#include <optional>
#include <string>

#include "user/correlate/receiver_offers.h"
#include "user/probe/live_kernel.h"
#include "user/probe/socket_reader.h"

namespace sockray {

class ReceiverWatch {
  public:
    // What needs privileges, and takes long, is done here; where the kernel does not let the sockets be read,
    // counters() says so.
    explicit ReceiverWatch(const LiveKernel& kernel);

    // Reads the counters a first time.
    void start();

    // Of every send that is judged, told or not.
    void add(const Send& send) { offers_.add(send); }

    // Reads them again.
    void stop();

    // None where nobody was offered a frame. Behind stop() and the last send.
    std::optional<ReceiverCounters> counters() const;

  private:
    // What the sockets have now; none, and why, where they cannot be read.
    std::optional<std::vector<sr_socket_entry>> read();

    std::optional<SocketReader> reader_;
    ReceiverOffers offers_;
    std::string unread_;
};

}  // namespace sockray
