// sockray diff: two recordings held against each other.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

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

// Which files are before, and which after. `behind`: what stands behind --.
Status take_sides(DiffOptions& options, const std::vector<std::string>& files, const std::vector<std::string>& behind) {
    options.a = files;
    options.b = behind;
    if (behind.empty() && files.size() == 2) {
        options.a.pop_back();
        options.b = {files.back()};
    }
    if (options.a.empty() || options.b.empty())
        return usage("which files are the recording before, and which the one after?",
                     "two recordings: sockray diff A B; where one is in several files: sockray diff A A1 A2 -- B B1");
    if (std::ranges::count(options.a, "-") + std::ranges::count(options.b, "-") > 1)
        return usage("standard input cannot be both recordings", "give one of them as a file");
    return {};
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
    auto first = open_recording(options.a);
    if (!first) return say_error(first.error());
    auto second = open_recording(options.b);
    if (!second) return say_error(second.error());
    drop_privileges();  // a recording may be anybody's
    Profile a;
    Profile b;
    if (const Status read = read_into(a, std::move(*first)); !read) return say_error(read.error());
    if (const Status read = read_into(b, std::move(*second)); !read) return say_error(read.error());
    for (const auto& [name, profile] : {std::pair{&options.a, &a}, std::pair{&options.b, &b}})
        if (profile->sends() == 0)
            return say_error(
                Error{ErrorKind::failed, printable(name->front()) + " has no sends: there is nothing to compare", ""});
    const Comparison comparison = compare(a, b, static_cast<double>(options.tolerance) / 100);
    Output out(STDOUT_FILENO);
    if (options.json)
        append_diff_json(out.buffer(), comparison, a, b);
    else
        append_diff_text(out.buffer(), comparison, a, b, style_of(STDOUT_FILENO));
    out.flush();
    return say_output_error(out) || comparison.changed() ? exit_failed : exit_done;
}

void add_diff(CLI::App& app, Action& action, const std::vector<std::string>& behind) {
    const auto options = std::make_shared<DiffOptions>();
    const auto files = std::make_shared<std::vector<std::string>>();
    CLI::App& verb = *app.add_subcommand("diff",
                                         "two recordings: did the path change, did a stage get slower:\n"
                                         "  sockray diff [OPTIONS] A B\n"
                                         "  sockray diff [OPTIONS] A... -- B...");
    verb.add_option("FILE", *files,
                    "the recording before, and the one after; -- stands between them where one is\n"
                    "in several files (-C, -G), which are given in their order; - is standard input");
    constexpr std::uint64_t most = 100'000;
    add_number(verb, "--tolerance", options->tolerance, "a stage may get slower by so much", 0, most)
        ->type_name("PERCENT")
        ->default_str(std::to_string(options->tolerance));
    verb.add_flag("--json", options->json, "one JSON object for each thing that was compared");
    verb.footer(diff_footer);
    verb.callback([options, files, &action, &behind] {
        const Status sides = take_sides(*options, *files, behind);
        action = [options, sides] { return sides ? diff(*options) : say_error(sides.error()); };
    });
}

}  // namespace sockray
