// sockray doctor, and the check of the kernel's fields.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/vm/kernel.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Doctor : public KernelTest {};

const Traced& plan() {
    static const Traced once = read_back(sockray({"doctor", "--json"}));
    return once;
}

constexpr const char* stages[] = {"__sock_create",        "packet_create",
                                  "__sys_sendto",         "__sys_sendmsg",
                                  "__sys_sendmmsg",       "sock_write_iter",
                                  "sockfd_lookup_light",  "sock_sendmsg",
                                  "__sock_sendmsg",       "packet_sendmsg",
                                  "packet_sendmsg_spkt",  "packet_snd",
                                  "tpacket_snd",          "sock_alloc_send_pskb",
                                  "__dev_queue_xmit",     "__dev_direct_xmit",
                                  "dev_hard_start_xmit",  "skb_copy_datagram_from_iter",
                                  "packet_parse_headers", "packet_xmit",
                                  "qdisc_enqueue",        "qdisc_dequeue",
                                  "ndo_start_xmit",       "packet_rcv",
                                  "tpacket_rcv",          "skb_freed",
                                  "schedule_timeout"};

TEST_F(Doctor, in_JSON_prints_one_plan_line_for_every_stage_and_nothing_else) {
    EXPECT_EQ(plan().run.status, 0) << shown(plan().run);
    EXPECT_TRUE(plan().recording.bad_lines.empty());
    EXPECT_EQ(plan().recording.plan.size(), std::size(stages));
    for (const char* stage : stages) EXPECT_FALSE(plan().recording.plan_of(stage).is_null()) << stage;
    EXPECT_FALSE(plan().recording.summary);
    for (const Json& line : plan().recording.plan) {
        const std::string evidence = line.value("evidence", "");
        matrix_cell(line.value("stage", ""),
                    evidence + (evidence == "located" ? "+" + std::to_string(line.value("offset", 0)) : ""));
    }
}

TEST_F(Doctor, in_JSON_has_the_keys_of_the_contract_in_their_order) {
    const std::vector<std::string> contract{"type", "stage", "evidence", "function", "offset", "hook", "reason"};
    for (const Json& line : plan().recording.plan) {
        std::vector<std::string> keys;
        for (const auto& item : line.items()) keys.push_back(item.key());
        keys.resize(std::min(keys.size(), contract.size()));
        EXPECT_EQ(keys, contract) << line;
    }
}

TEST_F(Doctor, calls_a_stage_probed_exactly_where_the_kernel_has_the_function) {
    for (const char* stage : stages) {
        const std::string evidence = plan().recording.plan_of(stage).value("evidence", "");
        const bool by_tracepoint = plan().recording.plan_of(stage).value("hook", "") == "tracepoint";
        EXPECT_EQ(evidence == "probed", by_tracepoint || has_function(stage)) << stage << " is " << evidence;
    }
}

// A reader that waits, such as a pager, keeps nothing attached.
TEST_F(Doctor, has_detached_everything_before_it_writes) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const std::string dots(4096, '.');
    while (::write(ends[1], dots.data(), dots.size()) > 0) {
    }
    ::fcntl(ends[1], F_SETFL, 0);
    RunOptions options;
    options.in_child = [&] { ::dup2(ends[1], STDOUT_FILENO); };
    Process doctor = start_sockray({"doctor", "--json"}, options);
    const auto blocked = [&] { return read_file("/proc/" + std::to_string(doctor.pid()) + "/wchan") == "pipe_write"; };
    for (int i = 0; i < 600 && doctor.running() && !blocked(); i++) ::usleep(100'000);
    ASSERT_TRUE(doctor.running());
    // The program that reads the kernel's memory is loaded still, and attached to nothing.
    std::istringstream left(hooks_left());
    for (std::string line; std::getline(left, line);)
        EXPECT_TRUE(line.starts_with("BPF program ") || line.starts_with("BPF map ")) << line;
    ::close(ends[0]);
    ::close(ends[1]);
    doctor.finish();
}

TEST_F(Doctor, gives_a_reason_for_every_stage_that_is_not_probed) {
    for (const Json& line : plan().recording.plan) {
        if (line.value("evidence", "") != "probed") {
            EXPECT_NE(line.value("reason", ""), "") << line;
        }
    }
}

TEST_F(Doctor, S5_locates_packet_snd_and_tpacket_snd_inside_packet_sendmsg) {
    for (const char* stage : {"packet_snd", "tpacket_snd"}) {
        const Json line = plan().recording.plan_of(stage);
        EXPECT_EQ(line.value("evidence", ""), "located") << line;
        EXPECT_EQ(line.value("function", ""), "packet_sendmsg");
        EXPECT_EQ(line.value("hook", ""), "kprobe");
        EXPECT_GT(line.value("offset", 0), 0);
    }
    // For the comparison with DWARF, which stands on another machine.
    std::printf("LOCATED %s packet_snd %d tpacket_snd %d\n", kernel_release().c_str(),
                plan().recording.plan_of("packet_snd").value("offset", 0),
                plan().recording.plan_of("tpacket_snd").value("offset", 0));
}

TEST_F(Doctor, in_text_says_in_the_first_line_that_it_can_trace) {
    const Completed done = sockray({"doctor"});
    EXPECT_EQ(done.status, 0) << shown(done);
    EXPECT_TRUE(done.out.starts_with("sockray can trace")) << done.out;
    EXPECT_EQ(control_character(done.out), 0) << done.out;
    for (const char* stage : stages) EXPECT_NE(done.out.find(stage), std::string::npos) << stage;
    EXPECT_NE(done.out.find(kernel_release()), std::string::npos) << done.out;
}

TEST(KernelFields, all_that_the_programs_read_are_in_this_kernel_with_the_same_types) {
    const auto path = [](const char* variable, const char* name) {
        const char* set = std::getenv(variable);
        return set ? std::string(set) : beside_test(name);
    };
    const std::string program = path("KERNEL_FIELDS", "kernel_fields");
    if (run({"test", "-x", program}).status != 0) GTEST_SKIP() << "there is no " << program;
    const Completed done = run({program, path("KERNEL_FIELDS_OBJECT", "kernel_fields.bpf.o"), "/sys/kernel/btf/vmlinux",
                                path("KERNEL_FIELDS_HEADER", "kernel.h")});
    EXPECT_EQ(done.status, 0) << shown(done);
}

}  // namespace
}  // namespace sockray::vm
