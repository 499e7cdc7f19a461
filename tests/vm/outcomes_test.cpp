// How a send ends, and why: each refusal with its errno and the numbers that explain it, as the sender itself was told.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "tests/vm/cases.h"
#include "tests/vm/kernel.h"
#include "tests/vm/network.h"

namespace sockray::vm {
namespace {

class Outcomes : public KernelTest {
  protected:
    // The case's only send failed so, as its sender was told, and the reason begins with the errno's name and holds
    // these words.
    static void expect_failed(const std::string& name, int err, const std::vector<std::string>& words) {
        expect_same_answers(cases().sends(name), cases().answers_of_case(name));
        const SendLine send = cases().send(name);
        EXPECT_EQ(send.outcome, "failed");
        EXPECT_EQ(send.ret, -1);
        EXPECT_EQ(send.err, err);
        EXPECT_TRUE(send.reason.starts_with(std::string(::strerrorname_np(err)) + ": ")) << send.reason;
        for (const std::string& word : words)
            EXPECT_NE(send.reason.find(word), std::string::npos) << "no '" << word << "' in: " << send.reason;
    }
    static void expect_delivered(const std::string& name) {
        expect_same_answers(cases().sends(name), cases().answers_of_case(name));
        const SendLine send = cases().send(name);
        EXPECT_EQ(send.outcome, "delivered") << send.reason;
        EXPECT_EQ(send.reason, "");
        EXPECT_EQ(send.ifname, "veth0");
    }
};

TEST_F(Outcomes, of_all_cases_balance_in_the_ledger_with_nothing_lost) {
    expect_sound(cases().traced);
    EXPECT_EQ(cases().traced.run.status, 0) << shown(cases().traced.run);
    EXPECT_EQ(cases().traced.recording.all_lost(), 0U);
    for (const char* outcome : {"delivered", "dropped", "failed", "queued"})
        matrix_cell(std::string("cases_") + outcome, std::to_string(cases().traced.recording.total(outcome)));
    matrix_cell("cases_lost", std::to_string(cases().traced.recording.all_lost()));
}

TEST_F(Outcomes, delivered_when_the_driver_took_the_frame) {
    for (const char* name : {"raw_arp", "dgram_ip", "sendto", "send", "sendmsg", "write", "writev", "sendfile",
                             "bypass", "fits", "fits_vlan"})
        expect_delivered(name);
}

TEST_F(Outcomes, ENXIO_when_the_socket_is_not_bound_and_no_address_names_an_interface) {
    expect_failed("enxio_unbound", ENXIO, {"not bound"});
}

TEST_F(Outcomes, ENXIO_when_there_is_no_interface_with_that_index) {
    expect_failed("enxio_index", ENXIO, {"4242"});
}

TEST_F(Outcomes, ENETDOWN_when_the_interface_is_down) {
    expect_failed("enetdown", ENETDOWN, {"vdown0 is down"});
}

// packet_do_bind on an interface that is down: the next call that allocates is told, whatever interface it names.
TEST_F(Outcomes, ENETDOWN_that_the_socket_kept_is_that_of_the_interface_it_is_bound_to) {
    expect_failed("enetdown_bound", ENETDOWN,
                  {"interface " + std::to_string(cases().vdown_index) +
                   ", which the socket is bound to, is or was down: the socket kept the error"});
    EXPECT_EQ(cases().send("enetdown_bound").end_stage, "sock_alloc_send_pskb");
}

TEST_F(Outcomes, EMSGSIZE_when_the_frame_is_longer_than_MTU_and_header) {
    expect_failed("emsgsize", EMSGSIZE, {"1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)"});
}

TEST_F(Outcomes, EMSGSIZE_of_a_frame_whose_tag_was_not_looked_at_counts_the_tag) {
    expect_failed("emsgsize_vlan", EMSGSIZE,
                  {"1519 bytes, veth0 takes at most 1514 (MTU 1500 + 14), and 4 more of a frame with a VLAN tag"});
}

// Since 6.6 packet_alloc_skb asks for larger pieces of memory (net/core/skbuff.c: alloc_skb_with_frags).
TEST_F(Outcomes, EMSGSIZE_when_the_frame_needs_more_pages_than_6_1_gives_it_whatever_the_MTU) {
    if (!kernel_release().starts_with("6.1.")) {
        EXPECT_EQ(cases().send("many_pages").outcome, "delivered");
        EXPECT_EQ(cases().send("many_pages").ret, 80000);
        return;
    }
    expect_failed("many_pages", EMSGSIZE, {"80000 bytes need more pages than a frame can have (MAX_SKB_FRAGS)"});
    EXPECT_EQ(cases().send("many_pages").end_stage, "sock_alloc_send_pskb");
}

TEST_F(Outcomes, EMSGSIZE_when_the_payload_of_SOCK_DGRAM_is_longer_than_the_MTU) {
    expect_failed("emsgsize_dgram", EMSGSIZE, {"1501 bytes, veth0 takes at most 1500"});
}

TEST_F(Outcomes, EINVAL_when_the_address_is_too_short) {
    expect_failed("einval_address", EINVAL, {"10 bytes", "sockaddr_ll", "20"});
}

TEST_F(Outcomes, EINVAL_when_the_frame_is_shorter_than_its_header) {
    expect_failed("einval_short", EINVAL, {"10 bytes", "14"});
}

TEST_F(Outcomes, EINVAL_when_SOCK_DGRAM_has_no_address) {
    expect_failed("einval_dgram", EINVAL, {"no destination address", "veth0"});
}

TEST_F(Outcomes, EINVAL_when_a_control_message_was_not_understood) {
    expect_failed("einval_cmsg", EINVAL, {"EINVAL: a control message (cmsg) was not understood"});
    EXPECT_EQ(cases().send("einval_cmsg").reason.find(", or "), std::string::npos);
    expect_failed("spkt_cmsg", EINVAL, {"EINVAL: a control message (cmsg) was not understood"});
}

TEST_F(Outcomes, EINVAL_behind_a_control_message_that_was_fine_names_the_virtio_net_header_too) {
    expect_failed("cmsg_or_vnet", EINVAL,
                  {"a control message (cmsg) was not understood, or the virtio-net header: hdr_len 9999 is more than "
                   "the frame's 60 bytes"});
}

TEST_F(Outcomes, EINVAL_when_the_frame_has_no_bytes_and_gets_no_header) {
    expect_failed("einval_empty", EINVAL, {"the frame has no bytes, and vtun0 adds no header"});
}

TEST_F(Outcomes, EFAULT_of_a_TX_ring_when_its_frame_needs_more_pages_than_a_frame_can_have) {
    expect_failed("ring_many_pages", EFAULT,
                  {"a frame of the ring, of 80000 bytes, needs more pages than a frame can have (MAX_SKB_FRAGS)"});
}

TEST_F(Outcomes, EFAULT_when_the_frame_is_where_no_memory_is) {
    expect_failed("efault", EFAULT, {"memory of the frame"});
}

TEST_F(Outcomes, EPROTONOSUPPORT_when_the_device_cannot_send_without_a_checksum) {
    expect_failed("nofcs", EPROTONOSUPPORT, {"veth0", "SO_NOFCS"});
}

// tpacket_snd sends the frames before the malformed one, and then tells the caller of that one alone.
TEST_F(Outcomes, EMSGSIZE_of_a_TX_ring_is_that_of_the_malformed_frame_and_those_before_it_are_delivered) {
    const std::vector<SendLine> sends = cases().sends("ring_malformed");
    ASSERT_EQ(sends.size(), 3U);
    EXPECT_EQ(sends[0].outcome, "delivered") << sends[0].reason;
    EXPECT_EQ(sends[1].outcome, "delivered") << sends[1].reason;
    EXPECT_EQ(sends[2].outcome, "failed");
    EXPECT_EQ(sends[2].err, EMSGSIZE);
    EXPECT_TRUE(sends[2].reason.starts_with("EMSGSIZE: ")) << sends[2].reason;
}

// With PACKET_LOSS it passes over them, and tells the caller nothing.
TEST_F(Outcomes, of_a_TX_ring_with_PACKET_LOSS_fail_each_frame_that_was_passed_over) {
    const std::vector<SendLine> sends = cases().sends("ring_losing");
    ASSERT_EQ(sends.size(), 6U);
    for (std::size_t i = 0; i < sends.size(); i++) {
        SCOPED_TRACE(i);
        const bool well_formed = i == 1 || i == 4;
        EXPECT_EQ(sends[i].outcome, well_formed ? "delivered" : "failed") << sends[i].reason;
        EXPECT_EQ(sends[i].ring_frame, i);
        if (!well_formed) {
            EXPECT_NE(sends[i].reason.find("PACKET_LOSS is set: the kernel passed over it"), std::string::npos)
                << sends[i].reason;
        }
    }
}

TEST_F(Outcomes, ENOBUFS_when_netfilter_dropped_the_frame_at_the_egress_says_so) {
    expect_failed("netfilter", ENOBUFS, {"netfilter at the egress of vnft0 dropped the frame", "NETFILTER_DROP"});
}

// With PACKET_QDISC_BYPASS netfilter comes before __dev_direct_xmit, which is not seen then.
TEST_F(Outcomes, ENOBUFS_when_netfilter_dropped_the_frame_past_the_qdisc_says_so_and_blames_no_memory) {
    for (const std::string name : {"netfilter_past", "netfilter_ring"}) {
        SCOPED_TRACE(name);
        const std::string stage = name == "netfilter_ring" ? "tpacket_snd" : "packet_snd";
        expect_failed(name, ENOBUFS, {"netfilter at the egress of vnft0 dropped the frame", "NETFILTER_DROP"});
        const std::vector<SendLine> sends = cases().sends(name);
        EXPECT_EQ(sends.size(), 3U);
        for (const SendLine& send : sends) {
            EXPECT_EQ(send.outcome, "failed");
            EXPECT_EQ(send.end_stage, stage);
            EXPECT_FALSE(send.stage("__dev_direct_xmit"));
        }
    }
}

TEST_F(Outcomes, ENOBUFS_past_the_qdisc_when_the_driver_was_busy_does_not_blame_the_queue) {
    if (!BusyDriver::is_possible()) GTEST_SKIP() << "this kernel has no driver on a parallel port (plip)";
    const BusyDriver driver;
    const std::string report = scratch("busy") + "/report";
    const Traced traced =
        trace_command({"-i", driver.name}, {"sh", "-c", sender_line(report, "busy", "--to plip0 --bypass --count 7")});
    expect_sound(traced);
    expect_same_answers(traced.recording.sends, answers_of(read_answers(report), "busy"));
    ASSERT_EQ(traced.recording.sends.size(), 7U);
    for (const SendLine& send : traced.recording.sends) {
        EXPECT_EQ(send.outcome, "failed");
        EXPECT_EQ(send.err, ENOBUFS);
        EXPECT_TRUE(send.reason.starts_with("ENOBUFS: the driver of plip0 is busy")) << send.reason;
        EXPECT_EQ(send.end_stage, "__dev_direct_xmit");
    }
}

TEST_F(Outcomes, ENOTCONN_when_SOCK_PACKET_has_no_address) {
    expect_failed("spkt_enotconn", ENOTCONN, {"address"});
}

TEST_F(Outcomes, ENODEV_when_SOCK_PACKET_names_an_interface_that_is_not_there) {
    expect_failed("spkt_enodev", ENODEV, {"nosuch"});
}

TEST_F(Outcomes, EMSGSIZE_when_SOCK_PACKET_sends_more_than_MTU_and_header) {
    expect_failed("spkt_emsgsize", EMSGSIZE, {"1600 bytes", "veth0", "1514"});
}

TEST_F(Outcomes, ENETDOWN_when_SOCK_PACKET_names_an_interface_that_is_down) {
    expect_failed("spkt_enetdown", ENETDOWN, {"vdown0 is down"});
}

TEST_F(Outcomes, ENOBUFS_when_the_qdisc_is_full_says_that_it_was_the_qdisc) {
    const std::vector<SendLine> sends = cases().sends("enobufs");
    expect_same_answers(sends, cases().answers_of_case("enobufs"));
    int failed = 0;
    for (const SendLine& send : sends) {
        if (send.outcome != "failed") continue;
        failed++;
        EXPECT_EQ(send.err, ENOBUFS);
        EXPECT_TRUE(send.reason.starts_with("ENOBUFS: ")) << send.reason;
        EXPECT_NE(send.reason.find("the tbf qdisc of vtiny0"), std::string::npos) << send.reason;
        EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
    }
    EXPECT_EQ(sends.size(), 12U);
    EXPECT_EQ(failed, 10);  // one had left, and one had room
}

// sock_wmalloc does not wait (net/core/sock.c).
TEST_F(Outcomes, ENOBUFS_when_SOCK_PACKET_has_no_room_in_its_send_buffer_says_how_full_that_is) {
    const std::vector<SendLine> sends = cases().sends("spkt_enobufs");
    expect_same_answers(sends, cases().answers_of_case("spkt_enobufs"));
    int failed = 0;
    for (const SendLine& send : sends) {
        if (send.outcome != "failed") {
            EXPECT_EQ(send.outcome, "queued") << send.reason;
            continue;
        }
        failed++;
        EXPECT_EQ(send.err, ENOBUFS);
        EXPECT_TRUE(send.reason.starts_with("ENOBUFS: the send buffer was full (")) << send.reason;
        EXPECT_EQ(send.end_stage, "packet_sendmsg_spkt");
    }
    EXPECT_EQ(sends.size(), 12U);
    EXPECT_EQ(failed, 10);  // the least send buffer (SOCK_MIN_SNDBUF) has room for two
}

TEST_F(Outcomes, ENOBUFS_when_a_filter_at_the_egress_drops_says_that_it_was_the_filter) {
    const std::vector<SendLine> sends = cases().sends("egress");
    expect_same_answers(sends, cases().answers_of_case("egress"));
    EXPECT_EQ(sends.size(), 3U);
    for (const SendLine& send : sends) {
        EXPECT_NE(send.outcome, "delivered");
        EXPECT_NE(send.reason.find("a tc filter at the egress of vegr0 dropped the frame"), std::string::npos)
            << send.reason;
        EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
    }
}

TEST_F(Outcomes, EAGAIN_when_the_send_buffer_is_full_says_how_full) {
    const std::vector<SendLine> sends = cases().sends("eagain");
    expect_same_answers(sends, cases().answers_of_case("eagain"));
    int failed = 0;
    for (const SendLine& send : sends) {
        if (send.outcome != "failed") continue;
        failed++;
        EXPECT_EQ(send.err, EAGAIN);
        EXPECT_TRUE(send.reason.starts_with("EAGAIN: the send buffer ")) << send.reason;
        EXPECT_NE(send.reason.find("does not wait"), std::string::npos) << send.reason;
        EXPECT_EQ(send.end_stage, "sock_alloc_send_pskb");
    }
    EXPECT_EQ(sends.size(), 12U);
    EXPECT_EQ(failed, 9);  // one had left, and the least send buffer (SOCK_MIN_SNDBUF) has room for two
}

TEST_F(Outcomes, queued_when_the_frame_was_still_in_the_qdisc_as_tracing_ended) {
    int queued = 0;
    for (const SendLine& send : cases().sends("eagain")) {
        if (send.outcome != "queued") continue;
        queued++;
        EXPECT_NE(send.reason.find("still in the tbf qdisc of vslow0 when tracing ended"), std::string::npos)
            << send.reason;
    }
    EXPECT_GT(queued, 0);
}

TEST_F(Outcomes, dropped_when_the_sender_was_told_success_but_the_carrier_is_off) {
    const std::vector<SendLine> sends = cases().sends("peer_down");
    expect_same_answers(sends, cases().answers_of_case("peer_down"));
    for (const SendLine& send : sends) {
        EXPECT_EQ(send.ret, 60);
        EXPECT_EQ(send.outcome, "dropped") << send.reason;
        EXPECT_FALSE(send.drop_reason.empty());
        EXPECT_NE(send.reason.find(send.drop_reason), std::string::npos) << send.reason;
        EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
    }
}

// veth_xmit gives the frame to its peer, and returns NET_XMIT_DROP where that does not take it.
TEST_F(Outcomes, ENOBUFS_when_the_driver_itself_dropped_the_frame) {
    const std::vector<SendLine> sends = cases().sends("peer_mtu");
    expect_failed("peer_mtu", ENOBUFS, {"the driver of vmtu0 dropped the frame"});
    EXPECT_EQ(sends.size(), 3U);
    EXPECT_EQ(cases().dropped_by_vmtu, sends.size() + cases().sends("peer_mtu_past").size());
    for (const SendLine& send : sends) {
        EXPECT_EQ(send.outcome, "failed") << send.reason;
        EXPECT_FALSE(send.drop_reason.empty());
        EXPECT_EQ(send.end_stage, "__dev_queue_xmit");
    }
}

// net/hsr/hsr_forward.c, hsr_forward_skb: the ring's two devices get copies, and the frame itself is freed as dropped.
TEST_F(Outcomes, of_a_driver_that_sends_copies_and_frees_the_frame_as_dropped_say_that_and_blame_no_other_sender) {
    if (run({"modprobe", "hsr"}).status != 0) GTEST_SKIP() << "this guest has no hsr";
    const VethPair one("vhsa");
    const VethPair other("vhsb");
    configure("ip link add hsr0 type hsr slave1 vhsa0 slave2 vhsb0 && ip link set hsr0 up");
    const Traced traced = read_back(sockray({"run", "-i", "hsr0", "-c", "10", "--json", "--no-calibrate"}));
    expect_sound(traced);
    const Recording& recording = traced.recording;
    EXPECT_EQ(recording.total("dropped"), 10U) << shown(traced.run);
    for (const SendLine& send : recording.sends)
        EXPECT_NE(send.reason.find("on hsr0: the driver freed the frame as dropped and gives no reason"),
                  std::string::npos)
            << send.reason;
    const Json held = recording.summary->at("devices").at(0).at("held").at(0);
    // Now and then the ring sends a frame of its own, which tells the others that it is there.
    const auto counted = held.at("counted").get<std::uint64_t>();
    EXPECT_GE(counted, 10U);
    EXPECT_TRUE(held.at("cause").get<std::string>().starts_with(
        std::string(counted == 10 ? "as many as" : "among the 10 sends that") +
        " its driver, or a device below it, freed as dropped"))
        << held;
    configure("ip link del hsr0");
}

TEST_F(Outcomes, ENOBUFS_past_the_qdisc_says_that_the_carrier_is_off) {
    expect_failed("peer_down_past", ENOBUFS, {"vpeer0 has no carrier, and takes nothing in"});
    EXPECT_EQ(cases().sends("peer_down_past").size(), 3U);
    EXPECT_EQ(cases().send("peer_down_past").end_stage, "__dev_direct_xmit");
}

TEST_F(Outcomes, ENOBUFS_past_the_qdisc_when_the_driver_itself_dropped_the_frame) {
    expect_failed("peer_mtu_past", ENOBUFS, {"the driver of vmtu0 dropped the frame"});
    const std::vector<SendLine> sends = cases().sends("peer_mtu_past");
    EXPECT_EQ(sends.size(), 3U);
    for (const SendLine& send : sends) {
        EXPECT_EQ(send.outcome, "failed") << send.reason;
        EXPECT_FALSE(send.drop_reason.empty());
        EXPECT_EQ(send.end_stage, "__dev_direct_xmit");
    }
}

TEST_F(Outcomes, name_the_stage_where_a_refused_send_ended) {
    for (const char* name : {"enxio_unbound", "enxio_index", "enetdown", "emsgsize", "einval_address"})
        EXPECT_EQ(cases().send(name).end_stage, "packet_snd") << name;
    EXPECT_EQ(cases().send("spkt_enotconn").end_stage, "packet_sendmsg_spkt");
}

}  // namespace
}  // namespace sockray::vm
