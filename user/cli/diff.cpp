// sockray diff: two recordings held against each other.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <memory>

#include "user/analyze/comparison.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/verbs.h"
#include "user/record/reader.h"
#include "user/report/diff_json.h"
#include "user/report/diff_text.h"

namespace sockray {
namespace {

Result<RecordingFiles> open_one(const std::string& file) {
    const std::string files[] = {file};
    return open_recording(files);
}

Status read_into(Profile& profile, RecordingFiles recording) {
    Sink* const sinks[] = {&profile};
    const auto notes = replay(std::move(recording), sinks);
    if (!notes) return tl::unexpected(notes.error());
    for (const std::string& words : notes->words) say(words);
    return {};
}

}  // namespace

int diff(const DiffOptions& options) {
    auto first = open_one(options.a);
    if (!first) return say_error(first.error());
    auto second = open_one(options.b);
    if (!second) return say_error(second.error());
    if (options.a == "-" && options.b == "-")
        return say_error(usage("standard input cannot be both recordings", "give one of them as a file").value());
    drop_privileges();  // a recording may be anybody's
    Profile a;
    Profile b;
    if (const Status read = read_into(a, std::move(*first)); !read) return say_error(read.error());
    if (const Status read = read_into(b, std::move(*second)); !read) return say_error(read.error());
    for (const auto& [name, profile] : {std::pair{&options.a, &a}, std::pair{&options.b, &b}})
        if (profile->sends() == 0)
            return say_error(
                Error{ErrorKind::failed, printable(*name) + " has no sends: there is nothing to compare", ""});
    const Comparison comparison = compare(a, b, static_cast<double>(options.tolerance) / 100);
    Output out(STDOUT_FILENO);
    if (options.json)
        append_diff_json(out.buffer(), comparison, a, b);
    else
        append_diff_text(out.buffer(), comparison, a, b, style_of(STDOUT_FILENO));
    out.flush();
    return say_output_error(out) || comparison.changed() ? exit_failed : exit_done;
}

void add_diff(CLI::App& app, Action& action) {
    const auto options = std::make_shared<DiffOptions>();
    CLI::App& verb = *app.add_subcommand("diff", "two recordings: did the path change, did a stage get slower");
    verb.add_option("A", options->a, "the recording before")->required();
    verb.add_option("B", options->b, "the recording after; - is standard input")->required();
    constexpr std::uint64_t most = 100'000;
    add_number(verb, "--tolerance", options->tolerance, "a stage may get slower by so much", 0, most)
        ->type_name("PERCENT")
        ->default_str(std::to_string(options->tolerance));
    verb.add_flag("--json", options->json, "one JSON object for each thing that was compared");
    verb.footer(diff_footer);
    verb.callback([options, &action] { action = [options] { return diff(*options); }; });
}

}  // namespace sockray
