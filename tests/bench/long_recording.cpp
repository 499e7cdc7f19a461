// long_recording: makes a recording of N sends out of a short one, by our own writer. Its sends are the short one's
// again and again, with new numbers, each time as much later as the short one took; its ledger is that of N sends.

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/bench/repeated_sends.h"
#include "user/base/format.h"
#include "user/record/reader.h"
#include "user/record/writer.h"

namespace {

using namespace sockray;

// Keeps the first sends of a recording, and writes as many as are wanted at its end.
class Repeater : public Sink {
  public:
    Repeater(RecordingWriter& writer, std::uint64_t wanted) : writer_(writer), wanted_(wanted) {}

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override {
        writer_.begin(origin, plan, names);
    }
    void socket(const sr_socket& record, std::uint64_t id) override { writer_.socket(record, id); }
    void send(const Send& send) override { sends_.keep(send); }
    void end(const Ending& ending) override {
        if (sends_.empty()) return;
        Ending all;
        for (std::uint64_t i = 0; i < wanted_; i++) {
            const Send send = sends_.at(i);
            all.ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
            writer_.send(send);
        }
        all.ledger.decoded = all.ledger.shown = all.ledger.sends.seen = all.ledger.sends.emitted = wanted_;
        all.ledger.sockets = ending.ledger.sockets;
        all.ledger.sockets_decoded = ending.ledger.sockets_decoded;
        all.end_ns = ending.end_ns + sends_.duration_ns(wanted_);
        writer_.complete(all);
    }
    bool found_sends() const { return !sends_.empty(); }

  private:
    RecordingWriter& writer_;
    std::uint64_t wanted_;
    RepeatedSends sends_;
};

int fail_with(const std::string& what) {
    std::fprintf(stderr, "long_recording: %s\n", what.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    std::uint64_t wanted = 0;
    const std::string_view count = argc == 4 ? arguments[3] : "";
    if (std::from_chars(count.data(), count.data() + count.size(), wanted).ec != std::errc() || wanted == 0) {
        std::fputs("usage: long_recording SHORT LONG N\n", stderr);
        return 2;
    }
    RecordingOptions options;
    options.path = arguments[2];
    const auto writer = RecordingWriter::create(options);
    if (!writer) return fail_with(writer.error().what);
    Repeater repeater(**writer, wanted);
    const std::array<std::string, 1> paths{arguments[1]};
    const std::array<Sink*, 1> sinks{&repeater};
    const auto read = replay(std::move(open_recording(paths).value()), sinks);
    if (!read) return fail_with(read.error().what);
    if ((*writer)->error()) return fail_with((*writer)->error()->what);
    if (!repeater.found_sends()) return fail_with(fmt::format("there are no sends in {}", paths.front()));
    return 0;
}
