#include "user/live/views.h"

#include <iterator>
#include <optional>

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
        sockets_ = id;
        if (view_ == View::lines)
            lines_->socket(out_, record);
        else if (view_ == View::tree || id == 1)
            lines_->socket_block(out_, record, id);
    }
    void send(const Send& send) override {
        if (view_ == View::lines) lines_->send(out_, send);
        if (view_ == View::tree) lines_->tree(out_, send);
    }
    void frame(const TapFrame& frame) override {
        if (view_ != View::totals) lines_->frame(out_, frame);
    }
    void end(const Ending&) override {
        if (view_ == View::totals && sockets_ > 1)
            fmt::format_to(std::back_inserter(out_), "and {} more {}\n", sockets_ - 1,
                           sockets_ == 2 ? "socket" : "sockets");
    }

  private:
    View view_;
    fmt::memory_buffer& out_;
    Style style_;
    std::optional<Lines> lines_;
    std::uint64_t sockets_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_view(View view, fmt::memory_buffer& out, const Style& style, const Devices& devices) {
    if (view == View::none) return std::make_unique<Sink>();
    if (view == View::json) return std::make_unique<JsonView>(out, devices);
    return std::make_unique<TextView>(view, out, style);
}

}  // namespace sockray
