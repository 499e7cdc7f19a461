// reader_cost: what the reading side makes of N sends, as a session does: from the records in the ring, which are those
// of a recording's sends again and again, to standard output and, where a file is named, into a recording. To be run
// under valgrind --tool=callgrind (docs/bench.md).

#include <net/if_arp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/repeated_sends.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/write_all.h"
#include "user/correlate/correlator.h"
#include "user/live/views.h"
#include "user/record/reader.h"
#include "user/record/writer.h"
#include "user/report/summary_text.h"

namespace {

using namespace sockray;

void write_out(fmt::memory_buffer& text) {
    (void)write_all(STDOUT_FILENO, view(text), SIZE_MAX, -1);
    text.clear();
}

// The same in few words as user/cli/session.h, without the kernel side.
class Session : public Sink {
  public:
    Session(View view, RecordingWriter* writer, std::uint64_t wanted)
        : shown_in_(make_view(view, text_, style_of(STDOUT_FILENO), summary_.devices())),
          sinks_{&summary_, shown_in_.get()},
          wanted_(wanted),
          writes_(writer != nullptr) {
        if (writer) sinks_.push_back(writer);
    }

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override {
        for (Sink* sink : sinks_) sink->begin(origin, plan, names);
        correlator_.emplace(plan, names, CorrelatorOptions{}, judged_);
    }
    void socket(const sr_socket& record, std::uint64_t id) override {
        for (Sink* sink : sinks_) sink->socket(record, id);
    }
    void send(const Send& send) override { sends_.keep(send); }
    void end(const Ending& ending) override {
        if (sends_.empty()) return;
        for (std::uint64_t i = 0; i < wanted_; i++) take(sends_.at(i));
        correlator_->finish({});
        Ending all;
        all.ledger = correlator_->decoded();
        all.ledger.sends.seen = all.ledger.sends.emitted = all.ledger.shown = wanted_;
        all.end_ns = ending.end_ns + sends_.duration_ns(wanted_);
        for (Sink* sink : sinks_) sink->complete(all);
        for (Sink* sink : sinks_) sink->end(all);
        write_out(text_);
    }
    bool found_sends() const { return !sends_.empty(); }

  private:
    class Judged : public Sink {
      public:
        explicit Judged(Session& session) : session_(session) {}
        void send(const Send& send) override { session_.tell(send); }

      private:
        Session& session_;
    };

    // As the kernel side would have made it. A recording tells no sink of its sends' frames: what is recorded here are
    // zeros.
    void take(const Send& send) {
        if (writes_) take_piece(send.record);
        correlator_->take(std::as_bytes(std::span(&send.record, 1)));
    }
    void take_piece(const sr_send& of) {
        sr_piece piece{};
        piece.length = static_cast<std::uint32_t>(of.len);
        piece.size = std::min<std::uint32_t>(piece.length, SR_PIECE_BYTES);
        piece.head.type = SR_RECORD_PIECE;
        piece.head.size = static_cast<std::uint32_t>(sizeof piece + piece.size);
        piece.send = of.id;
        piece.ns = of.span[SR_SLOT_XMIT].start;
        piece.dev_type = ARPHRD_ETHER;
        piece_.resize(piece.head.size);
        std::memcpy(piece_.data(), &piece, sizeof piece);
        correlator_->take(piece_);
    }
    void tell(const Send& send) {
        for (Sink* sink : sinks_) sink->send(send);
        constexpr std::size_t large = std::size_t{64} << 10;
        if (text_.size() >= large) write_out(text_);
    }

    fmt::memory_buffer text_;
    Summary summary_;
    std::unique_ptr<Sink> shown_in_;
    std::vector<Sink*> sinks_;
    Judged judged_{*this};
    std::optional<Correlator> correlator_;
    RepeatedSends sends_;
    std::vector<std::byte> piece_;  // reused
    std::uint64_t wanted_;
    bool writes_;
};

int fail_with(const std::string& what) {
    std::fprintf(stderr, "reader_cost: %s\n", what.c_str());
    return 1;
}

std::optional<View> view_named(std::string_view name) {
    if (name == "lines") return View::lines;
    if (name == "json") return View::json;
    if (name == "none") return View::none;
    return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    const std::string_view count = argc >= 4 ? arguments[3] : "";
    const auto view = view_named(argc >= 4 ? arguments[2] : "");
    std::uint64_t wanted = 0;
    if (argc > 5 || !view || std::from_chars(count.data(), count.data() + count.size(), wanted).ec != std::errc()) {
        std::fputs("usage: reader_cost RECORDING lines|json|none N [FILE]\n", stderr);
        return 2;
    }
    std::unique_ptr<RecordingWriter> writer;
    if (argc == 5) {
        RecordingOptions options;
        options.path = arguments[4];
        auto created = RecordingWriter::create(options);
        if (!created) return fail_with(created.error().what);
        writer = std::move(*created);
    }
    Session session(*view, writer.get(), wanted);
    const std::array<std::string, 1> paths{arguments[1]};
    const std::array<Sink*, 1> sinks{&session};
    auto recording = open_recording(paths);
    if (!recording) return fail_with(recording.error().what);
    if (const auto read = replay(std::move(*recording), sinks); !read) return fail_with(read.error().what);
    if (writer && writer->error()) return fail_with(writer->error()->what);
    if (!session.found_sends()) return fail_with(fmt::format("there are no sends in {}", paths.front()));
    return 0;
}
