// Bytes of the ring, all the way to a line of JSON: no bytes crash anything, and every line parses.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

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

void show(const Record& record, const Plan& plan) {
    static std::uint64_t id = 0;
    const Names names;
    JsonLines json(plan, names);
    fmt::memory_buffer line;
    if (const auto* send = std::get_if<sr_send>(&record)) {
        const Verdict verdict = judge(*send, plan, names);
        json.send(line, {++id, *send, verdict.outcome, verdict.stage, verdict.reason, std::nullopt});
        require(verdict.reason.empty() == (verdict.outcome == Outcome::delivered), "an outcome without a reason", line);
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
    const std::size_t size = choice % 2 ? sizeof(sr_send) : sizeof(sr_socket);
    std::vector<std::byte> record(size);
    const std::size_t body = std::min(bytes.size() - 1, size - sizeof(sr_head));
    std::memcpy(record.data() + sizeof(sr_head), bytes.data() + 1, body);
    const std::uint32_t type = choice % 2 ? SR_RECORD_SEND : SR_RECORD_SOCKET;
    const sr_head head{type, static_cast<std::uint32_t>(size), 0, 0, 0};
    std::memcpy(record.data(), &head, sizeof head);
    const auto whole = decode(record);
    if (!whole && whole.error().empty()) std::abort();
    if (whole) show(*whole, plans[choice / 2 % std::size(plans)]);
}

}  // namespace
}  // namespace sockray

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sockray::one_input(std::as_bytes(std::span(data, size)));
    return 0;
}
