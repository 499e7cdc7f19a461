// Recordings that nobody wrote: damaged ones through every report, and such as are made to take time and memory.
#include <gtest/gtest.h>
#include <zstd.h>

#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include "tests/unit/all_reports.h"
#include "tests/unit/record_fixture.h"
#include "tests/unit/report_sessions.h"
#include "user/record/limits.h"
#include "user/record/pcapng.h"

namespace sockray {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

void put_number(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
    out.push_back(static_cast<char>(number));
}

// A field that holds bytes.
std::string field(std::uint32_t number, std::string_view bytes) {
    std::string out;
    put_number(out, number << 3 | 2);
    put_number(out, bytes.size());
    return out.append(bytes);
}

std::string repeated(std::string_view one, std::size_t times) {
    std::string out;
    out.reserve(one.size() * times);
    for (std::size_t i = 0; i < times; i++) out += one;
    return out;
}

std::string block_of(std::string_view entry) {
    std::string body(entry_magic);
    const auto length = static_cast<std::uint32_t>(entry.size());
    body.append(reinterpret_cast<const char*>(&length), sizeof length);
    body += entry;
    std::string block;
    pcapng::put_block(block, entry_block, body);
    return block;
}

std::string start() {
    std::string bytes;
    pcapng::put(bytes, pcapng::Section{"x86_64", "Linux", "sockray"});
    pcapng::put(bytes, pcapng::Interface{1, 65535, "veth0", ""});
    std::string origin;
    put_entry(origin, OriginEntry{made::origin(), 0});
    return bytes + block_of(origin);
}

std::string packed(std::string_view bytes) {
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
    return out;
}

// Kilobytes that this process takes at most since the last call of forget_most().
std::size_t most_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
    return 0;
}
void forget_most() {
    std::ofstream("/proc/self/clear_refs") << "5";
}

struct Cost {
    std::size_t most_mib = 0;
    long cpu_ms = 0;  // the machine may be busy with others
    std::string notes;
};

Cost cost_of(std::string_view bytes) {
    Cost cost;
    forget_most();
    const std::size_t before = most_kib();
    const std::clock_t begin = std::clock();
    AllReports reports;
    const auto notes = reports.make_of(bytes);
    cost.cpu_ms = (std::clock() - begin) / (CLOCKS_PER_SEC / 1000);
    cost.most_mib = (most_kib() - before) >> 10;
    if (!notes) cost.notes = notes.error().what;
    if (notes)
        for (const std::string& words : notes->words) cost.notes += words + "\n";
    return cost;
}

std::string many_names() {
    std::string bytes;
    std::string entry;
    for (std::uint64_t i = 1; i <= 50'000; i++, entry.clear()) {
        put_entry(entry, SymbolEntry{i, std::string(limits::text_bytes, 'n')});
        bytes += block_of(entry);
    }
    return bytes;
}

std::string many_interfaces() {
    std::string bytes;
    const std::string name(65000, 'i');
    for (int i = 0; i < 4000; i++) pcapng::put(bytes, pcapng::Interface{1, 0, name, ""});
    return bytes;
}

// Each says that files are missing before it.
std::string files_of(std::uint32_t files) {
    std::string bytes;
    std::string entry;
    OriginEntry origin;
    origin.origin.start_ns = made::origin().start_ns;
    origin.origin.host = made::origin().host;
    for (origin.file = 2; origin.file < 2 * files; origin.file += 2, entry.clear()) {
        put_entry(entry, origin);
        bytes += block_of(entry);
    }
    return bytes;
}

// Without its bound each takes gigabytes: what costs two bytes in a file is an object of a hundred when it is read. The
// bound is that of the largest block, and of what may be kept.
TEST(AHostileRecording, TakesNoMoreMemoryThanTheLargestOneMay) {
    struct Bomb {
        const char* what;
        std::string (*bytes)();  // behind the start
        const char* notes;
    };
    constexpr Bomb bombs[] = {
        {"devices", [] { return block_of(field(7, repeated(field(2, ""), 4 * mib))); }, "a ledger of too many devices"},
        {"CPUs", [] { return block_of(field(7, repeated(field(14, ""), 4 * mib))); }, "a ledger of too many CPUs"},
        {"skipped hits", [] { return block_of(field(7, repeated(field(16, ""), 16 * mib))); },
         "a ledger of too many stages"},
        {"uncounted stages", [] { return block_of(field(7, field(17, std::string(32 * mib, '\1')))); },
         "a ledger of too many stages"},
        {"hooks", [] { return block_of(field(2, repeated(field(7, ""), 4 * mib))); }, "a stage with too many hooks"},
        {"words", [] { return start() + block_of(field(1, repeated(field(2, "w"), 8 * mib))); }, "another session"},
        {"a reason", [] { return block_of(field(6, field(4, repeated("1 of ", 4 * mib)))); },
         "a text that is too long"},
        {"names", many_names, "names of functions and drop reasons are left out"},
        {"interfaces", many_interfaces, "cut off"},
        {"files", [] { return files_of(100'000); }, "further lines like these are left out"},
        {"more files", [] { return files_of(300'000); }, "more files than a session can have"},
    };
    for (const Bomb& bomb : bombs) {
        const std::string bytes = packed(start() + bomb.bytes());
        const Cost cost = cost_of(bytes);
        EXPECT_LT(cost.most_mib, 150U) << bomb.what;
        EXPECT_NE(cost.notes.find(bomb.notes), std::string::npos) << bomb.what << ": " << cost.notes;
        EXPECT_LT(cost.notes.size(), 20'000U) << bomb.what;
    }
}

// As much of everything as is kept, and all reports of that.
TEST(AHostileRecording, OfAsMuchAsIsKeptIsReportedInBoundedTimeAndMemory) {
    std::string bytes = start();
    std::string entry;
    Ending ending;
    for (std::size_t i = 0; i < limits::devices; i++) {
        DeviceDelta& device = ending.devices.emplace_back();
        device.ifname = "d" + std::to_string(i);
        device.tx_dropped = device.tx_packets = device.netns_ino = 1;
        device.ifindex = static_cast<std::int32_t>(i + 1);
        device.tx_queues = 2;
    }
    for (std::uint32_t i = 0; i < limits::cpus; i++) ending.ledger.lost_by_cpu.push_back({i, 1, 0, 0, 0, 0, 0, 0});
    const std::string numbers = repeated("1 of ", limits::text_bytes / 5 - 2) + "1 bytes";
    for (std::uint64_t id = 1; id <= 300; id++) {
        Send send = made::dropped(id, 5'000'000'000 + id * 100'000);
        send.reason = numbers + " " + std::to_string(id);
        entry.clear();
        put_entry(entry, send);
        bytes += block_of(entry);
    }
    entry.clear();
    put_entry(entry, ending);
    bytes += block_of(entry);
    const Cost cost = cost_of(bytes);
    EXPECT_LT(cost.most_mib, 400U);
    EXPECT_LT(cost.cpu_ms, 20'000);
    EXPECT_EQ(cost.notes.find("left out"), std::string::npos) << cost.notes;
}

TEST_F(Recordings, OfLongCommandsHaveTheirBeginning) {
    OriginEntry entry;
    entry.origin.command.assign(limits::command_words + 100, "word");
    entry.origin.command[1] = std::string(limits::text_bytes + 1, 'x');
    std::string bytes;
    put_entry(bytes, entry);
    const auto read = parse_entry(bytes);
    ASSERT_TRUE(read) << read.error();
    const std::vector<std::string>& command = std::get<OriginEntry>(*read).origin.command;
    ASSERT_EQ(command.size(), limits::command_words + 1);
    EXPECT_EQ(command[0], "word");
    EXPECT_EQ(command[1], std::string(limits::text_bytes, 'x') + "...");
    EXPECT_EQ(command.back(), "...");
}

TEST_F(Recordings, SayWhatMakesNoSenseInThem) {
    put_bytes(path("bad"), start() + block_of(field(6, field(4, std::string(limits::text_bytes + 1, 'r')))));
    Collector collector;
    const auto notes = read({path("bad")}, collector);
    ASSERT_TRUE(notes) << notes.error().what;
    EXPECT_EQ(notes->bad_entries, 1U);
    EXPECT_EQ(notes->words.back(), "1 entry that makes no sense is left out (a text that is too long)");
}

// A session of everything, as it is written.
std::string mixed(const std::string& path, std::uint64_t sends) {
    auto writer = RecordingWriter::create({path});
    EXPECT_TRUE(writer);
    if (!writer) return {};
    made::MixedSession session(sends);
    struct Completed : Sink {  // what a session does right before its end
        explicit Completed(RecordingWriter& to) : writer(to) {}
        void begin(const Origin& o, const Plan& p, const KernelNames& n) override { writer.begin(o, p, n); }
        void socket(const sr_socket& record, std::uint64_t id) override { writer.socket(record, id); }
        void send(const Send& send) override { writer.send(send); }
        void end(const Ending& last) override {
            Ending ending = last;
            writer.complete(ending);
        }
        RecordingWriter& writer;
    } completed(**writer);
    session.tell(completed);
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(Recordings, DamagedOnesNeverCrashAReport) {
    const std::string whole = mixed(path("a"), 60);
    std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same each time
    AllReports reports;
    ASSERT_TRUE(reports.make_of(whole));
    EXPECT_GT(reports.bytes(), whole.size());
    std::size_t read = 0;
    for (int i = 0; i < 400; i++) {
        std::string bytes = whole;
        for (unsigned n = 1 + random() % 8; n; n--) bytes[random() % bytes.size()] = static_cast<char>(random());
        read += reports.make_of(bytes).has_value();
    }
    EXPECT_GT(read, 100U) << "of 400 most should not even be read";
}

// The blocks stay whole, so that what is in them is looked at: numbers that no session has, entries twice, or
// elsewhere.
TEST_F(Recordings, DamagedWithinTheirEntriesTheyNeverCrashAReport) {
    const std::string whole = mixed(path("a"), 60);
    std::vector<std::string> blocks;
    bool swapped = false;
    for (std::string_view left = whole; !left.empty(); left.remove_prefix(blocks.back().size())) {
        const auto block = pcapng::take_block(left, swapped);
        ASSERT_TRUE(block);
        blocks.emplace_back(left.substr(0, pcapng::block_length(*block)));
    }
    std::mt19937 random(6);  // NOLINT(cert-msc51-cpp): the same each time
    AllReports reports;
    std::size_t read = 0;
    constexpr std::size_t head = 8 + 12;  // of the block and of the entry
    for (int i = 0; i < 400; i++) {
        std::vector<std::string> some = blocks;
        for (unsigned n = 0; n < 40; n++) {
            const std::size_t at = 2 + random() % (some.size() - 2);
            std::string& block = some[at];
            switch (random() % 8) {
                case 0: std::swap(block, some[2 + random() % (some.size() - 2)]); break;
                case 1: block = some[2 + random() % (some.size() - 2)]; break;
                default:
                    if (block.size() > head + 8)
                        block[head + random() % (block.size() - head - 8)] = static_cast<char>(random());
            }
        }
        std::string bytes;
        for (const std::string& block : some) bytes += block;
        read += reports.make_of(bytes).has_value();
    }
    EXPECT_GT(read, 200U);
}

}  // namespace
}  // namespace sockray
