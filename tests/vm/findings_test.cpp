// What stands out: each rule of the findings with a scenario that triggers it and one that must not.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

// What `sockray diagnose` says of a recording.
struct Diagnosis {
    std::vector<Json> findings;  // in the order given
    std::string text;            // as JSON Lines, for a test's message

    const Json* find(const std::string& rule) const {
        for (const Json& finding : findings)
            if (finding.value("rule", "") == rule) return &finding;
        return nullptr;
    }
    std::string title(const std::string& rule) const {
        const Json* finding = find(rule);
        return finding ? finding->value("title", "") : "no finding " + rule;
    }
    std::string evidence(const std::string& rule) const {
        const Json* finding = find(rule);
        return finding ? finding->at("evidence").dump() : "no finding " + rule;
    }
};

class Findings : public KernelTest {
  protected:
    static Diagnosis diagnose(const std::string& recording) {
        const Completed done = sockray({"diagnose", recording, "--json"});
        EXPECT_EQ(done.status, 0) << shown(done);
        Diagnosis diagnosis;
        diagnosis.text = done.out;
        std::istringstream lines(done.out);
        for (std::string line; std::getline(lines, line);) {
            Json json = Json::parse(line, nullptr, false);
            const std::string type = json.is_object() ? json.value("type", "") : "";
            EXPECT_TRUE(type == "finding" || type == "looked_at") << line;
            if (type == "finding") diagnosis.findings.push_back(std::move(json));
        }
        return diagnosis;
    }

    // Records what this shell script sends, and has it diagnosed.
    static Diagnosis diagnose_script(const Arguments& options, const std::string& script) {
        const std::string recording = scratch("findings") + "/recording.pcapng";
        Arguments words{"trace", "--no-calibrate", "-w", recording};
        words.insert(words.end(), options.begin(), options.end());
        for (const char* word : {"--", "sh", "-c"}) words.emplace_back(word);
        words.push_back(script);
        const Completed done = sockray(words);
        EXPECT_EQ(done.status, 0) << shown(done);
        return diagnose(recording);
    }

    static std::string sender(const std::string& words) { return sender_path() + " " + words + "\n"; }

    static bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

// A packet socket of this protocol on this device that never reads.
class Receiver {
  public:
    Receiver(const std::string& device, std::uint16_t protocol, int rcvbuf = 0)
        : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol))) {
        sockaddr_ll own{};
        own.sll_family = AF_PACKET;
        own.sll_protocol = htons(protocol);
        own.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        if (rcvbuf) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    }
    Receiver(Receiver&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    ~Receiver() {
        if (fd_ >= 0) ::close(fd_);
    }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;
    Receiver& operator=(Receiver&&) = delete;

  private:
    int fd_;
};

// ---- frames that were lost or hidden

// Six of each way to lose a frame, and of each rule what it makes of them.
TEST_F(Findings, of_each_way_to_lose_a_frame_name_every_one_and_no_other) {
    const VethPair down("vdown", false, false);
    const VethPair peer_down("vpeer", true, false);
    const VethPair tiny("vtiny");
    const VethPair slow("vslow");
    const VethPair small_peer("vmtu");
    configure("ip link set vmtu1 mtu 1000");
    tiny.set_qdisc("tbf rate 8bit burst 1600 limit 1000");
    slow.set_qdisc("tbf rate 8bit burst 1600 limit 200000");
    std::string script;
    for (const char* words :
         {"--to veth0 --length 1515 --count 6", "--to vdown0 --count 6", "--to-index 4242 --count 6",
          "--to vpeer0 --count 6", "--to veth0 --address-length 10 --count 6", "--to vmtu0 --length 1400 --count 6",
          "--to veth0 --bypass --count 6", "--to vtiny0 --length 1000 --count 8",
          "--to vslow0 --length 1400 --count 12 --sndbuf 1 --dontwait"})
        script += sender(words);
    for (int i = 0; i < 6; i++) script += sender("--to veth0 --method ring --length 1600 --batch 1");
    const Diagnosis diagnosis = diagnose_script({}, script);
    const std::pair<const char*, const char*> expected[] = {
        {"frame-length", "6 of 68 sends"}, {"interface-down", "6 of 68 sends"}, {"interface-gone", "6 of 68 sends"},
        {"no-carrier", "6 of 68 sends"},   {"other-losses", "6 of 68 sends"},   {"driver-drops", "6 of 68 sends"},
        {"bypass", "6 of 68 sends"},       {"ring-format", "6 of 6 frames"},    {"qdisc-drops", " of 68 sends"},
        {"send-buffer", " of 68 sends"}};
    for (const auto& [rule, title] : expected) EXPECT_TRUE(says(diagnosis.title(rule), title)) << diagnosis.title(rule);
    EXPECT_TRUE(says(diagnosis.evidence("frame-length"), "veth0 (MTU 1500 + 14) 6")) << diagnosis.text;
    EXPECT_TRUE(says(diagnosis.evidence("qdisc-drops"), "the tbf qdisc of vtiny0")) << diagnosis.text;
    EXPECT_TRUE(says(diagnosis.evidence("send-buffer"), "sk_sndbuf was ")) << diagnosis.text;
    EXPECT_EQ(diagnosis.findings.size(), std::size(expected)) << diagnosis.text;
    const std::vector<std::string> kinds{"loss", "time", "information"};
    std::pair last{std::ptrdiff_t{0}, -1.0};
    for (const Json& finding : diagnosis.findings) {
        const auto kind = std::ranges::find(kinds, finding.at("kind").get<std::string>()) - kinds.begin();
        const std::pair place{kind, -finding.at("cost").get<double>()};
        EXPECT_GE(place, last) << diagnosis.text;
        last = place;
        EXPECT_FALSE(finding.at("sends").empty());
    }
}

// Everything on, and all that a rule looks at is there, but nothing of it in excess.
TEST_F(Findings, of_a_sender_without_trouble_are_none_and_say_what_was_looked_at) {
    const VethPair pair("vgood");
    const Receiver receiver("vgood1", 0x88b5, 1 << 20);
    pair.set_qdisc("pfifo limit 1000");
    const std::string script = sender("--to vgood0 --count 150 --gap-us 3000") +
                               sender("--to vgood0 --method ring --batch 8") +
                               sender("--to vgood0 --length 1514 --count 6 --gap-us 3000");
    const Diagnosis diagnosis = diagnose_script({"--stages", "full", "-i", "vgood0"}, script);
    for (const char* rule :
         {"send-buffer",    "qdisc-drops",  "stopped-queue", "driver-drops",    "frame-length",        "interface-down",
          "interface-gone", "no-carrier",   "ring-format",   "tx-ring-full",    "tx-ring-idle",        "copies",
          "single-calls",   "one-thread",   "one-queue",     "softirq-tail",    "receiver-full",       "bypass",
          "receives-all",   "other-losses", "tracing-loss",  "device-counters", "incomplete-recording"})
        EXPECT_FALSE(diagnosis.find(rule)) << diagnosis.text;
}

TEST_F(Findings, of_frames_that_could_not_be_followed_say_how_far_the_rest_holds) {
    const VethPair slow("vmany");
    slow.set_qdisc("netem delay 200ms");
    const Diagnosis diagnosis = diagnose_script({"--in-flight", "4"}, sender("--to vmany0 --count 12"));
    EXPECT_TRUE(says(diagnosis.evidence("tracing-loss"), "frames could not be followed")) << diagnosis.text;
}

// ifb takes what no filter has redirected to it, and drops it behind the driver's return (drivers/net/ifb.c: ifb_xmit).
TEST_F(Findings, of_a_device_that_drops_what_its_driver_took_hold_its_counters_against_the_ledger) {
    if (run({"ip", "link", "add", "ifb9", "type", "ifb"}).status != 0) GTEST_SKIP() << "this kernel has no ifb";
    configure("ip link set ifb9 up");
    const Diagnosis dropped = diagnose_script({"-i", "ifb9"}, sender("--to ifb9 --count 30"));
    run({"ip", "link", "del", "ifb9"});
    EXPECT_EQ(dropped.title("device-counters"), "ifb9 counted 30 frames fewer than the 30 that its driver took")
        << dropped.text;
}

TEST_F(Findings, of_a_queue_that_its_driver_stopped_name_its_device) {
    const StuckCard card;
    const std::string send = sender("--to eth0 --count 200 --bypass");
    const Diagnosis diagnosis = diagnose_script({"-i", card.name}, send + send + "ip link set eth0 down\n");
    EXPECT_TRUE(says(diagnosis.title("stopped-queue"), " of 400 sends")) << diagnosis.text;
    EXPECT_TRUE(says(diagnosis.evidence("stopped-queue"), "by device: eth0")) << diagnosis.text;
}

// ---- time

TEST_F(Findings, of_sends_that_wait_for_room_tell_those_of_a_TX_ring_from_others) {
    const VethPair slow("vsleep");
    slow.set_qdisc("tbf rate 160kbit burst 1600 limit 100000");
    const std::string words = "--to vsleep0 --length 1400 --sndbuf 1 ";
    const Diagnosis diagnosis = diagnose_script(
        {"--stages", "device"}, sender(words + "--count 8") + sender(words + "--method ring --batch 8"));
    EXPECT_TRUE(says(diagnosis.title("send-buffer"), "slept for room in their send buffer")) << diagnosis.text;
    EXPECT_TRUE(diagnosis.find("tx-ring-full")) << diagnosis.text;
    EXPECT_FALSE(diagnosis.find("tx-ring-idle")) << diagnosis.text;
}

TEST_F(Findings, of_copies_come_with_long_frames) {
    const Diagnosis diagnosis =
        diagnose_script({"--stages", "chain,skb_copy_datagram_from_iter"},
                        sender("--bind lo --method send --count 200 --gap-us 500 --length 65000"));
    EXPECT_TRUE(diagnosis.find("copies")) << diagnosis.text;
}

// One thread that floods by single calls, one that rests, and one that calls for an empty ring; then two that share the
// work by sendmmsg.
TEST_F(Findings, of_a_flood_by_one_thread_advise_batches_and_sharing_and_do_not_where_that_is_done) {
    // All of it is to be recorded: lost records would take time off the thread that the rule looks at. It floods from
    // before the others' first send until behind their last: how long programs take to start, which a busy machine
    // makes long, is no time that it rests. Its device frees each frame at once: no send waits for its buffer.
    configure("ip link add vflood0 type dummy && ip link set vflood0 up");
    const Diagnosis flood = diagnose_script(
        {"--ring", "64M"}, "sent() { awk '/vflood0:/ { print $11 }' /proc/net/dev; }\n" + sender_path() +
                               " --to vflood0 --seconds 300 &\nwhile [ $(sent) -lt 5000 ]; do :; done\n" +
                               sender("--to vflood0 --count 30 --gap-us 20000") +
                               sender("--to vflood0 --method ring --batch 8 --count 20") + "kill $!\nwait");
    run({"ip", "link", "del", "vflood0"});
    EXPECT_TRUE(flood.find("single-calls")) << flood.text;
    EXPECT_TRUE(flood.find("one-thread")) << flood.text;
    EXPECT_EQ(flood.title("tx-ring-idle"), "19 of 20 calls on a TX ring (95 %) found no frame in it") << flood.text;
    EXPECT_FALSE(flood.find("tx-ring-full")) << flood.text;
    EXPECT_FALSE(flood.find("send-buffer")) << flood.text;
    const Diagnosis shared =
        diagnose_script({}, sender("--to veth0 --method sendmmsg --batch 100 --count 15 --threads 2"));
    EXPECT_FALSE(shared.find("single-calls")) << shared.text;
    EXPECT_FALSE(shared.find("one-thread")) << shared.text;
}

// Two senders whose frames all hash alike, on a device with four queues; then with a queue for each CPU.
TEST_F(Findings, of_one_queue_that_carries_everything_are_none_where_each_CPU_has_its_own) {
    if (run({"ip", "link", "add", "vmq0", "numtxqueues", "4", "type", "veth", "peer", "name", "vmq1"}).status != 0)
        GTEST_SKIP() << "no veth with several queues here";
    configure("ip link set vmq0 up; ip link set vmq1 up");
    const Arguments options{"--ring", "64M", "-i", "vmq0"};
    // Each on a CPU of its own, which a busy machine does not give them by itself.
    const std::string flood = "taskset 1 " + sender_path() + " --to vmq0 --seconds 2 &\ntaskset 2 " + sender_path() +
                              " --to vmq0 --seconds 2 &\nwait";
    const Diagnosis alike = diagnose_script(options, flood);
    EXPECT_TRUE(says(alike.title("one-queue"), "one of 4 transmit queues of vmq0 carried ")) << alike.text;
    // Of /sys there is one for each network namespace: that of whoever mounts it.
    configure(
        "cd $(mktemp -d) && mount -t sysfs sysfs . && cd class/net/vmq0/queues && "
        "echo 1 > tx-0/xps_cpus && echo 2 > tx-1/xps_cpus");
    const Diagnosis shared = diagnose_script(options, flood);
    EXPECT_FALSE(shared.find("one-queue")) << shared.text;
    run({"ip", "link", "del", "vmq0"});
}

// Receivers' work inside of a few sends; then a tail as long that lies elsewhere, in the copying of long frames.
TEST_F(Findings, of_a_tail_around_the_driver_are_not_of_one_that_lies_elsewhere) {
    const VethPair light("vlight");
    const VethPair heavy("vheavy");
    std::vector<Receiver> receivers;
    for (int i = 0; i < 900; i++) receivers.emplace_back("vheavy1", 0x88b5);
    const Diagnosis around = diagnose_script(
        {}, sender("--to vlight0 --count 3000 --gap-us 100") + sender("--to vheavy0 --count 60 --gap-us 1000"));
    EXPECT_TRUE(around.find("softirq-tail")) << around.text;
    const Diagnosis elsewhere =
        diagnose_script({"-i", "lo"}, sender("--bind lo --method send --count 3000 --gap-us 100") +
                                          sender("--bind lo --method send --count 60 --gap-us 1000 --length 65000"));
    EXPECT_FALSE(elsewhere.find("softirq-tail")) << elsewhere.text;
}

TEST_F(Findings, of_a_sender_that_receives_everything_and_of_a_receiver_that_does_not_read) {
    std::vector<Receiver> receivers;
    for (int i = 0; i < 100; i++) receivers.emplace_back("veth1", 0x88b5, 1);
    const Diagnosis all =
        diagnose_script({"--stages", "full"}, sender("--to veth0 --protocol 3 --count 300 --gap-us 300"));
    EXPECT_TRUE(all.find("receives-all")) << all.text;
    EXPECT_TRUE(all.find("receiver-full")) << all.text;
    EXPECT_TRUE(all.find("receiver-inside")) << all.text;
}

// Receivers on the way, and a queue before them: they run behind the return of the sends.
TEST_F(Findings, of_receivers_that_run_behind_the_sends_are_not_of_those_inside) {
    const VethPair late("vlate");
    late.set_qdisc("netem delay 5ms");
    std::vector<Receiver> receivers;
    for (int i = 0; i < 100; i++) receivers.emplace_back("vlate1", 0x88b5, 1);
    const Diagnosis behind = diagnose_script({"--stages", "full"}, sender("--to vlate0 --count 150 --gap-us 300"));
    EXPECT_TRUE(behind.find("receiver-full")) << "they were offered the frames: " << behind.text;
    EXPECT_FALSE(behind.find("receiver-inside")) << behind.text;
}

}  // namespace
}  // namespace sockray::vm
