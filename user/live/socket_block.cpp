#include "user/live/socket_block.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <iterator>
#include <string>

#include "user/base/paragraph.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"
#include "user/live/constants.h"

namespace sockray {

namespace {

constexpr int name_width = 39;
constexpr int evidence_width = 8;
constexpr int time_width = 9;

// "17 AF_PACKET", "3 SOCK_RAW"
std::string family_number(int family) {
    return fmt::format("{}{}", family, family == AF_PACKET ? " AF_PACKET" : "");
}
std::string type_number(int type) {
    const std::string_view name = sock_type_name(type);
    return fmt::format("{}{}{}", type, name.empty() ? "" : " ", name);
}

// "0x0806 ETH_P_ARP"
std::string protocol_number(std::uint16_t host_order) {
    const std::string_view name = ethertype_name(host_order);
    return fmt::format("0x{:04x}{}{}", host_order, name.empty() ? "" : " ", name);
}

std::string result(std::int32_t ret) {
    return ret < 0 ? fmt::format("= -{}", errno_name(-ret)) : fmt::format("= {}", ret);
}

// Where each line of the tree stands: __sock_create, and in it the look-up of the family and its create.
constexpr std::array<int, 3> depths = {0, 1, 1};

class Block {
  public:
    Block(fmt::memory_buffer& out, const Style& style, std::size_t lines)
        : out_(out), style_(style), tree_(depths.data(), lines) {}

    void row(std::size_t index, std::string_view name, Evidence evidence, const sr_span& span, std::string_view note,
             Tone note_tone = Tone::plain) {
        const std::string lines = branch(tree_, index, style_);
        out_.append(std::string_view("  "));
        paint(out_, style_, Tone::dim, lines);
        paint_cell(out_, style_, Tone::plain, name, name_width - columns(lines));
        out_.append(std::string_view("  "));
        paint_cell(out_, style_, Tone::dim, evidence_name(evidence), evidence_width);
        const bool timed = span.start && span.end >= span.start;
        paint_cell(out_, style_, Tone::plain, timed ? duration(span.end - span.start) : "", time_width, Align::right);
        out_.append(std::string_view("  "));
        paint(out_, style_, note_tone, note);
        end_line(out_);
    }

    void text_below(std::size_t index, std::string_view text) {
        out_.append(std::string_view("  "));
        paint(out_, style_, Tone::dim, branch_below(tree_, index, style_));
        out_.append(text);
        out_.push_back('\n');
    }

    void fact(std::string_view left, std::string_view right) {
        out_.append(std::string_view("  "));
        paint_cell(out_, style_, Tone::plain, left, name_width);
        fmt::format_to(std::back_inserter(out_), "  {}\n", right);
    }

  private:
    fmt::memory_buffer& out_;
    const Style& style_;
    std::span<const int> tree_;
};

}  // namespace

void append_socket_block(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id, const Plan& plan,
                         const KernelNames& names, const Style& style, std::string_view time) {
    const std::uint16_t protocol = ntohs(static_cast<std::uint16_t>(record.protocol));
    paint(out, style, Tone::bold, fmt::format("SOCKET {}", id));
    fmt::format_to(std::back_inserter(out), "  {}[{}]  socket({}, {}, {})", printable(record.comm, style.utf8),
                   record.pid, family_text(record.family), sock_type_text(record.sock_type), ethertype_text(protocol));
    paint(out, style, Tone::dim, fmt::format("  {}\n", time));

    const Steps steps = steps_of(record, plan);
    const bool has_create = steps.size > 1;
    Block block(out, style, has_create ? 3 : 2);
    block.row(0, stage_name(Stage::sock_create), steps.step[0].evidence, record.create, result(record.ret),
              record.ret < 0 ? Tone::bad : Tone::good);
    block.text_below(0, fmt::format("family {}, type {}, protocol {}", family_number(record.family),
                                    type_number(record.sock_type), protocol_number(protocol)));
    block.text_below(0,
                     fmt::format("asked by {}, uid {}", record.kern ? "the kernel itself" : "user space", record.uid));
    if (record.net_family) {
        block.row(1, fmt::format("net_families[{}] = {}", record.family, names.symbol(record.net_family)),
                  Evidence::derived, {}, "");
        block.text_below(1, fmt::format("family {}, create = {}, registered before by sock_register",
                                        record.net_family_number, names.symbol(record.net_family_create)));
    } else {
        block.row(1, fmt::format("net_families[{}]", record.family), Evidence::absent, {},
                  "empty at that moment, or not readable", Tone::dim);
    }
    if (has_create)
        block.row(2, stage_name(Stage::packet_create), steps.step[1].evidence, record.packet_create,
                  record.create_seen ? result(record.create_ret) : "", record.create_ret < 0 ? Tone::bad : Tone::good);

    if (record.ret < 0) {
        paint_lines(out, style, Tone::bad, explain_creation(record), 2);
        return;
    }
    block.fact(fmt::format("sock->ops = {}", names.symbol(record.ops)),
               fmt::format("sendmsg = {}", names.symbol(record.ops_sendmsg)));
    block.fact(fmt::format("sk_family = {}", family_number(record.sk_family)),
               fmt::format("sk_destruct = {}", names.symbol(record.sk_destruct)));
    block.fact(fmt::format("po->num = {}", protocol_number(ntohs(record.po_num))),
               fmt::format("inode {}, netns {}", record.socket_ino, record.netns_ino));
}

}  // namespace sockray
