// Fields of JSON objects that come again and again with the same values: written once for each set of values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "user/base/json.h"

namespace sockray {

// `Key`: all that the fields are made of; can be compared.
template <typename Key>
class RepeatedFields {
  public:
    // What `put(JsonObject&)` writes for this key. Kept for each `number`, up to a few: that of who has the fields in
    // common. Until the next call.
    template <typename Put>
    const std::string& of(std::uint64_t number, const Key& key, const Put& put) {
        Kept& kept = kept_[number % kept_.size()];
        if (kept.text.empty() || !(kept.key == key)) kept = {key, text_of(put)};
        return kept.text;
    }

  private:
    struct Kept {
        Key key{};
        std::string text;
    };

    template <typename Put>
    static std::string text_of(const Put& put) {
        fmt::memory_buffer out;
        {
            JsonObject object(out);
            put(object);
        }
        return std::string(view(out).substr(1, out.size() - 2));  // without the braces
    }

    std::array<Kept, 16> kept_;
};

}  // namespace sockray
