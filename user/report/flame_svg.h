// A flame graph of the sends as one SVG file: whole without a script, tooltips by <title>, light or dark as the viewer
// is.
//
// A box is a stage within the stages around it, which lie beneath it; its width is its time, summed over all sends
// (analyze/stacks.h). Below all stages stands the task, and below all tasks all sends.
#pragma once

#include <string>
#include <string_view>

#include "user/analyze/stacks.h"
#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray {

// `where`: a line that says where and when it was traced; escaped here.
void append_flame_svg(fmt::memory_buffer& out, const Stacks& stacks, std::string_view where);

// Writes with end(); `out` must outlive it.
class FlameSvg : public Sink {
  public:
    explicit FlameSvg(fmt::memory_buffer& out) : out_(out) {}

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void send(const Send& send) override { stacks_.add(send, *plan_); }
    void end(const Ending&) override { append_flame_svg(out_, stacks_, where_); }

  private:
    fmt::memory_buffer& out_;
    const Plan* plan_ = nullptr;
    std::string where_;
    Stacks stacks_;
};

}  // namespace sockray
