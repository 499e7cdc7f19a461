#include "user/correlate/path.h"

#include <algorithm>
#include <cstring>

#include "user/correlate/send.h"

namespace sockray {

namespace {

constexpr int no_slot = -1;

// The slot that each slot stands in; where that one is empty, the slot that stands around it.
constexpr std::array<int, SR_SLOT_COUNT> around = {
    no_slot,              // ENTRY
    SR_SLOT_ENTRY,        // LOOKUP
    SR_SLOT_ENTRY,        // SOCK
    SR_SLOT_SOCK,         // INNER
    SR_SLOT_INNER,        // SENDMSG
    SR_SLOT_SENDMSG,      // BODY
    SR_SLOT_BODY,         // ALLOC
    SR_SLOT_ALLOC,        // WAIT
    SR_SLOT_BODY,         // COPY
    SR_SLOT_BODY,         // PARSE
    SR_SLOT_BODY,         // PACKET_XMIT
    SR_SLOT_PACKET_XMIT,  // XMIT
    SR_SLOT_XMIT,         // ENQUEUE
    SR_SLOT_XMIT,         // DEQUEUE
    SR_SLOT_XMIT,         // DRIVER
    SR_SLOT_DRIVER,       // NDO
    SR_SLOT_XMIT,         // RECEIVE
    SR_SLOT_XMIT,         // FREED
};

Stage entry_stage(std::string_view entry) {
    if (entry == "sendto" || entry == "send") return Stage::sys_sendto;
    if (entry == "sendmsg") return Stage::sys_sendmsg;
    if (entry == "sendmmsg") return Stage::sys_sendmmsg;
    if (entry == "write" || entry == "writev") return Stage::sock_write_iter;
    return Stage::none;
}

// Of the stage in a slot. The body has no end of its own.
sr_span span_in(const sr_send& record, int slot) {
    sr_span span = record.span[slot];
    if (slot == SR_SLOT_BODY && span.start) span.end = record.span[SR_SLOT_SENDMSG].end;
    return span;
}

bool of_many_sends(const sr_send& record, int slot) {
    return slot == SR_SLOT_ENTRY && record.stage[slot] == SR_STAGE_SYS_SENDMMSG;
}

}  // namespace

StageBySlot passed_stages(const sr_send& record) {
    StageBySlot stages{};
    static_assert(sizeof(Stage) == sizeof record.stage[0] && sizeof stages <= sizeof record.stage);
    std::memcpy(stages.data(), record.stage, sizeof stages);
    // packet_sendmsg is nothing but this choice; packet_sendmsg_spkt does the work itself.
    if (stages[SR_SLOT_BODY] == Stage::none && stages[SR_SLOT_SENDMSG] == Stage::packet_sendmsg)
        stages[SR_SLOT_BODY] = record.flags & SR_SEND_TX_RING ? Stage::tpacket_snd : Stage::packet_snd;
    return stages;
}

StageBySlot with_derived(const StageBySlot& passed, std::string_view entry, const Plan& plan) {
    StageBySlot stages = passed;
    auto derive = [&](int slot, Stage stage) {
        if (stages[slot] == Stage::none && plan.evidence(stage) == Evidence::derived) stages[slot] = stage;
    };
    // Other ways in (io_uring, splice) look the socket up themselves, and come through sock_sendmsg.
    const Stage from = entry_stage(entry);
    if (from != Stage::none) derive(SR_SLOT_ENTRY, from);
    if (from != Stage::none && from != Stage::sock_write_iter) derive(SR_SLOT_LOOKUP, Stage::sockfd_lookup);
    derive(SR_SLOT_INNER, Stage::sock_sendmsg_inner);
    return stages;
}

std::array<int, SR_SLOT_COUNT> depth_by_slot(const StageBySlot& stages) {
    std::array<int, SR_SLOT_COUNT> depth{};
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        int outer = around[slot];
        while (outer != no_slot && stages[outer] == Stage::none) outer = around[outer];
        depth[slot] = outer == no_slot ? 0 : depth[outer] + 1;
    }
    return depth;
}

Steps steps_of(const sr_send& record, const Plan& plan) {
    const StageBySlot stages = with_derived(passed_stages(record), entry_name(record), plan);
    const auto depth = depth_by_slot(stages);
    Steps steps;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        if (stages[slot] == Stage::none) continue;
        Step step{stages[slot], Evidence::derived, span_in(record, slot), depth[slot]};
        if (record.stage[slot] != SR_STAGE_NONE)
            step.evidence = plan.evidence(step.stage) == Evidence::located ? Evidence::located : Evidence::probed;
        steps.add(step);
    }
    return steps;
}

// entry_name() gives constants: equal ones are one.
bool RepeatedSteps::has_the_same(const sr_send& record, std::string_view entry) const {
    return entry_.data() == entry.data() && tx_ring_ == (record.flags & SR_SEND_TX_RING) &&
           std::memcmp(stages_.data(), record.stage, sizeof record.stage) == 0;
}

const Steps& RepeatedSteps::of(const sr_send& record) {
    const std::string_view entry = entry_name(record);
    changed_ = !has_the_same(record, entry);
    if (changed_) {
        steps_ = steps_of(record, plan_);
        entry_ = entry;
        tx_ring_ = record.flags & SR_SEND_TX_RING;
        std::memcpy(stages_.data(), record.stage, sizeof record.stage);
    } else {
        for (Step& step : steps_) step.span = span_in(record, stage_info(step.stage).slot);
    }
    return steps_;
}

Steps steps_of(const sr_socket& record, const Plan& plan) {
    Steps steps;
    steps.add({Stage::sock_create, Evidence::probed, record.create, 0});
    if (record.create_seen)
        steps.add({Stage::packet_create, Evidence::probed, record.packet_create, 1});
    else if (record.ret == 0 && plan.evidence(Stage::packet_create) == Evidence::derived)
        steps.add({Stage::packet_create, Evidence::derived, {}, 1});
    return steps;
}

std::optional<std::uint64_t> duration_ns(const sr_send& record) {
    for (int slot : {SR_SLOT_ENTRY, SR_SLOT_SOCK, SR_SLOT_INNER, SR_SLOT_SENDMSG}) {
        const sr_span& span = record.span[slot];
        if (!span.start || span.end < span.start || of_many_sends(record, slot)) continue;
        // A frame of a TX ring that was passed over, or refused, next to another one has no time of its own.
        if (span.end == span.start && (record.flags & SR_SEND_TX_RING)) continue;
        return span.end - span.start;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> frame_duration_ns(const sr_send& record) {
    const std::uint64_t start = record.span[SR_SLOT_SENDMSG].start;
    std::uint64_t end = 0;
    if (record.driver_hits || record.driver_drops) {
        end = std::max<std::uint64_t>(record.span[SR_SLOT_DRIVER].end, record.span[SR_SLOT_NDO].end);
        if (record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT)
            end = std::max<std::uint64_t>(end, record.span[SR_SLOT_XMIT].end);
    }
    if (record.flags & SR_SEND_DROP) end = std::max<std::uint64_t>(end, record.drop_ns);
    if (!start || end < start) return std::nullopt;
    return end - start;
}

bool lacks_return(const sr_send& record, int slot) {
    if (record.flags & SR_SEND_SWEPT) return false;  // still under way when tracing ended
    return record.span[slot].start && !record.span[slot].end && slot != SR_SLOT_BODY && !of_many_sends(record, slot);
}

bool lacks_return(const sr_send& record) {
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++)
        if (lacks_return(record, slot)) return true;
    return false;
}

}  // namespace sockray
