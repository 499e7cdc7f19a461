#include "user/report/folded.h"

#include <iterator>
#include <vector>

#include "user/base/terminal.h"

namespace sockray {

namespace {

// A ';' would end the name, and for some tools a blank ends the stack.
std::string folded_name(const StackNode& node) {
    std::string name;
    for (const char c : stack_name(node)) {
        if (c == ';')
            name += "\\x3b";
        else if (c == ' ')
            name += "\\x20";
        else
            name += c;
    }
    return name;
}

}  // namespace

std::string stack_name(const StackNode& node) {
    if (node.stage != Stage::none) return std::string(stage_name(node.stage));
    return node.comm.empty() ? "(no name)" : printable(node.comm);
}

void append_folded(fmt::memory_buffer& out, const Stacks& stacks) {
    const std::vector<StackNode>& nodes = stacks.nodes();
    std::vector<std::string> stack(nodes.size());
    for (std::size_t at = 1; at < nodes.size(); at++) {
        const StackNode& node = nodes[at];
        stack[at] = node.outer ? stack[node.outer] + ';' + folded_name(node) : folded_name(node);
        if (node.self_ns) fmt::format_to(std::back_inserter(out), "{} {}\n", stack[at], node.self_ns);
    }
}

}  // namespace sockray
