// sockray report: what a recording tells.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "user/analyze/findings/findings.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/verbs.h"
#include "user/live/views.h"
#include "user/record/reader.h"
#include "user/report/findings_json.h"
#include "user/report/findings_text.h"
#include "user/report/summary_text.h"

namespace sockray {
namespace {

// Writes out what the sinks before it have appended.
class Flusher : public Sink {
  public:
    explicit Flusher(Output& out) : out_(out) {}
    void socket(const sr_socket&, std::uint64_t) override { out_.flush_if_large(); }
    void send(const Send&) override { out_.flush_if_large(); }

  private:
    Output& out_;
};

}  // namespace

int report(const ReportOptions& options) {
    Output out(STDOUT_FILENO);
    const Style style = style_of(STDOUT_FILENO);
    const View shown = options.json    ? View::json
                       : options.lines ? View::lines
                       : options.tree  ? View::tree
                                       : View::totals;
    const auto view = make_view(shown, out.buffer(), style);
    Summary summary;
    Findings findings;
    Flusher flusher(out);
    const std::vector<Sink*> sinks{view.get(), &summary, &findings, &flusher};
    const auto notes = replay(options.files, sinks);
    if (!notes) return say_error(notes.error());
    if (options.json) {
        append_findings_json(out.buffer(), findings.result());
    } else {
        append_findings_text(out.buffer(), findings, style);
        summary.append_text(out.buffer(), style);
    }
    out.flush();
    for (const std::string& words : notes->words) say(words);
    return say_output_error(out) ? exit_failed : exit_done;
}

void add_report(CLI::App& app, Action& action) {
    const auto options = std::make_shared<ReportOptions>();
    CLI::App& verb = *app.add_subcommand("report", "what a recording tells: as text, JSON, pictures");
    add_recording_files(verb, options->files);
    CLI::Option* json =
        verb.add_flag("--json", options->json, "plan, sockets, sends and summary, one JSON object each");
    CLI::Option* lines = verb.add_flag("--lines", options->lines, "each send as a line, as trace shows it");
    CLI::Option* tree = verb.add_flag("--tree", options->tree, "each send as a tree of stages with their times");
    json->excludes(lines)->excludes(tree);
    lines->excludes(tree);
    verb.footer(report_footer);
    verb.callback([options, &action] { action = [options] { return report(*options); }; });
}

}  // namespace sockray
