// One trace of packet_sender doing everything that it can, and everything wrong that it can: the stages and the
// outcomes are both read from it. Each case sends under the case's own name.
#pragma once

#include <string>
#include <vector>

#include "tests/vm/traced.h"

namespace sockray::vm {

struct Cases {
    Traced traced;
    std::vector<Answer> answers;
    std::uint64_t dropped_by_vmtu = 0;  // tx_dropped of vmtu0
    unsigned vdown_index = 0;           // of vdown0

    std::vector<SendLine> sends(const std::string& name) const { return traced.recording.sends_of(name); }
    // The case's first send; a test failure and an empty one where there is none.
    SendLine send(const std::string& name) const;
    // The case's only socket.
    Json socket(const std::string& name) const;
    std::vector<Answer> answers_of_case(const std::string& name) const { return answers_of(answers, name); }
};

// Runs them all under `sockray trace` with these options. Interfaces: veth0 (the tests' own), vdown0 (down), vpeer0
// (its peer is down), vslow0 (tbf with room for many frames), vtiny0 (tbf with room for one), vmtu0 (its peer takes
// 1000 bytes at most), vbig0 (MTU 100000), vtun0 (without a link-layer header).
Cases run_cases(const Arguments& options);

// The same without options, run when first asked for.
const Cases& cases();

}  // namespace sockray::vm
