// The rows of MISSION.md: what a socket's creation and a send pass inside the kernel, each row by its name.
#include <gtest/gtest.h>

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <map>
#include <set>

#include "tests/vm/cases.h"
#include "tests/vm/kernel.h"

namespace sockray::vm {
namespace {

class Creation : public KernelTest {};
class Sending : public KernelTest {};

Json stage_of(const Json& socket, const std::string& name) {
    for (const Json& stage : socket.value("stages", Json::array()))
        if (stage.value("name", "") == name) return stage;
    return Json::object();
}

std::uint64_t time_of(const Json& stage, const char* key) {
    return stage.contains(key) && stage.at(key).is_number() ? stage.at(key).get<std::uint64_t>() : 0;
}

void expect_probed(const SendLine& send, const std::string& name) {
    const StageTimes* stage = send.stage(name);
    ASSERT_TRUE(stage) << send.comm << " did not pass " << name;
    EXPECT_EQ(stage->evidence, "probed") << name;
    EXPECT_GT(stage->start, 0U) << name;
    EXPECT_GE(stage->end, stage->start) << name;
}

// A stage that is hooked where the kernel has the function, and follows from others where it was inlined.
void expect_probed_or_derived(const SendLine& send, const std::string& name) {
    if (has_function(name)) return expect_probed(send, name);
    const StageTimes* stage = send.stage(name);
    ASSERT_TRUE(stage) << send.comm << " did not pass " << name;
    EXPECT_EQ(stage->evidence, "derived") << name;
    EXPECT_EQ(stage->start, 0U) << name;
}

TEST_F(Creation, C1_socket_reaches_sock_create_with_family_type_protocol_result_and_duration) {
    const Json socket = cases().socket("raw_arp");
    EXPECT_EQ(socket.value("family", -1), AF_PACKET);
    EXPECT_EQ(socket.value("sock_type", -1), SOCK_RAW);
    EXPECT_EQ(socket.value("protocol", -1), 0x0806);
    EXPECT_EQ(socket.value("ret", -1), 0);
    const Json stage = stage_of(socket, "__sock_create");
    EXPECT_EQ(stage.value("evidence", ""), "probed");
    EXPECT_GT(time_of(stage, "start"), 0U);
    EXPECT_GT(time_of(stage, "end"), time_of(stage, "start"));
}

TEST_F(Creation, C1_type_and_protocol_are_those_that_the_program_asked_for) {
    EXPECT_EQ(cases().socket("dgram_ip").value("sock_type", -1), SOCK_DGRAM);
    EXPECT_EQ(cases().socket("dgram_ip").value("protocol", -1), 0x0800);
    EXPECT_EQ(cases().socket("spkt").value("sock_type", -1), SOCK_PACKET);
    EXPECT_EQ(cases().socket("spkt").value("protocol", -1), 0x0003);
}

TEST_F(Creation, C1_a_program_asked_and_not_the_kernel_itself) {
    EXPECT_EQ(cases().socket("raw_arp").value("kern", -1), 0);
}

TEST_F(Creation, C2_net_families_holds_packet_family_ops_for_AF_PACKET_at_that_moment) {
    const Json socket = cases().socket("raw_arp");
    if (!has_symbol("net_families")) {  // no CONFIG_KALLSYMS_ALL: nothing says where the table is
        EXPECT_TRUE(socket.at("net_family").is_null()) << socket;
        return;
    }
    EXPECT_EQ(socket.value("net_family", ""), "packet_family_ops");
}

TEST_F(Creation, C3_packet_family_ops_has_the_family_number_17_and_packet_create) {
    const Json socket = cases().socket("raw_arp");
    if (!has_symbol("net_families")) {
        EXPECT_TRUE(socket.at("net_family_create").is_null()) << socket;
        return;
    }
    EXPECT_EQ(socket.value("net_family_number", -1), AF_PACKET);
    EXPECT_EQ(socket.value("net_family_create", ""), "packet_create");
    EXPECT_EQ(socket.value("create", ""), "packet_create");
}

TEST_F(Creation, C4_packet_create_is_nested_in_sock_create_with_its_result_and_duration) {
    const Json socket = cases().socket("raw_arp");
    const Json outer = stage_of(socket, "__sock_create");
    const Json inner = stage_of(socket, "packet_create");
    EXPECT_EQ(inner.value("evidence", ""), "probed");
    EXPECT_GT(time_of(inner, "start"), time_of(outer, "start"));
    EXPECT_GT(time_of(inner, "end"), time_of(inner, "start"));
    EXPECT_LT(time_of(inner, "end"), time_of(outer, "end"));
    EXPECT_EQ(socket.value("create_ret", -1), 0);
}

TEST_F(Creation, C5_sock_ops_is_packet_ops_after_the_return) {
    EXPECT_EQ(cases().socket("raw_arp").value("ops", ""), "packet_ops");
    EXPECT_EQ(cases().socket("raw_arp").value("ops_sendmsg", ""), "packet_sendmsg");
    EXPECT_EQ(cases().socket("dgram_ip").value("ops", ""), "packet_ops");
}

TEST_F(Creation, C5_sock_ops_is_packet_ops_spkt_for_SOCK_PACKET) {
    EXPECT_EQ(cases().socket("spkt").value("ops", ""), "packet_ops_spkt");
    EXPECT_EQ(cases().socket("spkt").value("ops_sendmsg", ""), "packet_sendmsg_spkt");
}

TEST_F(Creation, C6_protocol_family_and_destructor_of_the_new_socket_are_shown) {
    const Json socket = cases().socket("raw_arp");
    EXPECT_EQ(socket.value("po_num", -1), 0x0806);
    EXPECT_EQ(socket.value("sk_family", -1), AF_PACKET);
    EXPECT_EQ(socket.value("sk_destruct", ""), "packet_sock_destruct");
}

TEST_F(Creation, a_refused_socket_has_EPERM_from_packet_create_and_no_ops) {
    const Json socket = cases().socket("eperm");
    EXPECT_EQ(socket.value("ret", 0), -1);
    EXPECT_EQ(socket.value("errno", 0), EPERM);
    EXPECT_EQ(socket.value("uid", 0), 65534);
    EXPECT_EQ(socket.value("create_ret", 0), -EPERM);
    EXPECT_TRUE(socket.contains("ops") && socket.at("ops").is_null());
    EXPECT_EQ(cases().answers_of_case("eperm").at(0).err, EPERM);
}

TEST_F(Creation, a_type_that_AF_PACKET_does_not_have_is_refused_with_ESOCKTNOSUPPORT) {
    EXPECT_EQ(cases().socket("esocktnosupport").value("errno", 0), ESOCKTNOSUPPORT);
    EXPECT_EQ(cases().answers_of_case("esocktnosupport").at(0).err, ESOCKTNOSUPPORT);
}

TEST_F(Sending, S1_each_way_into_the_kernel_is_named) {
    for (const char* entry : {"sendto", "send", "sendmsg", "sendmmsg", "write", "writev", "sendfile"})
        EXPECT_EQ(cases().send(entry).entry, entry);
}

TEST_F(Sending, S1_the_function_that_the_system_call_enters_is_hooked) {
    const std::map<std::string, std::string> functions{{"sendto", "__sys_sendto"},
                                                       {"send", "__sys_sendto"},
                                                       {"sendmsg", "__sys_sendmsg"},
                                                       {"write", "sock_write_iter"},
                                                       {"writev", "sock_write_iter"}};
    for (const auto& [entry, function] : functions) expect_probed(cases().send(entry), function);
    EXPECT_TRUE(cases().send("sendmmsg").stage("__sys_sendmmsg"));
}

TEST_F(Sending, S2_sockfd_lookup_light_is_hooked_where_it_exists_and_derived_where_it_was_inlined) {
    for (const char* entry : {"sendto", "send", "sendmsg"})
        expect_probed_or_derived(cases().send(entry), "sockfd_lookup_light");
    EXPECT_EQ(cases().traced.recording.plan_of("sockfd_lookup_light").value("evidence", ""),
              has_function("sockfd_lookup_light") ? "probed" : "derived");
}

TEST_F(Sending, S2_write_finds_its_socket_without_sockfd_lookup_light) {
    EXPECT_FALSE(cases().send("write").stage("sockfd_lookup_light"));
}

TEST_F(Sending, S2_the_socket_that_was_found_is_the_one_that_was_created) {
    for (const char* name : {"raw_arp", "dgram_ip", "spkt", "sendto", "write", "ring"}) {
        const std::uint64_t ino = cases().socket(name).value("ino", std::uint64_t{0});
        EXPECT_GT(ino, 0U) << name;
        EXPECT_EQ(cases().send(name).socket_ino, ino) << name;
    }
}

TEST_F(Sending, S3_inner_sock_sendmsg_is_hooked_where_it_exists_and_derived_where_it_was_inlined) {
    for (const char* entry : {"sendto", "sendmsg", "write"})
        expect_probed_or_derived(cases().send(entry), "__sock_sendmsg");
}

TEST_F(Sending, S3_sock_sendmsg_is_hooked_and_a_sendto_does_not_pass_it) {
    EXPECT_EQ(cases().traced.recording.plan_of("sock_sendmsg").value("evidence", ""),
              has_function("sock_sendmsg") ? "probed" : "absent");
    EXPECT_FALSE(cases().send("sendto").stage("sock_sendmsg"));
}

TEST_F(Sending, S3_sendfile_comes_through_sock_sendmsg) {
    expect_probed(cases().send("sendfile"), "sock_sendmsg");
}

TEST_F(Sending, S4_sock_ops_sendmsg_led_to_packet_sendmsg) {
    EXPECT_EQ(cases().send("sendto").sendmsg, "packet_sendmsg");
    expect_probed(cases().send("sendto"), "packet_sendmsg");
    EXPECT_FALSE(cases().send("sendto").stage("packet_sendmsg_spkt"));
}

TEST_F(Sending, S4_sock_ops_sendmsg_led_to_packet_sendmsg_spkt_for_SOCK_PACKET) {
    const SendLine send = cases().send("spkt");
    EXPECT_EQ(send.sendmsg, "packet_sendmsg_spkt");
    expect_probed(send, "packet_sendmsg_spkt");
    EXPECT_FALSE(send.stage("packet_sendmsg"));
    EXPECT_FALSE(send.stage("packet_snd"));
    EXPECT_EQ(send.outcome, "delivered");
    EXPECT_EQ(send.ifname, "veth0");
}

TEST_F(Sending, S5_packet_sendmsg_enters_packet_snd_which_is_located) {
    const SendLine send = cases().send("sendto");
    const StageTimes* outer = send.stage("packet_sendmsg");
    const StageTimes* body = send.stage("packet_snd");
    ASSERT_TRUE(outer && body);
    EXPECT_EQ(body->evidence, "located");
    EXPECT_GE(body->start, outer->start);
    EXPECT_LE(body->start, send.stage("sock_alloc_send_pskb")->start);
    EXPECT_FALSE(send.stage("tpacket_snd"));
}

TEST_F(Sending, S5_a_TX_ring_enters_tpacket_snd_which_is_located) {
    const SendLine send = cases().send("ring");
    const StageTimes* outer = send.stage("packet_sendmsg");
    const StageTimes* body = send.stage("tpacket_snd");
    ASSERT_TRUE(outer && body);
    EXPECT_EQ(body->evidence, "located");
    EXPECT_GE(body->start, outer->start);
    EXPECT_LE(body->start, send.stage("sock_alloc_send_pskb")->start);
    EXPECT_FALSE(send.stage("packet_snd"));
    EXPECT_EQ(send.ret, 60);
}

TEST_F(Sending, on_a_TX_ring_is_one_send_for_each_frame_one_after_the_other) {
    const std::vector<SendLine> sends = cases().sends("ring");
    ASSERT_EQ(sends.size(), 6U);
    for (std::size_t i = 0; i < sends.size(); i++) {
        EXPECT_EQ(sends[i].ring_frame, i);
        EXPECT_EQ(sends[i].len, 60U);
        EXPECT_EQ(sends[i].ret, 60);
        EXPECT_EQ(sends[i].outcome, "delivered") << sends[i].reason;
        if (i == 0) continue;
        EXPECT_EQ(sends[i].stage("packet_sendmsg")->start, sends[i - 1].stage("packet_sendmsg")->end);
    }
    EXPECT_EQ(cases().answers_of_case("ring").at(0).ret, 6 * 60);
}

TEST_F(Sending, goes_through_the_qdisc_to_the_driver) {
    const SendLine send = cases().send("sendto");
    expect_probed(send, "sock_alloc_send_pskb");
    expect_probed(send, "__dev_queue_xmit");
    expect_probed(send, "dev_hard_start_xmit");
    EXPECT_FALSE(send.stage("__dev_direct_xmit"));
}

TEST_F(Sending, with_PACKET_QDISC_BYPASS_goes_by_dev_direct_xmit) {
    const SendLine send = cases().send("bypass");
    expect_probed(send, "__dev_direct_xmit");
    EXPECT_FALSE(send.stage("__dev_queue_xmit"));
    EXPECT_EQ(send.outcome, "delivered");
}

TEST_F(Sending, every_stage_lies_inside_the_one_that_called_it) {
    for (const SendLine& send : cases().traced.recording.sends) EXPECT_EQ(nesting_error(send), "") << send.comm;
}

TEST_F(Sending, a_sendmmsg_of_five_frames_is_five_sends_in_order) {
    const std::vector<SendLine> sends = cases().sends("sendmmsg");
    ASSERT_EQ(sends.size(), 5U);
    for (std::size_t i = 0; i < sends.size(); i++) {
        EXPECT_EQ(sends[i].entry, "sendmmsg");
        EXPECT_EQ(sends[i].outcome, "delivered");
        EXPECT_EQ(sends[i].ret, 60);
        if (i == 0) continue;
        EXPECT_GT(sends[i].stage("packet_sendmsg")->start, sends[i - 1].stage("packet_sendmsg")->end);
    }
    EXPECT_EQ(cases().answers_of_case("sendmmsg").at(0).ret, 5);
}

}  // namespace
}  // namespace sockray::vm
