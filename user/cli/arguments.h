// What the verbs' command lines are made of: options whose text is parsed here and never converted on the way.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "user/base/result.h"
#include "user/cli/numbers.h"
#include "user/cli/verbs.h"

namespace sockray {

// What an option's text becomes: the T of std::optional<T> too.
template <typename T>
struct Held {
    using Type = T;
};
template <typename T>
struct Held<std::optional<T>> {
    using Type = T;
};

// Takes the text as it stands, so that nothing is converted, wrapped or cut off on the way.
template <typename Parse, typename T>
CLI::Option* add_parsed(CLI::App& verb, const std::string& name, T& value, const std::string& help, Parse parse) {
    return verb.add_option_function<std::string>(
        name,
        [&value, name, parse](const std::string& text) {
            const auto parsed = parse(text);
            if (!parsed)
                throw CLI::ValidationError(name.substr(name.rfind(',') + 1),
                                           parsed.error().remedy.empty()
                                               ? parsed.error().what
                                               : parsed.error().what + "; " + parsed.error().remedy);
            if constexpr (std::is_same_v<decltype(*parsed), const T&>)
                value = *parsed;
            else
                value = static_cast<typename Held<T>::Type>(*parsed);
        },
        help);
}

template <typename T>
CLI::Option* add_number(CLI::App& verb, const std::string& name, T& value, const std::string& help,
                        std::uint64_t least = 1, std::uint64_t most = std::numeric_limits<T>::max()) {
    return add_parsed(verb, name, value, help,
                      [least, most](const std::string& text) { return parse_number(text, least, most); });
}

// One of a few words.
template <typename T>
CLI::Option* add_choice(CLI::App& verb, const std::string& name, T& value, const std::string& help,
                        const std::map<std::string, T>& choices) {
    return add_parsed(verb, name, value, help, [choices](const std::string& text) -> Result<T> {
        const auto found = choices.find(text);
        if (found != choices.end()) return found->second;
        std::string words;
        for (const auto& [word, unused] : choices) words += (words.empty() ? "" : ", ") + word;
        return usage("'" + text + "' is none of: " + words);
    });
}

// An empty text is most likely a variable that a script forgot to set, and would mean no filter at all.
CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& value, const std::string& help);

// The words of a pcap-filter(7) expression, anywhere between the options, as with tcpdump; a space goes between them.
// `help`: what it selects, before what it is.
void add_expression(CLI::App& verb, std::string& expression, const std::string& name = "expression",
                    const std::string& help = "only sends whose frame matches: ");

// --outcome
CLI::Option* add_outcome_option(CLI::App& verb, OutcomeSet& outcomes);

// --btf
CLI::Option* add_btf_option(CLI::App& verb, std::string& file);

// --in-flight
CLI::Option* add_in_flight_option(CLI::App& verb, std::uint32_t& in_flight);

// Those of TracingOptions: what run, trace, top and compare-methods share. Returns them all.
std::vector<CLI::Option*> add_tracing_options(CLI::App& verb, TracingOptions& options);
CLI::Option* add_calibrate_option(CLI::App& verb, TracingOptions& options);
CLI::Option* add_without_hooks_option(CLI::App& verb, bool& without_hooks);

// FILE...: a recording
void add_recording_files(CLI::App& verb, std::vector<std::string>& files);

// -w, -s, -C, -G, -W
void add_record_options(CLI::App& verb, RecordOptions& options);

}  // namespace sockray
