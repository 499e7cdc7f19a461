#include "user/report/html/tables.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/check_sender.h"
#include "user/base/terminal.h"
#include "user/correlate/explain.h"
#include "user/correlate/send.h"
#include "user/live/constants.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr std::size_t senders_shown = 50;

void append_sender(fmt::memory_buffer& out, const Sender& sender) {
    put(out, "<tr><th scope=\"row\">{}[{}]</th><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
        escaped(sender.comm), sender.pid, escaped(sender.ifname), escaped(sender.entry), number(sender.sends),
        number(sender.bytes));
    for (int i = 0; i < outcome_count; i++) {
        const std::uint64_t sends = sender.outcomes[static_cast<std::size_t>(i)];
        put(out, "<td class=\"n {}\">{}</td>", sends ? outcome_name(static_cast<Outcome>(i)) : "muted", number(sends));
    }
    put(out, "</tr>\n");
}

void append_socket(fmt::memory_buffer& out, const FirstSockets::Socket& socket, const KernelNames& names) {
    const sr_socket& record = socket.record;
    const sr_span& span = record.create;
    put(out,
        "<tr><td class=\"n\">{}</td><th scope=\"row\">{}[{}]</th><td><code>{}, {}, {}</code></td><td "
        "class=\"n\">{}</td>",
        socket.id, escaped(record.comm), record.pid, escaped(family_text(record.family)),
        escaped(sock_type_text(record.sock_type)),
        escaped(ethertype_text(ntohs(static_cast<std::uint16_t>(record.protocol)))),
        span.start && span.end >= span.start ? duration(span.end - span.start) : "unknown");
    if (record.ret < 0)
        put(out, "<td class=\"failed\">-{}</td><td colspan=\"3\" class=\"wrap\">{}</td></tr>\n",
            escaped(errno_name(-record.ret)), escaped(explain_creation(record)));
    else
        put(out, "<td>{}</td><td><code>{}</code></td><td><code>{}</code></td><td class=\"n\">{}</td></tr>\n",
            record.ret, escaped(names.symbol(record.ops)), escaped(names.symbol(record.ops_sendmsg)),
            record.socket_ino);
}

std::string hook_text(const PlanLine& line) {
    if (line.function.empty()) return "none";
    std::string text = escaped(line.hook);
    if (line.offset)
        text += fmt::format(" at <code>{}+{}</code>", escaped(line.function), line.offset);
    else if (line.function != stage_name(line.stage))
        text += fmt::format("{} <code>{}</code>", line.hook == "tracepoint" ? "" : " on", escaped(line.function));
    return text;
}

}  // namespace

void append_senders(fmt::memory_buffer& out, const Senders& senders) {
    std::vector<const Sender*> rows;
    for (const Sender& sender : senders.all()) rows.push_back(&sender);
    std::stable_sort(rows.begin(), rows.end(), [](const Sender* a, const Sender* b) { return a->sends > b->sends; });
    std::uint64_t others = senders.other_sends();
    for (; rows.size() > senders_shown; rows.pop_back()) others += rows.back()->sends;
    put(out,
        "<div class=\"scroll\"><table><thead><tr><th>task</th><th>device</th><th>by</th><th class=\"n\">sends</th>"
        "<th class=\"n\">bytes</th>");
    for (int i = 0; i < outcome_count; i++) put(out, "<th class=\"n\">{}</th>", outcome_name(static_cast<Outcome>(i)));
    put(out, "</tr></thead><tbody>\n");
    for (const Sender* sender : rows) append_sender(out, *sender);
    put(out, "</tbody></table></div>\n");
    if (others) put(out, "<p>{} of other senders.</p>\n", counted(others, "send"));
}

void append_sockets(fmt::memory_buffer& out, const FirstSockets& sockets, const KernelNames& names) {
    put(out,
        "<div class=\"scroll\"><table><thead><tr><th class=\"n\">id</th><th>task</th><th>family, type, protocol</th>"
        "<th class=\"n\">__sock_create</th><th>result</th><th>ops</th><th>sendmsg</th><th class=\"n\">inode</th></tr>"
        "</thead><tbody>\n");
    std::vector<const FirstSockets::Socket*> rows;
    for (const FirstSockets::Socket& socket : sockets.all()) rows.push_back(&socket);
    std::stable_partition(rows.begin(), rows.end(), [](const FirstSockets::Socket* socket) {
        return std::string_view(socket->record.comm) != private_sender_name;
    });
    for (const FirstSockets::Socket* socket : rows) append_socket(out, *socket, names);
    put(out, "</tbody></table></div>\n");
    if (sockets.others()) put(out, "<p>{} more.</p>\n", number(sockets.others()));
}

void append_plan(fmt::memory_buffer& out, const Plan& plan) {
    put(out,
        "<div class=\"scroll\"><table><thead><tr><th>stage</th><th>evidence</th><th>hook</th><th>why</th></tr></thead>"
        "<tbody>\n");
    for (const PlanLine& line : plan.lines) {
        const std::string_view evidence = evidence_name(line.evidence);
        put(out,
            "<tr{}><th scope=\"row\"><code>{}</code></th><td><span class=\"ev {}\">{}</span></td><td>{}</td>"
            "<td class=\"wrap\">{}</td></tr>\n",
            line.evidence == Evidence::absent ? " class=\"muted\"" : "", stage_name(line.stage), evidence, evidence,
            hook_text(line), escaped(line.reason));
    }
    put(out, "</tbody></table></div>\n");
}

}  // namespace sockray::html
