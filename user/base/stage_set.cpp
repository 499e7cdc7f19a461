#include "user/base/stage_set.h"

#include <initializer_list>

#include "user/base/format.h"

namespace sockray {
namespace {

constexpr StageSet bits(std::initializer_list<Stage> stages) {
    StageSet set = 0;
    for (const Stage stage : stages) set |= stage_bit(stage);
    return set;
}

constexpr StageSet core = bits({Stage::packet_sendmsg, Stage::packet_sendmsg_spkt, Stage::alloc, Stage::queue_xmit,
                                Stage::direct_xmit, Stage::start_xmit});
constexpr StageSet chain =
    core | bits({Stage::sock_create, Stage::packet_create, Stage::sys_sendto, Stage::sys_sendmsg, Stage::sys_sendmmsg,
                 Stage::sock_write_iter, Stage::sockfd_lookup, Stage::sock_sendmsg, Stage::sock_sendmsg_inner,
                 Stage::packet_snd, Stage::tpacket_snd});
constexpr StageSet device = chain | bits({Stage::wait, Stage::packet_xmit, Stage::enqueue, Stage::dequeue, Stage::ndo});
constexpr StageSet receivers = bits({Stage::packet_rcv, Stage::tpacket_rcv});
constexpr StageSet full = device | receivers | bits({Stage::copy, Stage::parse, Stage::freed});

StageSet set_named(std::string_view name) {
    if (name == "chain") return chain;
    if (name == "device") return device;
    if (name == "full") return full;
    for (const StageInfo& info : all_stages)
        if (info.name == name) return stage_bit(info.stage);
    return 0;
}

std::string all_names() {
    std::string names;
    for (const StageInfo& info : all_stages) names += fmt::format("{}{}", names.empty() ? "" : " ", info.name);
    return names;
}

}  // namespace

const StageSet core_stages = core;
const StageSet chain_stages = chain;
const StageSet device_stages = device;
const StageSet full_stages = full;

Result<StageSet> parse_stages(std::string_view text) {
    constexpr std::size_t most_echoed = 100;
    StageSet set = core;
    for (std::string_view rest = text;;) {
        const std::size_t comma = rest.find(',');
        const std::string_view name = rest.substr(0, comma);
        const StageSet found = set_named(name);
        if (!found)
            return usage(fmt::format("there is no stage '{}'", name.substr(0, most_echoed)),
                         fmt::format("sets: chain device full; stages: {}", all_names()));
        set |= found;
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
    }
    if (set & receivers) set |= stage_bit(Stage::freed);
    return set;
}

}  // namespace sockray
