#include "user/report/flame_svg.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "user/base/percent.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/report/folded.h"

namespace sockray {

namespace {

// Pixels, before the viewer scales the picture.
constexpr double width = 1200;
constexpr double margin = 12;
constexpr int row = 19;
constexpr int head = 64;  // above the boxes
constexpr int foot = 16;  // below them
constexpr int note_row = 16;
constexpr double letter = 6.7;     // of the 11 pixel monospace font, a little more than it takes
constexpr double narrowest = 0.2;  // what is narrower is not drawn

// As in most flame graphs warm colours, one a group of stages; the same text colour is readable on all.
constexpr std::string_view style = R"(<style>
svg{max-width:100%;height:auto;background:var(--page);
--page:#fff;--ink:#1c1c1c;--dim:#5a5a5a;--edge:#fff;
--all:#d7d7d7;--task:#c9d6e6;--call:#f3d08a;--packet:#f2b36f;--memory:#e8cf5e;--queue:#ef9a76;--driver:#e98a8a}
text{font:11px ui-monospace,monospace;fill:var(--ink);white-space:pre}
.title{font:600 16px system-ui,sans-serif}
.dim{font:12px system-ui,sans-serif;fill:var(--dim)}
rect{stroke:var(--edge);stroke-width:.5}
g:hover rect{stroke:var(--ink);stroke-width:1}
.all{fill:var(--all)}.task{fill:var(--task)}.call{fill:var(--call)}.packet{fill:var(--packet)}
.memory{fill:var(--memory)}.queue{fill:var(--queue)}.driver{fill:var(--driver)}
@media(prefers-color-scheme:dark){svg{
--page:#16181c;--ink:#ececec;--dim:#a6a6a6;--edge:#16181c;
--all:#3a3d42;--task:#2f4560;--call:#6d5216;--packet:#7c4a17;--memory:#5e5512;--queue:#7a3b22;--driver:#7a3038}}
</style>
)";

std::string_view colour_of(const StackNode& node) {
    switch (stage_info(node.stage).slot) {
        case SR_SLOT_ENTRY:
        case SR_SLOT_LOOKUP:
        case SR_SLOT_SOCK:
        case SR_SLOT_INNER: return "call";
        case SR_SLOT_ALLOC:
        case SR_SLOT_WAIT:
        case SR_SLOT_COPY: return "memory";
        case SR_SLOT_PACKET_XMIT:
        case SR_SLOT_XMIT: return "queue";
        case SR_SLOT_DRIVER:
        case SR_SLOT_NDO: return "driver";
        default: return node.stage == Stage::none ? "task" : "packet";
    }
}

// Printable text for XML.
void append_xml(fmt::memory_buffer& out, std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
        const std::string_view one = text.substr(0, length);
        if (one == "&")
            out.append(std::string_view("&amp;"));
        else if (one == "<")
            out.append(std::string_view("&lt;"));
        else if (one == ">")
            out.append(std::string_view("&gt;"));
        else if (one == "\"")
            out.append(std::string_view("&quot;"));
        else
            out.append(one);
        text.remove_prefix(length);
    }
}

class Flame {
  public:
    Flame(fmt::memory_buffer& out, const Stacks& stacks) : out_(out), nodes_(stacks.nodes()) {
        std::vector<int> level(nodes_.size());
        for (std::size_t at = 1; at < nodes_.size(); at++) {
            level[at] = level[nodes_[at].outer] + 1;
            top_ = std::max(top_, level[at]);
        }
    }

    int bottom() const { return head + (top_ + 1) * row; }
    std::size_t narrow() const { return narrow_; }
    void draw() { draw(0, 0, margin, width - 2 * margin); }

  private:
    void draw(std::size_t at, int level, double x, double wide) {
        if (wide < narrowest) {
            narrow_++;
            return;
        }
        put_box(nodes_[at], level, x, wide);
        std::vector<std::size_t> inner = nodes_[at].inner;
        std::sort(inner.begin(), inner.end(), [&](std::size_t one, std::size_t other) { return before(one, other); });
        for (const std::size_t next : inner) {
            const double part = wide * share(nodes_[next].total_ns, nodes_[at].total_ns);
            draw(next, level + 1, x, part);
            x += part;
        }
    }

    // Stages as they are passed, tasks with the most time first.
    bool before(std::size_t one, std::size_t other) const {
        const int slot = stage_info(nodes_[one].stage).slot;
        const int other_slot = stage_info(nodes_[other].stage).slot;
        if (slot != other_slot) return slot < other_slot;
        if (nodes_[one].total_ns != nodes_[other].total_ns) return nodes_[one].total_ns > nodes_[other].total_ns;
        return one < other;
    }

    void put_box(const StackNode& node, int level, double x, double wide) {
        const bool is_root = &node == nodes_.data();
        const std::string name = is_root ? "all sends" : stack_name(node);
        const int y = head + (top_ - level) * row;
        out_.append(std::string_view("<g><title>"));
        append_xml(out_, name);
        fmt::format_to(std::back_inserter(out_), ": {} in all, {:.1f} % of all sends", duration(node.total_ns),
                       100 * share(node.total_ns, nodes_[0].total_ns));
        if (node.self_ns) fmt::format_to(std::back_inserter(out_), "\n{} itself", duration(node.self_ns));
        fmt::format_to(std::back_inserter(out_), "\n{}, {} each in the mean</title>", count_of(node.hits, "time"),
                       duration(node.hits ? node.total_ns / node.hits : 0));
        fmt::format_to(std::back_inserter(out_),
                       R"(<rect class="{}" x="{:.2f}" y="{}" width="{:.2f}" height="{}" rx="1.5"/>)",
                       is_root ? "all" : colour_of(node), x, y, wide, row - 1);
        if (const int letters = static_cast<int>((wide - 6) / letter); letters >= 3) {
            fmt::format_to(std::back_inserter(out_), R"(<text x="{:.2f}" y="{}">)", x + 3, y + 13);
            append_xml(out_, shortened(name, letters));
            out_.append(std::string_view("</text>"));
        }
        out_.append(std::string_view("</g>\n"));
    }

    fmt::memory_buffer& out_;
    const std::vector<StackNode>& nodes_;
    int top_ = 0;
    std::size_t narrow_ = 0;
};

void put_text(fmt::memory_buffer& out, std::string_view kind, int y, std::string_view text) {
    fmt::format_to(std::back_inserter(out), R"(<text class="{}" x="{}" y="{}">)", kind, margin, y);
    append_xml(out, text);
    out.append(std::string_view("</text>\n"));
}

}  // namespace

void append_flame_svg(fmt::memory_buffer& out, const Stacks& stacks, std::string_view where) {
    fmt::memory_buffer boxes;
    Flame flame(boxes, stacks);
    flame.draw();

    std::vector<std::string> notes;
    if (stacks.untimed_sends())
        notes.push_back(fmt::format("{} of which no stage's time is known {} not in it",
                                    count_of(stacks.untimed_sends(), "send"),
                                    verb_of(stacks.untimed_sends(), "is", "are")));
    if (stacks.other_sends())
        notes.push_back(fmt::format("{} of more tasks or stacks than are kept {} not in it",
                                    count_of(stacks.other_sends(), "send"),
                                    verb_of(stacks.other_sends(), "is", "are")));
    if (flame.narrow())
        notes.push_back(fmt::format("{} too narrow to be drawn", count_of(flame.narrow(), "box is", "boxes are")));

    const int height = flame.bottom() + foot + note_row * static_cast<int>(notes.size());
    fmt::format_to(std::back_inserter(out),
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
                   "viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n",
                   width, height);
    out.append(style);
    const StackNode& all = stacks.nodes()[0];
    const std::string title =
        fmt::format("Where the time of {} went: {} in the kernel", count_of(all.hits, "send"), duration(all.total_ns));
    out.append(std::string_view("<title>"));
    append_xml(out, title);
    out.append(std::string_view("</title>\n"));
    put_text(out, "title", 26, title);
    put_text(out, "dim", 46, printable(where));
    out.append(boxes);
    int y = flame.bottom() + foot;
    for (const std::string& note : notes) {
        put_text(out, "dim", y, note);
        y += note_row;
    }
    out.append(std::string_view("</svg>\n"));
}

void FlameSvg::begin(const Origin& origin, const Plan& plan, const KernelNames&) {
    plan_ = &plan;
    where_ = fmt::format("{}, Linux {} {}, sockray {}. Wall time, sleep and the hooks' own cost included.", origin.host,
                         origin.kernel, origin.machine, origin.version);
}

}  // namespace sockray
