#include "tests/vm/traced.h"

#include <cstdio>
#include <sstream>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"

namespace sockray::vm {

void KernelTest::SetUp() {
    if (!network_problem().empty()) GTEST_SKIP() << "no network to test in: " << network_problem();
}

void KernelTest::TearDown() {
    EXPECT_EQ(hooks_left(), "") << "left behind in the kernel";
}

Traced read_back(Completed run) {
    Traced traced{std::move(run), {}};
    traced.recording = parse(traced.run.out);
    if (traced.run.out.size() > 1 << 20) std::string().swap(traced.run.out);
    return traced;
}

Traced trace_command(const Arguments& options, const Arguments& command, const RunOptions& run_options) {
    Arguments words{"trace", "--json", "--no-calibrate"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    return read_back(sockray(words, run_options));
}

Traced drive(const Arguments& options, const RunOptions& run_options) {
    Arguments words{"run", "-i", "veth0", "--json", "--no-calibrate"};
    words.insert(words.end(), options.begin(), options.end());
    return read_back(sockray(words, run_options));
}

Arguments quick_hooks() {
    return {"--backend", has_fprobe() ? "kprobe-multi" : "kprobe"};
}

std::vector<Answer> read_answers(const std::string& report) {
    std::istringstream text(read_file(report));
    std::vector<Answer> answers;
    Answer answer;
    while (text >> answer.name >> answer.pid >> answer.tid >> answer.ret >> answer.err) answers.push_back(answer);
    return answers;
}

std::vector<Answer> answers_of(const std::vector<Answer>& all, const std::string& name) {
    std::vector<Answer> found;
    for (const Answer& answer : all)
        if (answer.name == name) found.push_back(answer);
    return found;
}

std::string sender_line(const std::string& report, const std::string& name, const std::string& words) {
    return sender_path() + " --report " + report + " --name " + name + " " + words;
}

void expect_same_answers(const std::vector<SendLine>& sends, const std::vector<Answer>& answers) {
    ASSERT_EQ(sends.size(), answers.size());
    for (std::size_t i = 0; i < sends.size(); i++) {
        EXPECT_EQ(sends[i].pid, answers[i].pid) << "call " << i;
        EXPECT_EQ(sends[i].tid, answers[i].tid) << "call " << i;
        EXPECT_EQ(sends[i].ret, answers[i].ret) << "call " << i;
        EXPECT_EQ(sends[i].err, answers[i].err) << "call " << i;
    }
}

namespace {

bool is_entry(std::string_view name) {
    return name == "__sys_sendto" || name == "__sys_sendmsg" || name == "sock_write_iter";
}

// The nearest of these stages that the send passed.
const StageTimes* first_of(const SendLine& send, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        const StageTimes* stage = send.stage(name);
        if (stage && stage->start) return stage;
    }
    return nullptr;
}

// The stage that must enclose this one.
const StageTimes* around(const SendLine& send, std::string_view name) {
    if (name == "dev_hard_start_xmit") return first_of(send, {"__dev_queue_xmit", "__dev_direct_xmit"});
    if (name == "__dev_queue_xmit" || name == "__dev_direct_xmit" || name == "sock_alloc_send_pskb")
        return first_of(send, {"packet_snd", "tpacket_snd", "packet_sendmsg_spkt", "packet_sendmsg"});
    if (name == "packet_snd" || name == "tpacket_snd") return first_of(send, {"packet_sendmsg"});
    if (name == "packet_sendmsg" || name == "packet_sendmsg_spkt")
        return first_of(send, {"__sock_sendmsg", "sock_sendmsg", "__sys_sendto", "__sys_sendmsg", "sock_write_iter"});
    if (is_entry(name) || name == "__sys_sendmmsg") return nullptr;
    return first_of(send, {"__sys_sendto", "__sys_sendmsg", "sock_write_iter"});
}

}  // namespace

std::string nesting_error(const SendLine& send) {
    const StageTimes* call = send.stage("packet_sendmsg");
    for (const StageTimes& stage : send.stages) {
        if (!stage.start) continue;
        const std::string name(stage.name);
        if (stage.end && stage.end < stage.start) return name + " ends before it starts";
        if (call && call->end && stage.start >= call->end) continue;  // the frame's time, behind its send's return
        const StageTimes* outer = around(send, stage.name);
        if (!outer) continue;
        if (stage.start < outer->start || (outer->end && stage.end > outer->end))
            return name + " is not inside " + std::string(outer->name);
    }
    return "";
}

void expect_sound(const Traced& traced) {
    EXPECT_FALSE(traced.run.timed_out) << shown(traced.run);
    EXPECT_TRUE(traced.recording.bad_lines.empty()) << "first of these: " << traced.recording.bad_lines.front();
    ASSERT_TRUE(traced.recording.summary) << shown(traced.run);
    EXPECT_EQ(imbalance(traced.recording), "");
    EXPECT_EQ(traced.recording.sends.size(), traced.recording.total("decoded"));
    EXPECT_EQ(traced.recording.sockets.size(), traced.recording.total("sockets_decoded"));
}

void matrix_cell(const std::string& row, const std::string& value) {
    std::printf("MATRIX %s %s\n", row.c_str(), value.c_str());
    std::fflush(stdout);
}

int control_character(const std::string& text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n') || byte == 0x7f) return byte;
    }
    return 0;
}

}  // namespace sockray::vm
