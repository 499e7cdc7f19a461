// sockray ops: the kernel's own tables, held against /proc/kallsyms.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <cstdlib>
#include <sstream>

#include "tests/vm/kernel.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

// Where kallsyms has no data (no CONFIG_KALLSYMS_ALL), sockray ops says so, and that is all that it can do.
class Ops : public KernelTest {
  protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped() || has_symbol("net_families")) return;
        const Completed done = sockray({"ops"});
        EXPECT_EQ(done.status, 3) << shown(done);
        EXPECT_NE(done.err.find("/proc/kallsyms has no net_families"), std::string::npos) << done.err;
        EXPECT_NE(done.err.find("CONFIG_KALLSYMS_ALL"), std::string::npos) << done.err;
        GTEST_SKIP() << "this kernel does not name net_families, and sockray ops says so";
    }
};

const Completed& ops_json() {
    static const Completed once = sockray({"ops", "--json"});
    return once;
}

Json table(const std::string& name) {
    std::istringstream text(ops_json().out);
    for (std::string line; std::getline(text, line);) {
        const Json json = Json::parse(line, nullptr, false);
        if (json.is_object() && json.value("table", "") == name) return json;
    }
    ADD_FAILURE() << "no table " << name << "\n" << shown(ops_json());
    return Json::object({{"handlers", Json::object()}});
}

TEST_F(Ops, C2_C3_shows_packet_family_ops_with_its_family_and_packet_create) {
    const Json found = table("packet_family_ops");
    EXPECT_EQ(found.value("family", -1), AF_PACKET);
    EXPECT_EQ(found["handlers"].value("create", ""), "packet_create");
}

TEST_F(Ops, C7_shows_packet_ops_handler_by_handler_by_name) {
    const Json handlers = table("packet_ops")["handlers"];
    for (const auto& [handler, function] : {std::pair{"release", "packet_release"},
                                            {"bind", "packet_bind"},
                                            {"getname", "packet_getname"},
                                            {"poll", "packet_poll"},
                                            {"ioctl", "packet_ioctl"},
                                            {"setsockopt", "packet_setsockopt"},
                                            {"getsockopt", "packet_getsockopt"},
                                            {"sendmsg", "packet_sendmsg"},
                                            {"recvmsg", "packet_recvmsg"},
                                            {"mmap", "packet_mmap"},
                                            {"connect", "sock_no_connect"}})
        EXPECT_EQ(handlers.value(handler, ""), function) << handler;
}

TEST_F(Ops, C7_shows_packet_ops_spkt_whose_sendmsg_is_packet_sendmsg_spkt) {
    const Json handlers = table("packet_ops_spkt")["handlers"];
    EXPECT_EQ(handlers.value("sendmsg", ""), "packet_sendmsg_spkt");
    EXPECT_EQ(handlers.value("bind", ""), "packet_bind_spkt");
    EXPECT_EQ(handlers.value("getname", ""), "packet_getname_spkt");
}

TEST_F(Ops, C7_has_sendpage_exactly_where_the_kernel_still_has_it) {
    const Json handlers = table("packet_ops")["handlers"];
    EXPECT_EQ(handlers.contains("sendpage"), has_function("sock_no_sendpage"));
    if (handlers.contains("sendpage")) {
        EXPECT_EQ(handlers.value("sendpage", ""), "sock_no_sendpage");
    }
}

TEST_F(Ops, resolves_every_handler_to_a_function_of_kallsyms) {
    for (const char* name : {"packet_family_ops", "packet_ops", "packet_ops_spkt"}) {
        const Json handlers = table(name)["handlers"];
        EXPECT_FALSE(handlers.empty());
        for (const auto& item : handlers.items()) {
            if (item.value().is_null()) continue;
            EXPECT_TRUE(has_function(item.value().get<std::string>())) << name << "." << item.key();
        }
    }
}

TEST_F(Ops, finds_the_tables_at_the_addresses_of_kallsyms) {
    for (const char* name : {"packet_family_ops", "packet_ops", "packet_ops_spkt"}) {
        const std::uint64_t address = std::strtoull(table(name).value("address", "0").c_str(), nullptr, 16);
        EXPECT_NE(address, 0U);
        EXPECT_TRUE(is_symbol_at(name, address)) << name;
    }
}

TEST_F(Ops, in_text_shows_net_families_and_the_same_tables) {
    const Completed done = sockray({"ops"});
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_TRUE(done.out.starts_with("net_families[AF_PACKET] = packet_family_ops\n")) << done.out;
    for (const char* words : {".create = packet_create", "packet_ops  struct proto_ops", "packet_ops_spkt",
                              "= packet_sendmsg\n", "= packet_sendmsg_spkt\n"})
        EXPECT_NE(done.out.find(words), std::string::npos) << words << "\n" << done.out;
    EXPECT_EQ(control_character(done.out), 0);
}

}  // namespace
}  // namespace sockray::vm
