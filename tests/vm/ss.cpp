#include "tests/vm/ss.h"

#include <sys/socket.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <utility>

namespace sockray::vm {
namespace {

// The number behind `word` in the text.
std::uint64_t number_behind(const std::string& text, const std::string& word) {
    const std::size_t at = text.find(word);
    return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + word.size(), nullptr, 10);
}

// What stands between `begin` and the next `end`; "" where there is no such thing.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
    const std::size_t at = text.find(begin);
    if (at == std::string::npos) return "";
    const std::size_t from = at + begin.size();
    return text.substr(from, text.find(end, from) - from);
}

SsSocket read_first_line(const std::string& line) {
    SsSocket socket;
    std::string state, sent;
    std::istringstream(line) >> socket.kind >> state >> socket.received >> sent >> socket.local;
    socket.ino = number_behind(line, " ino:");
    socket.uid = number_behind(line, " uid:");
    // users:(("dhclient",pid=71,fd=5),("dhclient",pid=72,fd=5))
    for (std::size_t at = line.find("(\""); at != std::string::npos; at = line.find("(\"", at + 1)) {
        const std::string holder = line.substr(at, line.find(')', at) - at);
        socket.holders.emplace(between(holder, "\"", "\""), number_behind(holder, "pid="),
                               number_behind(holder, "fd="));
    }
    return socket;
}

// "blk_size:4096,blk_nr:4,frm_size:2048,frm_nr:8,tmo:77,features:0x0"; no ring is "".
std::string ring_words(const Json& ring, const std::string& theirs) {
    if (!ring.is_object()) return "";
    const auto part = [&ring](const char* key) { return std::to_string(ring.value(key, 0)); };
    std::string words = "blk_size:" + part("block_size") + ",blk_nr:" + part("block_nr") +
                        ",frm_size:" + part("frame_size") + ",frm_nr:" + part("frame_nr") + ",";
    if (ring.contains("retire_blk_tov")) words += "tmo:" + part("retire_blk_tov") + ",";
    // Of other rings the kernel has no time-out, and tells what stands in its place.
    return words + theirs.substr(std::min(words.size(), theirs.size()));
}

std::string fanout_words(const Json& fanout) {
    static const std::map<std::string, std::string> modes{
        {"rollover", "roll"}, {"rnd", "random"}, {"cbpf", "0x6"}, {"ebpf", "0x7"}};
    if (!fanout.is_object()) return "";
    const std::string mode = fanout.value("mode", "");
    return "id:" + std::to_string(fanout.value("id", 0)) + ",type:" + (modes.contains(mode) ? modes.at(mode) : mode);
}

std::string local_words(const Json& ours) {
    const int ifindex = ours.value("ifindex", 0);
    std::string ifname = "*";
    if (ifindex != 0 && ours["ifname"].is_string()) ifname = ours["ifname"].get<std::string>();
    if (ifindex != 0 && !ours["ifname"].is_string())  // ss takes -1 for an unsigned number
        ifname = "if" + std::to_string(static_cast<unsigned>(ifindex));
    return "[" + std::to_string(ours.value("protocol", 0)) + "]:" + ifname;
}

void expect_memory(const std::string& theirs, const Json& ours) {
    ASSERT_NE(theirs, "") << "ss got no answer from sock_diag";
    const std::string all = "," + theirs;
    for (const auto& [word, key] : {std::pair{",r", "rmem_alloc"},
                                    {",rb", "rcvbuf"},
                                    {",t", "wmem_alloc"},
                                    {",tb", "sndbuf"},
                                    {",d", "sk_drops"}}) {
        // "r" stands first, and "rb" begins like it: the number must follow at once.
        std::size_t at = all.find(word);
        while (at != std::string::npos && !std::isdigit(all[at + std::string(word).size()]))
            at = all.find(word, at + 1);
        ASSERT_NE(at, std::string::npos) << word << " in " << theirs;
        EXPECT_EQ(ours.value(key, Json()), number_behind(all.substr(at), word)) << key << " of " << ours;
    }
}

void expect_options(const std::string& details, const Json& ours) {
    const std::string flags = " " + between(details, " flags(", ")") + " ";
    for (const auto& [word, key] : {std::pair{" running ", "running"},
                                    {" auxdata ", "auxdata"},
                                    {" origdev ", "origdev"},
                                    {" vnethdr ", "vnet_hdr"},
                                    {" loss ", "loss"}})
        EXPECT_EQ(ours.value(key, Json()), flags.find(word) != std::string::npos) << key << ", ss says" << flags;
    EXPECT_EQ(ours.value("copy_thresh", Json()), number_behind(details, "cpy_thresh:"));
    for (const char* ring : {"rx_ring", "tx_ring"}) {
        if (ours[ring].is_object()) {
            EXPECT_EQ(ours[ring]["version"], number_behind(details, "ver:") + 1) << details;
        }
    }
}

}  // namespace

Completed run_ss(const RunOptions& options) {
    return run({"ss", "-0", "--all", "--numeric", "--extended", "--memory", "--processes", "--bpf", "--oneline"},
               options);
}

std::vector<SsSocket> read_ss(const std::string& text) {
    std::vector<SsSocket> sockets;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("p_")) continue;
        sockets.push_back(read_first_line(line));
        sockets.back().line = line;
    }
    return sockets;
}

void expect_as_ss_says(const SsSocket& theirs, const Json& ours) {
    SCOPED_TRACE("ss: " + theirs.line + "\nsockray: " + ours.dump());
    for (const char* key : {"processes", "ifname", "rx_ring", "tx_ring", "fanout"})
        ASSERT_TRUE(ours.contains(key)) << key;
    EXPECT_EQ(theirs.kind, ours.value("sock_type", 0) == SOCK_RAW ? "p_raw" : "p_dgr");
    EXPECT_EQ(theirs.local, local_words(ours));
    EXPECT_EQ(theirs.received, ours.value("rmem_alloc", Json()));
    EXPECT_EQ(theirs.uid, ours.value("uid", Json()));
    std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> holders;
    for (const Json& process : ours["processes"])
        for (const Json& fd : process["fds"]) holders.emplace(process["comm"], process["pid"], fd);
    EXPECT_EQ(theirs.holders, holders);
    expect_memory(between(theirs.line, "skmem:(", ")"), ours);
    expect_options(theirs.line, ours);
    for (const auto& [word, key] : {std::pair{"ring_rx(", "rx_ring"}, {"ring_tx(", "tx_ring"}}) {
        const std::string ring = between(theirs.line, word, ")");
        EXPECT_EQ(ring, ring_words(ours[key], ring));
    }
    EXPECT_EQ(between(theirs.line, "fanout(", ")"), fanout_words(ours["fanout"]));
    const bool filtered = theirs.line.find("bpf filter (") != std::string::npos;
    EXPECT_EQ(ours.value("filter", false), filtered);
}

}  // namespace sockray::vm
