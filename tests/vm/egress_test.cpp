// What netfilter does with frames at the egress of their device: drops them out of a TX ring, gives them to another
// device.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

// A table of its own for the rule at the egress of one device.
class EgressRule {
  public:
    EgressRule(const std::string& device, const std::string& rule) {
        configure("nft add table netdev egress");
        configure("nft add chain netdev egress out '{ type filter hook egress device " + device + " priority 0; }'");
        configure("nft add rule netdev egress out " + rule);
    }
    ~EgressRule() { run({"nft", "delete", "table", "netdev", "egress"}); }
    EgressRule(const EgressRule&) = delete;
    EgressRule& operator=(const EgressRule&) = delete;
};

class Egress : public KernelTest {
  protected:
    static Traced trace_sender(const Arguments& options, const std::string& words, std::vector<Answer>& answers) {
        const std::string report = scratch("egress") + "/report";
        run({"rm", "-f", report});
        Traced traced = trace_command(options, {"sh", "-c", sender_line(report, "sender", words)});
        expect_sound(traced);
        answers = read_answers(report);
        return traced;
    }
};

// The kernel refuses the frame before __dev_direct_xmit, frees it, and keeps the ring's head at it: of the frames
// behind it none was touched.
TEST_F(Egress, that_drops_a_frame_of_a_losing_ring_past_the_qdisc_fails_that_one_and_no_other) {
    const VethPair pair("vloss");
    const EgressRule rule("vloss0", "drop");
    std::vector<Answer> answers;
    const Traced traced =
        trace_sender({}, "--bind vloss0 --method ring --bypass --losing --batch 8 --malformed 0,1 --count 2", answers);
    ASSERT_EQ(answers.size(), 2U);
    for (const Answer& answer : answers) EXPECT_EQ(answer.err, ENOBUFS);
    // Two were passed over in the first call, and the third refused: it is the first one of the second call.
    const std::vector<SendLine>& sends = traced.recording.sends;
    ASSERT_EQ(sends.size(), 4U) << shown(traced.run);
    for (std::size_t i = 0; i < sends.size(); i++) {
        SCOPED_TRACE(i);
        EXPECT_EQ(sends[i].outcome, "failed");
        if (i < 2) {
            EXPECT_NE(sends[i].reason.find("PACKET_LOSS is set"), std::string::npos) << sends[i].reason;
            continue;
        }
        EXPECT_EQ(sends[i].err, ENOBUFS);
        EXPECT_NE(sends[i].reason.find("netfilter at the egress of vloss0 dropped the frame"), std::string::npos)
            << sends[i].reason;
    }
}

}  // namespace
}  // namespace sockray::vm
