// Which check a virtio-net header did not pass, as the kernel has them in its order.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

struct Refused {
    const char* name;
    const char* words;   // of packet_sender; the header is flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
    const char* reason;  // a part of it
};

constexpr Refused refused[] = {
    {"hdr_len", "--vnet 0000c800000000000000", "hdr_len 200 is more than the frame's 60 bytes"},
    {"csum", "--vnet 01002a00000037000400",
     "the checksum that it asks for (csum_start 55 + csum_offset 4 + 2 = 61) ends behind the frame's 60 bytes"},
    {"csum_parts", "--method sendmsg --vnet 01002a00000037000400", "csum_start 55 + csum_offset 4 + 2 = 61"},
    {"csum_write", "--bind veth0 --method write --vnet 01002a00000037000400", "csum_start 55 + csum_offset 4 + 2 = 61"},
    {"gso_type", "--vnet 00072a00640000000000", "gso_type 7 is none that the kernel knows"},
    {"gso_size", "--vnet 00012a00000000000000", "gso_type 1 (TCPV4) with gso_size 0"},
    {"gso_frame", "--vnet 00012a00640000000000", "gso_type 1 (TCPV4), but the frame is no such packet"},
    {"gso_sum", "--vnet 01012a00640022000600", "csum_offset 6: gso_type 1 (TCPV4) wants that of a TCP header, 16"},
    {"in_ring", "--bind veth0 --method ring --batch 2 --vnet 0000c800000000000000",
     "hdr_len 200 is more than the frame's 60 bytes"},
    {"too_short", "--vnet 00000000000000000000 --length 10",
     "10 bytes are less than the link-layer header of veth0 (14)"},
};

class VnetHeader : public KernelTest {};

TEST_F(VnetHeader, that_is_refused_is_told_by_its_field_and_value) {
    const std::string report = scratch("vnet") + "/report";
    run({"rm", "-f", report});
    std::string script;
    for (const Refused& one : refused)
        script += sender_line(report, one.name,
                              std::string(one.words) +
                                  (std::string(one.words).find("--bind") == std::string::npos ? " --to veth0" : "")) +
                  "\n";
    script += sender_line(report, "fits", "--to veth0 --vnet 00000e00000000000000");
    const Traced traced = trace_command({}, {"sh", "-c", script});
    expect_sound(traced);
    for (const Refused& one : refused) {
        SCOPED_TRACE(one.name);
        const std::vector<SendLine> sends = traced.recording.sends_of(one.name);
        expect_same_answers(sends, answers_of(read_answers(report), one.name));
        ASSERT_EQ(sends.size(), 1U);
        EXPECT_EQ(sends[0].err, EINVAL);
        EXPECT_NE(sends[0].reason.find(one.reason), std::string::npos) << sends[0].reason;
    }
    const std::vector<SendLine> fits = traced.recording.sends_of("fits");
    ASSERT_EQ(fits.size(), 1U);
    EXPECT_EQ(fits[0].outcome, "delivered") << fits[0].reason;
}

}  // namespace
}  // namespace sockray::vm
