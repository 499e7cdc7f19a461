#include "user/report/folded.h"

#include <iterator>
#include <vector>

#include "user/base/terminal.h"

namespace sockray {

std::string stack_name(const StackNode& node) {
    if (node.stage != Stage::none) return std::string(stage_name(node.stage));
    if (node.comm.empty()) return "(no name)";
    std::string name;
    for (const char c : printable(node.comm)) {
        if (c == ';')
            name += "\\x3b";
        else
            name += c;
    }
    return name;
}

void append_folded(fmt::memory_buffer& out, const Stacks& stacks) {
    const std::vector<StackNode>& nodes = stacks.nodes();
    std::vector<std::string> stack(nodes.size());
    for (std::size_t at = 1; at < nodes.size(); at++) {
        const StackNode& node = nodes[at];
        stack[at] = node.outer ? stack[node.outer] + ';' + stack_name(node) : stack_name(node);
        if (node.self_ns) fmt::format_to(std::back_inserter(out), "{} {}\n", stack[at], node.self_ns);
    }
}

}  // namespace sockray
