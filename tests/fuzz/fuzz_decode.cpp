// Bytes of the ring, all the way to a line of JSON: no bytes crash anything, and every line parses.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "user/correlate/explain.h"
#include "user/correlate/flights.h"
#include "user/correlate/outcome.h"
#include "user/decode/decode.h"
#include "user/live/json_lines.h"

namespace sockray {
namespace {

// Names as hostile as the bytes: what the kernel's symbols are is no promise of this layer.
class Names : public KernelNames {
  public:
    std::string symbol(std::uint64_t address) const override {
        std::string name(reinterpret_cast<const char*>(&address), sizeof address);
        return address == 0 ? "0" : name;
    }
    std::string drop_reason(std::uint32_t number) const override { return "reason " + std::to_string(number); }
};

Plan plan_of(unsigned kind) {
    Plan plan;
    for (const StageInfo& info : all_stages)
        plan.lines.push_back(
            {info.stage, static_cast<Evidence>((kind + static_cast<unsigned>(info.stage)) % 4), "", 0, "none", ""});
    return plan;
}

void require(bool holds, const char* what, const fmt::memory_buffer& line) {
    if (holds) return;
    std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(line.size()), line.data());
    std::abort();
}

void show_send(fmt::memory_buffer& line, JsonLines& json, Send send, const Plan& plan, const Names& names) {
    const Verdict verdict = judge(send, plan, names);
    send.outcome = verdict.outcome;
    send.end_stage = verdict.stage;
    send.reason = verdict.reason;
    json.send(line, send);
    require(verdict.reason.empty() == (verdict.outcome == Outcome::delivered), "an outcome without a reason", line);
}

// A send whose frame was followed, with this record of what became of it: before the send's own, and behind it.
Send joined(std::uint64_t id, const sr_frame& frame) {
    Send send{.id = id};
    send.record.id = frame.send;
    send.record.flags = SR_SEND_RETURNED | SR_SEND_TRACKED;
    Flights flights(id % 2);
    std::vector<Send> done;
    if (id % 4 < 2) flights.add(frame, done);
    flights.add(std::move(send), done);
    flights.add(frame, done);
    const std::uint64_t under_way[] = {id % 8 < 4 ? frame.send : 0};
    flights.finish(under_way, done);
    if (done.size() != 1) std::abort();
    return std::move(done.front());
}

void show(const Record& record, const Plan& plan) {
    static std::uint64_t id = 0;
    const Names names;
    JsonLines json(plan, names);
    fmt::memory_buffer line;
    if (const auto* send = std::get_if<sr_send>(&record)) {
        show_send(line, json, {.id = ++id, .record = *send}, plan, names);
    } else if (const auto* frame = std::get_if<sr_frame>(&record)) {
        show_send(line, json, joined(++id, *frame), plan, names);
    } else if (const auto* socket = std::get_if<sr_socket>(&record)) {
        explain_creation(*socket);
        json.socket(line, *socket, ++id);
    } else {
        return;
    }
    require(line.size() > 0 && line[line.size() - 1] == '\n', "no line", line);
    require(std::memchr(line.data(), '\n', line.size() - 1) == nullptr, "more than a line", line);
    require(nlohmann::json::accept(line.data(), line.data() + line.size()), "no JSON", line);
}

void one_input(std::span<const std::byte> bytes) {
    const auto plain = decode(bytes);
    static const Plan plans[] = {plan_of(0), plan_of(1), plan_of(2), plan_of(3), Plan{}};
    if (plain) show(*plain, plans[0]);

    // Random bytes hardly ever guess a head: the first byte chooses one, the rest is the record.
    if (bytes.empty()) return;
    const auto choice = static_cast<unsigned>(bytes[0]);
    constexpr std::pair<std::uint32_t, std::size_t> types[] = {
        {SR_RECORD_SOCKET, sizeof(sr_socket)}, {SR_RECORD_SEND, SR_SEND_LONG},  {SR_RECORD_FRAME, sizeof(sr_frame)},
        {SR_RECORD_SEND, SR_SEND_SHORT},       {SR_RECORD_SEND, SR_SEND_OUTER}, {SR_RECORD_SEND, SR_SEND_FRAME}};
    const auto [type, size] = types[choice % std::size(types)];
    std::vector<std::byte> record(size);
    const std::size_t body = std::min(bytes.size() - 1, size - sizeof(sr_head));
    std::memcpy(record.data() + sizeof(sr_head), bytes.data() + 1, body);
    const sr_head head{type, static_cast<std::uint32_t>(size), 0, 0, 0};
    std::memcpy(record.data(), &head, sizeof head);
    const auto whole = decode(record);
    if (!whole && whole.error().empty()) std::abort();
    if (whole) show(*whole, plans[choice / std::size(types) % std::size(plans)]);
}

}  // namespace
}  // namespace sockray

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sockray::one_input(std::as_bytes(std::span(data, size)));
    return 0;
}
