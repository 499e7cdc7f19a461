// sockray diagnose: what stands out in a recording, in words.
#include <unistd.h>

#include <memory>

#include "user/analyze/findings/findings.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/verbs.h"
#include "user/record/reader.h"
#include "user/report/findings_json.h"
#include "user/report/findings_text.h"
#include "user/report/untraced.h"

namespace sockray {

int diagnose(const DiagnoseOptions& options) {
    Findings findings;
    Sink* const sinks[] = {&findings};
    auto recording = open_recording(options.files);
    if (!recording) return say_error(recording.error());
    drop_privileges();  // a recording may be anybody's
    const auto notes = replay(std::move(*recording), sinks);
    if (!notes) return say_error(notes.error());
    if (const auto frames = findings.untraced_frames()) {
        for (const std::string& words : notes->words) say(words);
        return say_error(no_sends_traced(options.files.front(), *frames));
    }
    Output out(STDOUT_FILENO);
    if (options.json) {
        append_findings_json(out.buffer(), findings.result());
        append_looked_at_json(out.buffer(), findings.looked());
    } else {
        append_findings_text(out.buffer(), findings, style_of(STDOUT_FILENO));
    }
    out.flush();
    for (const std::string& words : notes->words) say(words);
    return say_output_error(out) ? exit_failed : exit_done;
}

void add_diagnose(CLI::App& app, Action& action) {
    const auto options = std::make_shared<DiagnoseOptions>();
    CLI::App& verb = *app.add_subcommand("diagnose", "what stands out in a recording, why, and what to try");
    add_recording_files(verb, options->files);
    verb.add_flag("--json", options->json, "one JSON object a finding, and one of what was looked at");
    verb.footer(diagnose_footer);
    verb.callback([options, &action] { action = [options] { return diagnose(*options); }; });
}

}  // namespace sockray
