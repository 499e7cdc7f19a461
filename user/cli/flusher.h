// Writes out what the sinks before it have appended.
#pragma once

#include "user/cli/output.h"
#include "user/correlate/sink.h"

namespace sockray {

class Flusher : public Sink {
  public:
    explicit Flusher(Output& out) : out_(out) {}
    void socket(const sr_socket&, std::uint64_t) override { out_.flush_if_large(); }
    void send(const Send&) override { out_.flush_if_large(); }
    void frame(const TapFrame&) override { out_.flush_if_large(); }

  private:
    Output& out_;
};

}  // namespace sockray
