#include "tests/vm/records.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <mutex>
#include <set>
#include <unordered_map>

namespace sockray::vm {
namespace {

// One copy of each name, however many sends have it. Each thread remembers where the copy is.
std::string_view interned(const std::string& text) {
    static std::mutex mutex;
    static std::set<std::string> names;
    thread_local std::unordered_map<std::string, std::string_view> known;
    std::string_view& name = known[text];
    if (name.data() == nullptr) {
        const std::lock_guard lock(mutex);
        name = *names.insert(text).first;
    }
    return name;
}

// Fills a SendLine while nlohmann's parser walks a line, without making a tree of it.
class SendReader : public nlohmann::json_sax<Json> {
  public:
    explicit SendReader(SendLine& send) : send_(send) {}

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_float(double, const std::string&) override { return true; }
    bool binary(binary_t&) override { return false; }
    bool number_integer(std::int64_t value) override {
        if (key_ == "ret") send_.ret = value;
        return true;
    }
    bool number_unsigned(std::uint64_t value) override {
        depth_ == 1 ? top(value) : nested(value);
        return true;
    }
    bool string(std::string& text) override {
        depth_ == 1 ? top(text) : nested(text);
        return true;
    }
    bool key(std::string& text) override {
        key_.swap(text);
        return true;
    }
    bool start_object(std::size_t) override {
        if (++depth_ == 2) send_.stages.emplace_back();
        return true;
    }
    bool end_object() override {
        depth_--;
        return true;
    }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  private:
    void top(std::uint64_t value) {
        if (key_ == "id")
            send_.id = value;
        else if (key_ == "ts")
            send_.ts = value;
        else if (key_ == "pid")
            send_.pid = value;
        else if (key_ == "tid")
            send_.tid = value;
        else if (key_ == "len")
            send_.len = value;
        else if (key_ == "ret")
            send_.ret = static_cast<std::int64_t>(value);
        else if (key_ == "errno")
            send_.err = static_cast<std::int64_t>(value);
        else if (key_ == "cookie")
            send_.cookie = value;
        else if (key_ == "socket_ino")
            send_.socket_ino = value;
        else if (key_ == "ring_frame")
            send_.ring_frame = value;
        else if (key_ == "wait_errno")
            send_.wait_errno = value;
        else if (key_ == "frame_ns")
            send_.frame_ns = value;
        else if (key_ == "segments")
            send_.segments = value;
        else if (key_ == "segments_delivered")
            send_.segments_delivered = value;
        else if (key_ == "receivers")
            send_.receivers = value;
        else if (key_ == "receiver_ino")
            send_.receiver_ino = value;
    }
    void top(std::string& text) {
        if (key_ == "comm")
            send_.comm.swap(text);
        else if (key_ == "entry")
            send_.entry.swap(text);
        else if (key_ == "ifname")
            send_.ifname.swap(text);
        else if (key_ == "outcome")
            send_.outcome.swap(text);
        else if (key_ == "reason")
            send_.reason.swap(text);
        else if (key_ == "end_stage")
            send_.end_stage.swap(text);
        else if (key_ == "sendmsg")
            send_.sendmsg.swap(text);
        else if (key_ == "drop_reason")
            send_.drop_reason.swap(text);
        else if (key_ == "driver")
            send_.driver.swap(text);
        else if (key_ == "qdisc")
            send_.qdisc.swap(text);
        else if (key_ == "received")
            send_.received.swap(text);
        else if (key_ == "freed")
            send_.freed.swap(text);
    }
    void nested(std::uint64_t value) {
        if (send_.stages.empty()) return;
        if (key_ == "start")
            send_.stages.back().start = value;
        else if (key_ == "end")
            send_.stages.back().end = value;
    }
    void nested(const std::string& text) {
        if (send_.stages.empty()) return;
        if (key_ == "name")
            send_.stages.back().name = interned(text);
        else if (key_ == "evidence")
            send_.stages.back().evidence = interned(text);
    }

    SendLine& send_;
    std::string key_;
    int depth_ = 0;
};

void read_line(Recording& recording, std::string_view line) {
    if (line.starts_with(R"({"type":"send",)")) {
        SendLine send;
        SendReader reader(send);
        if (Json::sax_parse(line, &reader))
            recording.sends.push_back(std::move(send));
        else
            recording.bad_lines.emplace_back(line);
        return;
    }
    Json json = Json::parse(line, nullptr, false);
    const std::string type = json.is_object() ? json.value("type", "") : "";
    if (type == "plan")
        recording.plan.push_back(std::move(json));
    else if (type == "socket")
        recording.sockets.push_back(std::move(json));
    else if (type == "summary" && !recording.summary)
        recording.summary = std::move(json);
    else
        recording.bad_lines.emplace_back(line);
}

}  // namespace

const StageTimes* SendLine::stage(std::string_view name) const {
    for (const StageTimes& stage : stages)
        if (stage.name == name) return &stage;
    return nullptr;
}

Json Recording::plan_of(std::string_view stage) const {
    for (const Json& line : plan)
        if (line.value("stage", "") == stage) return line;
    return nullptr;
}

std::vector<SendLine> Recording::sends_of(std::string_view comm) const {
    std::vector<SendLine> found;
    for (const SendLine& send : sends)
        if (send.comm == comm) found.push_back(send);
    // Lines come as the frames' ends are known, ids as the sends returned.
    std::ranges::sort(found, {}, &SendLine::id);
    return found;
}

std::vector<Json> Recording::sockets_of(std::string_view comm) const {
    std::vector<Json> found;
    for (const Json& socket : sockets)
        if (socket.value("comm", "") == comm) found.push_back(socket);
    return found;
}

std::uint64_t Recording::total(const std::string& key) const {
    constexpr std::uint64_t none = ~std::uint64_t{0};
    if (!summary || !summary->contains(key) || !(*summary)[key].is_number()) return none;
    return (*summary)[key].get<std::uint64_t>();
}

std::uint64_t Recording::lost(const std::string& key) const {
    return summary ? summary->at("lost").at(key).get<std::uint64_t>() : 0;
}

std::uint64_t Recording::all_lost() const {
    return lost("no_room") + lost("missed") + lost("map_full") + lost("rejected");
}

namespace {

Recording parse_part(std::string_view json_lines) {
    Recording recording;
    while (!json_lines.empty()) {
        const std::size_t end = json_lines.find('\n');
        if (end == std::string_view::npos) {
            recording.bad_lines.emplace_back(json_lines);  // the last line has no newline: cut off
            break;
        }
        read_line(recording, json_lines.substr(0, end));
        json_lines.remove_prefix(end + 1);
    }
    return recording;
}

template <typename T>
void append(std::vector<T>& to, std::vector<T>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

// The second half is read by a thread of its own.
Recording parse(std::string_view json_lines) {
    const std::size_t newline = json_lines.find('\n', json_lines.size() / 2);
    const std::size_t half = newline == std::string_view::npos ? json_lines.size() : newline + 1;
    auto rest = std::async(std::launch::async, parse_part, json_lines.substr(half));
    Recording recording = parse_part(json_lines.substr(0, half));
    Recording second = rest.get();
    append(recording.plan, second.plan);
    append(recording.sockets, second.sockets);
    append(recording.sends, second.sends);
    append(recording.bad_lines, second.bad_lines);
    if (!recording.summary) recording.summary = std::move(second.summary);
    return recording;
}

std::string imbalance(const Recording& recording) {
    if (!recording.summary) return "there is no summary";
    const auto total = [&](const char* key) { return recording.total(key); };
    const std::uint64_t outcomes =
        total("delivered") + total("dropped") + total("failed") + total("queued") + total("unknown");
    const std::uint64_t seen = total("decoded") + recording.all_lost();
    const Json& frames = recording.summary->at("frames");
    const auto events = [&](const char* key) { return frames.at(key).get<std::uint64_t>(); };
    const bool sends = total("attempted") == outcomes && total("seen") == seen && total("attempted") == total("seen");
    const bool sockets = total("sockets_seen") == total("sockets_decoded") + total("sockets_lost");
    if (sends && sockets && events("seen") == events("decoded") + events("no_room") + events("rejected")) return "";
    return recording.summary->dump();
}

}  // namespace sockray::vm
