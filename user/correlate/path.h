// The path of one send or one socket creation: which stages it passed, how each is known, and how they nest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bpf/records.h"
#include "user/base/plan.h"
#include "user/base/stage.h"

namespace sockray {

// The stage in each slot, Stage::none where none was passed. Index: SR_SLOT_*.
using StageBySlot = std::array<Stage, SR_SLOT_COUNT>;

// What the record says by itself: the stages whose hooks were hit, and the body, which without a hook of its
// own follows from the kernel's own condition (SR_SEND_TX_RING).
StageBySlot passed_stages(const sr_send& record);

// `passed` with the stages added that have no hook on this kernel but are on the way of a send of this entry
// (entry_name() of correlate/send.h): those that the plan calls derived.
StageBySlot with_derived(const StageBySlot& passed, std::string_view entry, const Plan& plan);

// The nesting depth of each slot, counting only the slots that are filled; the outermost has depth 0.
std::array<int, SR_SLOT_COUNT> depth_by_slot(const StageBySlot& stages);

struct Step {
    Stage stage = Stage::none;
    Evidence evidence = Evidence::absent;  // derived where this record holds no hit of the stage
    sr_span span{};                        // CLOCK_MONOTONIC ns, 0: not seen. packet_snd ends with packet_sendmsg
    int depth = 0;
};

struct Steps {
    std::array<Step, SR_SLOT_COUNT> step{};
    std::size_t size = 0;
    const Step* begin() const { return step.data(); }
    const Step* end() const { return step.data() + size; }
    Step* begin() { return step.data(); }
    Step* end() { return step.data() + size; }
    void add(const Step& next) { step[size++] = next; }
};

// In the order in which they are passed, which is also the order of a tree that is printed from the top.
Steps steps_of(const sr_send& record, const Plan& plan);
Steps steps_of(const sr_socket& record, const Plan& plan);

// steps_of() for sends that come by the million: most pass the steps of the one before, and differ in their times.
class RepeatedSteps {
  public:
    // `plan` must outlive it.
    explicit RepeatedSteps(const Plan& plan) : plan_(plan) {}

    // Until the next call.
    const Steps& of(const sr_send& record);
    // Whether the last send passed other steps than the one before it: what was made of them but their times is void.
    bool changed() const { return changed_; }

  private:
    bool has_the_same(const sr_send& record, std::string_view entry) const;

    const Plan& plan_;
    Steps steps_;
    bool changed_ = false;
    // What they follow from.
    std::array<std::uint8_t, sizeof sr_send::stage> stages_{};
    std::uint32_t tx_ring_ = 0;
    std::string_view entry_;
};

// How long the send took in the kernel: its outermost stage whose start and end were both seen. The entry of
// sendmmsg is left out, for its time is that of all the sends of one call.
std::optional<std::uint64_t> duration_ns(const sr_send& record);

// The return of the stage in this slot, or of any, is missing. The entry of sendmmsg returns once a call, not once a
// send: it does not count.
bool lacks_return(const sr_send& record, int slot);
bool lacks_return(const sr_send& record);

// The errno that the sender was told, positive; 0 where it was told none or the return was not seen.
inline int errno_of(const sr_send& record) {
    const bool refused = (record.flags & SR_SEND_RETURNED) && record.ret < 0;
    return refused ? static_cast<int>(0 - static_cast<std::uint64_t>(record.ret)) : 0;
}
inline int errno_of(const sr_socket& record) {
    return record.ret < 0 ? static_cast<int>(0 - static_cast<std::uint32_t>(record.ret)) : 0;
}

// Frames of this send that a driver took: one, or the segments of one.
inline std::uint64_t frames_taken(const sr_send& record, bool delivered) {
    return record.segments ? record.driver_hits : delivered;
}

// How long the frame was under way: from the entry of packet_sendmsg until a driver had taken it, or the kernel had
// dropped it; none where that is not known. Longer than the send itself where a qdisc kept it.
std::optional<std::uint64_t> frame_duration_ns(const sr_send& record);

}  // namespace sockray
