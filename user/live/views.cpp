#include "user/live/views.h"

#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "user/base/check_sender.h"
#include "user/base/words.h"
#include "user/live/json_lines.h"
#include "user/live/json_summary.h"
#include "user/live/lines.h"

namespace sockray {
namespace {

class JsonView : public Sink {
  public:
    JsonView(fmt::memory_buffer& out, const Devices& devices) : out_(out), devices_(devices) {}
    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override {
        json_.emplace(plan, names);
        realtime_offset_ns_ = origin.realtime_offset_ns;
        traced_ = origin.stages != 0;
        json_->plan(out_);
    }
    void socket(const sr_socket& record, std::uint64_t id) override { json_->socket(out_, record, id); }
    void send(const Send& send) override { json_->send(out_, send); }
    void frame(const TapFrame& frame) override { json_->frame(out_, frame, realtime_offset_ns_); }
    void end(const Ending& ending) override {
        if (traced_ || !ending.capture) append_json_summary(out_, ending, devices_);
        if (ending.capture) json_->capture(out_, ending);
    }

  private:
    fmt::memory_buffer& out_;
    std::optional<JsonLines> json_;
    const Devices& devices_;
    std::int64_t realtime_offset_ns_ = 0;
    bool traced_ = false;
};

class TextView : public Sink {
  public:
    TextView(View view, fmt::memory_buffer& out, const Style& style) : view_(view), out_(out), style_(style) {}
    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override {
        lines_.emplace(plan, names, style_, origin.realtime_offset_ns);
    }
    void socket(const sr_socket& record, std::uint64_t id) override {
        if (view_ == View::lines) return lines_->socket(out_, record);
        if (view_ == View::tree) return lines_->socket_block(out_, record, id);
        // The whole block is for the first that somebody asked for.
        if (std::string_view(record.comm) == private_sender_name)
            check_sockets_++;
        else if (!std::exchange(shown_, true))
            lines_->socket_block(out_, record, id);
        else
            more_sockets_++;
    }
    void send(const Send& send) override {
        if (view_ == View::lines) lines_->send(out_, send);
        if (view_ == View::tree) lines_->tree(out_, send);
    }
    void frame(const TapFrame& frame) override {
        if (view_ != View::totals) lines_->frame(out_, frame);
    }
    void end(const Ending&) override {
        if (more_sockets_) out_.append("and " + count_of(more_sockets_, "more socket") + '\n');
        if (check_sockets_)
            paint_lines(out_, style_, Tone::plain,
                        fmt::format("{}{} of {}, by which a sockray checks its hooks as it begins",
                                    shown_ ? "and " : "", count_of(check_sockets_, "socket"), private_sender_name),
                        0);
    }

  private:
    View view_;
    fmt::memory_buffer& out_;
    Style style_;
    std::optional<Lines> lines_;
    bool shown_ = false;  // the block of a socket
    std::uint64_t more_sockets_ = 0;
    std::uint64_t check_sockets_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_view(View view, fmt::memory_buffer& out, const Style& style, const Devices& devices) {
    if (view == View::none) return std::make_unique<Sink>();
    if (view == View::json) return std::make_unique<JsonView>(out, devices);
    return std::make_unique<TextView>(view, out, style);
}

}  // namespace sockray
