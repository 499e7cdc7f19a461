// What cannot be done: a clear message, the right exit status, nothing on standard output that is no result.
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

constexpr unsigned nobody = 65534;

class BadInput : public KernelTest {
  protected:
    // It ends with this status, says this on standard error, and prints no result.
    static void expect_refused(const Completed& done, int status, const std::vector<std::string>& words) {
        EXPECT_EQ(done.status, status) << shown(done);
        EXPECT_FALSE(done.timed_out);
        EXPECT_EQ(done.out, "");
        EXPECT_TRUE(done.err.starts_with("sockray: ")) << done.err;
        EXPECT_EQ(control_character(done.err), 0) << done.err;
        for (const std::string& word : words)
            EXPECT_NE(done.err.find(word), std::string::npos) << "no '" << word << "' in:\n" << done.err;
    }
};

TEST_F(BadInput, an_unknown_interface_is_refused_and_those_that_there_are_are_named) {
    expect_refused(sockray({"run", "-i", "veth9", "-c", "1"}), 1, {"veth9", "veth0", "veth1", "lo"});
    expect_refused(sockray({"trace", "-i", "veth9"}), 1, {"veth9", "veth0", "veth1", "lo"});
}

TEST_F(BadInput, a_hostile_name_of_an_interface_reaches_no_terminal) {
    for (const char* name :
         {"\x1b[2J\x1b[31m", "a\nb", "\xff\xfe", "../../etc", "a b", "", "%s%n", "012345678901234567890"}) {
        const Completed done = sockray({"run", "-i", name, "-c", "1"});
        EXPECT_TRUE(done.status == 1 || done.status == 2) << shown(done);
        EXPECT_EQ(control_character(done.err), 0) << done.err;
        EXPECT_FALSE(done.err.empty());
    }
}

TEST_F(BadInput, an_interface_that_is_down_is_refused_with_the_remedy) {
    const VethPair down("vdown", false, false);
    expect_refused(sockray({"run", "-i", "vdown0", "-c", "1"}), 1, {"vdown0 is down", "ip link set vdown0 up"});
}

TEST_F(BadInput, a_size_under_30_bytes_is_wrong_usage) {
    expect_refused(sockray({"run", "-i", "veth0", "-c", "1", "--size", "29"}), 2, {"29", "30"});
    expect_refused(sockray({"run", "-i", "veth0", "-c", "1", "--size", "0"}), 2, {"30"});
    expect_refused(sockray({"run", "-i", "veth0", "-c", "1", "--size", "-1"}), 2, {"-1"});
}

TEST_F(BadInput, a_count_that_is_no_positive_number_is_wrong_usage) {
    RunOptions options;
    options.timeout = Seconds(20);
    for (const char* count : {"0", "-1", "x", "1.5", "", "99999999999999999999999"})
        expect_refused(sockray({"run", "-i", "veth0", "-c", count}, options), 2, {"--count"});
    expect_refused(sockray({"trace", "-c", "0"}), 2, {"--count"});
}

TEST_F(BadInput, options_that_do_not_exist_or_exclude_each_other_are_wrong_usage) {
    expect_refused(sockray({"run", "-i", "veth0"}), 2, {"--count"});
    expect_refused(sockray({}), 2, {"--help"});
    expect_refused(sockray({"nosuchverb"}), 2, {"--help"});
    expect_refused(sockray({"trace", "--tree", "--json"}), 2, {"--tree"});
    expect_refused(sockray({"trace", "-p", "1", "--", "true"}), 2, {"-p"});
    expect_refused(sockray({"trace", "--"}), 2, {"command"});
    expect_refused(sockray({"trace", "--comm", "a-name-of-seventeen"}), 2, {"15 bytes"});
    expect_refused(sockray({"run", "-i", "veth0", "-c", "1", "--socket", "dgram", "--method", "send"}), 2, {"dgram"});
}

TEST_F(BadInput, a_COMMAND_that_does_not_exist_is_refused) {
    expect_refused(sockray({"trace", "--", "no-such-command"}), 1, {"no-such-command"});
    expect_refused(sockray({"trace", "--", "/no/such/command"}), 1, {"/no/such/command"});
    expect_refused(sockray({"trace", "--", "/etc"}), 1, {"/etc"});
}

TEST_F(BadInput, a_process_that_does_not_exist_is_refused) {
    expect_refused(sockray({"trace", "-p", "4000000"}), 1, {"4000000"});
}

TEST_F(BadInput, without_privileges_every_verb_says_so_with_status_3) {
    RunOptions options;
    options.uid = nobody;
    expect_refused(sockray({"run", "-i", "veth0", "-c", "1"}, options), 3, {"root"});
    expect_refused(sockray({"trace"}, options), 3, {"root"});
    expect_refused(sockray({"ops"}, options), 3, {"root"});
    const Completed doctor = sockray({"doctor"}, options);
    EXPECT_EQ(doctor.status, 3) << shown(doctor);
    EXPECT_NE(doctor.out.substr(0, doctor.out.find("\n\n")).find("root"), std::string::npos) << doctor.out;
}

TEST_F(BadInput, without_BTF_every_verb_says_so_with_status_3) {
    RunOptions options;
    options.in_child = [] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr) != 0)
            ::_exit(125);
    };
    expect_refused(sockray({"run", "-i", "veth0", "-c", "1"}, options), 3, {"BTF"});
    expect_refused(sockray({"trace"}, options), 3, {"BTF"});
    expect_refused(sockray({"ops"}, options), 3, {"BTF"});
    const Completed doctor = sockray({"doctor"}, options);
    EXPECT_EQ(doctor.status, 3) << shown(doctor);
    EXPECT_NE(doctor.out.substr(0, doctor.out.find('\n')).find("BTF"), std::string::npos) << doctor.out;
}

TEST_F(BadInput, a_size_over_the_MTU_runs_fails_every_send_and_says_why) {
    const Completed done = sockray({"run", "-i", "veth0", "--no-calibrate", "-c", "3", "--size", "1515"});
    EXPECT_EQ(done.status, 1) << shown(done);
    EXPECT_NE(done.err.find("EMSGSIZE: 1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)"), std::string::npos)
        << done.err;
    EXPECT_NE(done.out.find("LEDGER"), std::string::npos) << done.out;
    EXPECT_NE(done.out.find("driven 3, correlated 3"), std::string::npos) << done.out;
}

TEST_F(BadInput, a_hostile_name_of_a_device_and_of_a_task_is_shown_without_being_obeyed) {
    const std::string device = "d\"\x1b[31m\xff";
    configure("ip link add dummy9 type dummy");
    const Completed renamed = run({"ip", "link", "set", "dummy9", "name", device});
    const std::string name = renamed.status == 0 ? device : "dummy9";
    run({"ip", "link", "set", name, "up"});
    const std::string report = scratch("hostile") + "/report";
    const Arguments sender{sender_path(), "--report", report,    "--name", "c\"\\\x1b[2J\xff\n",
                           "--to",        name,       "--count", "2"};

    const Traced json = trace_command({}, sender);
    expect_sound(json);
    EXPECT_EQ(json.recording.total("delivered"), 2U);
    Arguments text{"trace", "--no-calibrate", "--"};
    text.insert(text.end(), sender.begin(), sender.end());
    const Completed lines = sockray(text);
    EXPECT_EQ(control_character(lines.out), 0) << lines.out;
    EXPECT_NE(lines.out.find("\\x1b"), std::string::npos) << lines.out;
    run({"ip", "link", "del", name});
    EXPECT_EQ(renamed.status, 0) << "the device could not be given its hostile name: " << renamed.err;
}

}  // namespace
}  // namespace sockray::vm
