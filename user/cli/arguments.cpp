#include "user/cli/arguments.h"

#include "user/probe/backend.h"

namespace sockray {
namespace {

// The kernel wants a power of two of pages, so it is rounded up.
CLI::Option* add_ring_option(CLI::App& verb, std::uint64_t& bytes) {
    constexpr std::uint64_t most = std::uint64_t{1} << 30;
    return add_parsed(verb, "--ring", bytes, "size of the ring buffer, e.g. 64K, 8M; rounded up to a power of two",
                      [](const std::string& text) { return parse_size(text, 1, most); })
        ->type_name("SIZE")
        ->default_str("8M");
}

CLI::Option* add_backend_option(CLI::App& verb, std::optional<Backend>& backend) {
    static const std::map<std::string, std::optional<Backend>> choices{{"auto", std::nullopt},
                                                                       {"fentry", Backend::fentry},
                                                                       {"kprobe", Backend::kprobe},
                                                                       {"kprobe-multi", Backend::kprobe_multi}};
    return add_choice(verb, "--backend", backend, "kind of hook: kprobe, kprobe-multi, fentry; auto takes the cheapest",
                      choices)
        ->type_name("KIND")
        ->default_str("auto");
}

}  // namespace

CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& value, const std::string& help) {
    return add_parsed(verb, name, value, help, [](const std::string& text) -> Result<std::string> {
        if (text.empty()) return usage("a name is needed, not an empty text");
        return text;
    });
}

void add_expression(CLI::App& verb, std::string& expression, const std::string& name, const std::string& help) {
    verb.add_option_function<std::vector<std::string>>(
            name,
            [&expression, name](const std::vector<std::string>& words) {
                for (const std::string& word : words) expression += (expression.empty() ? "" : " ") + word;
                if (expression.find_first_not_of(' ') == std::string::npos)
                    throw CLI::ValidationError(name, "a filter is needed, not an empty text");
            },
            help + "pcap-filter(7), as tcpdump takes it.\nNames are never looked up by DNS")
        ->type_name("");
}

CLI::Option* add_outcome_option(CLI::App& verb, OutcomeSet& outcomes) {
    return add_parsed(
               verb, "--outcome", outcomes,
               "show and record only sends that ended so: delivered, dropped, failed,\nqueued, unknown, with commas "
               "between them; the sums are of all",
               [](const std::string& text) { return parse_outcomes(text); })
        ->type_name("LIST");
}

CLI::Option* add_btf_option(CLI::App& verb, std::string& file) {
    return add_text(verb, "--btf", file,
                    "the kernel's types, where it has none of its own: BTF, or a vmlinux with .BTF")
        ->type_name("FILE");
}

CLI::Option* add_in_flight_option(CLI::App& verb, std::uint32_t& in_flight) {
    return add_number(verb, "--in-flight", in_flight, "frames that can be followed at once behind their sends' return",
                      1, 1U << 22)
        ->type_name("N")
        ->default_str(std::to_string(in_flight));
}

std::vector<CLI::Option*> add_tracing_options(CLI::App& verb, TracingOptions& options) {
    CLI::Option* stages = add_parsed(verb, "--stages", options.stages,
                                     "what is hooked: chain, device, full, or names of stages (see doctor)",
                                     [](const std::string& text) { return parse_stages(text); })
                              ->type_name("SET")
                              ->default_str("chain");
    CLI::Option* in_flight = add_in_flight_option(verb, options.in_flight);
    CLI::Option* backend = add_backend_option(verb, options.backend);
    CLI::Option* btf = add_btf_option(verb, options.btf);
    return {stages, in_flight, backend, btf, add_ring_option(verb, options.ring_bytes)};
}

CLI::Option* add_calibrate_option(CLI::App& verb, TracingOptions& options) {
    return verb.add_flag("--no-calibrate", options.no_calibrate,
                         "do not measure at the start what tracing adds to a send");
}

CLI::Option* add_without_hooks_option(CLI::App& verb, bool& without_hooks) {
    return verb.add_flag("--without-hooks", without_hooks,
                         "in the summary also the medians without the hooks' own share, an\nestimate");
}

void add_recording_files(CLI::App& verb, std::vector<std::string>& files) {
    verb.add_option("FILE", files,
                    "the recording; several files of one session (-C, -G) in their order; - is\nstandard input")
        ->required();
}

void add_record_options(CLI::App& verb, RecordOptions& options) {
    const char* group = "Recording";
    constexpr std::uint64_t most_bytes = std::uint64_t{1} << 50;
    constexpr std::uint64_t most_seconds = 366ULL * 24 * 3600;
    CLI::Option* write =
        add_text(verb, "-w,--write", options.write,
                 "record sends and frames into FILE, a pcapng; - is standard\noutput; what ends in .zst "
                 "is compressed")
            ->type_name("FILE");
    CLI::Option* snaplen =
        add_number(verb, "-s,--snapshot-length", options.snaplen, "of each frame the first so many bytes", 1, 262144)
            ->type_name("N")
            ->default_str("262144");
    CLI::Option* bytes =
        add_parsed(
            verb, "-C", options.rotation.bytes,
            "a new file, FILE1, FILE2 ..., when one has so many million bytes,\nor with K, M or G behind it KiB, "
            "MiB or GiB",
            [](const std::string& text) -> Result<std::uint64_t> {
                if (const auto millions = parse_number(text, 1, most_bytes / 1'000'000)) return *millions * 1'000'000;
                return parse_size(text, 1, most_bytes);
            })
            ->type_name("SIZE");
    CLI::Option* seconds =
        add_number(verb, "-G", options.rotation.seconds,
                   "a new file every so many seconds; FILE may hold strftime(3)'s %H and the\nlike; a name "
                   "that came before gets a number",
                   1, most_seconds)
            ->type_name("S");
    CLI::Option* files = add_number(verb, "-W", options.rotation.files,
                                    "with -C: only so many files, each new one in place of the oldest; with\n-G alone: "
                                    "end with the last",
                                    1, 1'000'000)
                             ->type_name("N");
    files->each([bytes, seconds](const std::string&) {
        if (!bytes->count() && !seconds->count()) throw CLI::RequiresError("-W", "-C or -G");
    });
    for (CLI::Option* option : {write, snaplen, bytes, seconds, files}) option->group(group);
    for (CLI::Option* option : {snaplen, bytes, seconds, files}) option->needs(write);
}

}  // namespace sockray
