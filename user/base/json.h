// JSON, written as it comes: into a buffer, one pass, nothing kept. (A library that builds a tree of values first would
// allocate for every key of every send.) What is opened is closed by the end of its scope, innermost first.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "user/base/format.h"

namespace sockray {

// `text` as a JSON string, quotes included. A byte that is not UTF-8 is the four characters \xNN in it, and a backslash
// \x5c, as in printable(): so no two texts become the same string.
void append_json_string(fmt::memory_buffer& out, std::string_view text);
// The same of what printable() has made: that is escaped once already.
void append_json_printable(fmt::memory_buffer& out, std::string_view text);

class JsonArray;

// Keys need no escaping: they are constants of who writes.
class JsonObject {
  public:
    explicit JsonObject(fmt::memory_buffer& out) : out_(out) { out_.push_back('{'); }
    ~JsonObject() { out_.push_back('}'); }
    JsonObject(const JsonObject&) = delete;
    JsonObject& operator=(const JsonObject&) = delete;

    // The value is to follow, by who has the buffer.
    void key(std::string_view name) { append_all(out_, before_key(), name, "\":"); }
    JsonObject object(std::string_view name) {
        key(name);
        return JsonObject(out_);
    }
    JsonArray array(std::string_view name);

    void text(std::string_view name, std::string_view value) {
        key(name);
        append_json_string(out_, value);
    }
    // A constant of who writes, which needs no escaping.
    [[gnu::always_inline]] void word(std::string_view name, std::string_view value) {
        append_all(out_, before_key(), name, "\":\"", value, "\"");
    }
    void boolean(std::string_view name, bool value) {
        append_all(out_, before_key(), name, value ? "\":true" : "\":false");
    }
    template <std::integral Integer>
    requires(!std::same_as<Integer, bool>)  // boolean()
        [[gnu::always_inline]] void number(std::string_view name, Integer value) {
        append_all(out_, before_key(), name, "\":", view(fmt::format_int(value)));
    }
    template <std::integral Integer>
    void number(std::string_view name, std::optional<Integer> value) {
        if (value)
            number(name, *value);
        else
            null(name);
    }
    // Fields as another object has written them: what stood between its braces.
    void fields(std::string_view written) {
        append_all(out_, first_ ? "" : ",", written);
        first_ = false;
    }
    // With so many significant digits.
    void real(std::string_view name, double value, int digits = 6);
    // A time in ns, 0: not seen, null.
    [[gnu::always_inline]] void time(std::string_view name, std::uint64_t ns) {
        if (ns)
            number(name, ns);
        else
            null(name);
    }
    [[gnu::always_inline]] void null(std::string_view name) { append_all(out_, before_key(), name, "\":null"); }

  private:
    std::string_view before_key() {
        const std::string_view text = first_ ? "\"" : ",\"";
        first_ = false;
        return text;
    }

    fmt::memory_buffer& out_;
    bool first_ = true;
};

class JsonArray {
  public:
    explicit JsonArray(fmt::memory_buffer& out) : out_(out) { out_.push_back('['); }
    ~JsonArray() { out_.push_back(']'); }
    JsonArray(const JsonArray&) = delete;
    JsonArray& operator=(const JsonArray&) = delete;

    JsonObject object() {
        separate();
        return JsonObject(out_);
    }
    void text(std::string_view value) {
        separate();
        append_json_string(out_, value);
    }
    void number(std::uint64_t value) {
        separate();
        append_all(out_, view(fmt::format_int(value)));
    }

  private:
    void separate() {
        if (!first_) out_.push_back(',');
        first_ = false;
    }

    fmt::memory_buffer& out_;
    bool first_ = true;
};

inline JsonArray JsonObject::array(std::string_view name) {
    key(name);
    return JsonArray(out_);
}

}  // namespace sockray
