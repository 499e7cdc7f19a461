// Recordings in a folder of their own, written by RecordingWriter and read back.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/record/entry.h"
#include "user/record/layout.h"
#include "user/record/pcapng.h"
#include "user/record/reader.h"
#include "user/record/writer.h"

namespace sockray {

namespace fs = std::filesystem;

class Collector : public Sink {
  public:
    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override {
        begun++;
        kernel = origin.kernel;
        stages = plan.lines.size();
        names_ = &names;
    }
    void socket(const sr_socket&, std::uint64_t) override { sockets++; }
    void send(const Send& send) override {
        ids.push_back(send.id);
        if (send.record.drop_location) symbol = names_->symbol(send.record.drop_location);
        if (send.record.flags & SR_SEND_DROP) reason = names_->drop_reason(send.record.drop_reason);
    }
    void end(const Ending& last) override { ending = last; }

    int begun = 0;
    std::string kernel;
    std::size_t stages = 0;
    std::size_t sockets = 0;
    std::vector<std::uint64_t> ids;
    std::string symbol;
    std::string reason;
    Ending ending;

  private:
    const KernelNames* names_ = nullptr;
};

class Recordings : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("sockray-recordings-" + std::to_string(::getpid()));
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    static Origin origin() {
        Origin origin;
        origin.kernel = "6.1.0";
        origin.host = "here";
        origin.start_ns = 5;
        return origin;
    }

    static Send sent(std::uint64_t id) {
        Send send = sample::send_of(sample::taken());
        send.id = id;
        send.outcome = Outcome::delivered;
        send.frame.length = 60;
        send.frame.ns = id * 1000;
        send.frame.dev_type = 1;
        send.frame.bytes.assign(60, std::byte{0xab});
        return send;
    }

    static Send dropped(std::uint64_t id) {
        Send send = sent(id);
        send.outcome = Outcome::dropped;
        send.record.flags |= SR_SEND_DROP;
        send.record.drop_reason = 5;
        send.record.drop_location = 0x1000;
        send.reason = "QDISC_DROP";
        return send;
    }

    static Send incompressible(std::uint64_t id) {
        Send send = sent(id);
        std::mt19937_64 random(id);
        for (std::byte& byte : send.frame.bytes) byte = static_cast<std::byte>(random());
        return send;
    }

    static Send without_frame(std::uint64_t id) {
        Send send = sent(id);
        send.frame = {};
        return send;
    }

    // `sends` of them, every tenth dropped and every seventh without a frame; `left_out` more were decoded.
    void write(const RecordingOptions& options, std::uint64_t sends, std::uint64_t left_out = 0) const {
        auto writer = RecordingWriter::create(options);
        ASSERT_TRUE(writer) << writer.error().what;
        const Plan plan = sample::plan();
        const sample::Names names;
        (*writer)->begin(origin(), plan, names);
        sr_socket socket{};
        socket.head = {SR_RECORD_SOCKET, sizeof socket, 0, 0, 1};
        socket.create = {100, 200};
        (*writer)->socket(socket, 1);
        Ending ending;
        ending.ledger.left_out = left_out;
        for (std::uint64_t id = 1; id <= sends; id++) {
            Send send = id % 10 ? sent(id) : dropped(id);
            if (id % 7 == 0) send.frame = {};
            ending.ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
            (*writer)->send(send);
        }
        ending.ledger.decoded_by_outcome[0] += left_out;
        ending.ledger.decoded = ending.ledger.sends.seen = ending.ledger.sends.emitted = sends + left_out;
        (*writer)->complete(ending);
        EXPECT_FALSE((*writer)->error());
    }

    static Result<ReadNotes> read(const std::vector<std::string>& files, Collector& collector) {
        Sink* const sinks[] = {&collector};
        return open_recording(files).and_then(
            [&](RecordingFiles recording) { return replay(std::move(recording), sinks); });
    }

    static std::string bytes_of(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void put_bytes(const std::string& file, std::string_view bytes) {
        std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }

    // Where the entry of each send ends in the bytes of a plain recording.
    static std::vector<std::size_t> ends_of_sends(std::string_view whole) {
        std::vector<std::size_t> ends;
        bool swapped = false;
        for (std::size_t at = 0; at < whole.size();) {
            const auto block = pcapng::take_block(whole.substr(at), swapped);
            if (!block) {
                ADD_FAILURE() << "no block at " << at;
                break;
            }
            at += pcapng::block_length(*block);
            if (block->type != entry_block) continue;
            std::uint32_t length = 0;
            std::memcpy(&length, block->body.data() + entry_magic.size(), sizeof length);
            const auto entry = parse_entry(block->body.substr(entry_magic.size() + sizeof length, length));
            if (entry && std::holds_alternative<Send>(*entry)) ends.push_back(at);
        }
        return ends;
    }

    // What a cut recording must give: its first sends, in order, and nothing that was not in it.
    static void expect_a_beginning(const Collector& collector) {
        for (std::size_t i = 0; i < collector.ids.size(); i++) ASSERT_EQ(collector.ids[i], i + 1);
        EXPECT_LE(collector.begun, 1);
    }

    fs::path folder_;
};

}  // namespace sockray
