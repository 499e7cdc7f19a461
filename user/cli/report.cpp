// sockray report: what a recording tells.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "user/analyze/findings/findings.h"
#include "user/base/format.h"
#include "user/base/same_file.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/flusher.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/replaced_file.h"
#include "user/cli/verbs.h"
#include "user/live/views.h"
#include "user/record/reader.h"
#include "user/report/csv.h"
#include "user/report/findings_json.h"
#include "user/report/findings_text.h"
#include "user/report/flame_svg.h"
#include "user/report/folded.h"
#include "user/report/html/page.h"
#include "user/report/summary_text.h"
#include "user/report/timeline_chrome.h"
#include "user/report/timeline_perfetto.h"
#include "user/report/untraced.h"

namespace sockray {
namespace {

// A report that goes into a file of its own.
class FileReport {
  public:
    template <typename Report>
    static Result<std::unique_ptr<FileReport>> create(const std::string& path, const RecordingFiles& recording) {
        auto target = ReplacedFile::open(path);
        if (!target) return tl::unexpected(target.error());
        if (recording.contain((*target)->target()))
            return usage(fmt::format("{} is the recording: the report would overwrite it", printable(path)));
        auto file = std::unique_ptr<FileReport>(new FileReport(path, std::move(*target)));
        file->report_ = std::make_unique<Report>(file->out_.buffer());
        return file;
    }

    void add_to(std::vector<Sink*>& sinks) {
        sinks.push_back(report_.get());
        sinks.push_back(&flusher_);
    }

    // As which it was created.
    template <typename Report>
    Report& report() {
        return static_cast<Report&>(*report_);
    }

    // Behind the last event; without it the file is as it was before. False, and said so, where it could not be
    // written.
    bool finish() {
        out_.flush();
        const int error = out_.error() ? out_.error() : target_->finish();
        if (error == 0) return true;
        say(fmt::format("cannot write to {}: {}", path_ == "-" ? "standard output" : printable(path_),
                        errno_text(error)));
        return false;
    }

  private:
    FileReport(std::string path, std::unique_ptr<ReplacedFile> target)
        : path_(std::move(path)), target_(std::move(target)), out_(target_->fd()) {}
    std::string path_;
    std::unique_ptr<ReplacedFile> target_;
    Output out_;
    Flusher flusher_{out_};
    std::unique_ptr<Sink> report_;
};

using FileReports = std::vector<std::unique_ptr<FileReport>>;

template <typename Report>
Status add_file(FileReports& files, const std::string& path, const RecordingFiles& recording) {
    if (path.empty()) return {};
    auto file = FileReport::create<Report>(path, recording);
    if (!file) return tl::unexpected(file.error());
    files.push_back(std::move(*file));
    return {};
}

// The page has the findings too: theirs is the end before its own.
Status add_page(FileReports& files, const std::string& path, const RecordingFiles& recording,
                const Findings& findings) {
    if (path.empty()) return {};
    auto file = FileReport::create<HtmlPage>(path, recording);
    if (!file) return tl::unexpected(file.error());
    (*file)->report<HtmlPage>().set_findings([&findings] { return findings.result(); },
                                             [&findings] { return findings.looked(); });
    files.push_back(std::move(*file));
    return {};
}

Result<FileReports> open_files(const ReportOptions& options, const RecordingFiles& recording,
                               const Findings& findings) {
    FileReports files;
    const bool chrome = options.timeline.ends_with(".json");
    const Status opened =
        add_file<ChromeTimeline>(files, chrome ? options.timeline : "", recording)
            .and_then([&] { return add_file<PerfettoTimeline>(files, chrome ? "" : options.timeline, recording); })
            .and_then([&] { return add_file<Folded>(files, options.folded, recording); })
            .and_then([&] { return add_file<FlameSvg>(files, options.flame, recording); })
            .and_then([&] { return add_page(files, options.html, recording, findings); });
    if (!opened) return tl::unexpected(opened.error());
    return files;
}

// What each report goes to is its own. Errors: two go to one file.
Status check_files(const ReportOptions& options) {
    std::vector<std::pair<std::string, std::string>> outputs;
    for (const auto& [option, path] : {std::pair{"--html", &options.html}, std::pair{"--timeline", &options.timeline},
                                       std::pair{"--flame", &options.flame}, std::pair{"--folded", &options.folded}})
        if (!path->empty()) outputs.emplace_back(option, *path);
    const std::string text = options.json    ? "--json"
                             : options.csv   ? "--csv"
                             : options.lines ? "--lines"
                             : options.tree  ? "--tree"
                                             : "";
    for (auto output = outputs.begin(); output != outputs.end(); ++output) {
        const auto& [option, path] = *output;
        const auto both_want = [&](const std::string& other) {
            return usage(fmt::format("{} and {} both want standard output", option, other), "give one of them a file");
        };
        if (path == "-" && !text.empty()) return both_want(text);
        for (auto other = outputs.begin(); other != output; ++other) {
            if (path == "-" && other->second == "-") return both_want(other->first);
            if (path != "-" && other->second != "-" && is_same_file(path, other->second))
                return usage(fmt::format("{} and {} both go to {}: one would overwrite the other", other->first, option,
                                         printable(path)));
        }
        const bool shown = !text.empty() || std::ranges::any_of(outputs, [](const auto& o) { return o.second == "-"; });
        if (path != "-" && shown && is_same_file(path, STDOUT_FILENO))
            return usage(fmt::format("{} and standard output both go to {}: one would overwrite the other", option,
                                     printable(path)));
    }
    if (options.without_hooks && !outputs.empty() && !options.lines && !options.tree)
        return usage(
            fmt::format("--without-hooks is of the summary, which is not shown beside {}", outputs.front().first),
            "add --lines or --tree to have it, or make two reports");
    if (options.timeline == "-" && ::isatty(STDOUT_FILENO))
        return usage("a .pftrace is no text for a terminal", "send standard output into a file or a pipe");
    return {};
}

View view_of(const ReportOptions& options) {
    if (options.json) return View::json;
    if (options.lines) return View::lines;
    return options.tree ? View::tree : View::totals;
}

}  // namespace

int report(const ReportOptions& options) {
    if (const Status own = check_files(options); !own) return say_error(own.error());
    Findings findings;
    auto recording = open_recording(options.files);
    if (!recording) return say_error(recording.error());
    auto files = open_files(options, *recording, findings);
    if (!files) return say_error(files.error());
    drop_privileges();  // a recording may be anybody's
    Output out(STDOUT_FILENO);
    Flusher flusher(out);
    const Style style = style_of(STDOUT_FILENO);
    // Who asks for files only gets no text.
    const bool text = !options.json && !options.csv && (files->empty() || options.lines || options.tree);
    Summary summary;
    if (options.without_hooks) summary.show_without_hooks();
    std::unique_ptr<Sink> view;
    if (options.csv)
        view = std::make_unique<Csv>(out.buffer());
    else if (text || options.json)
        view = make_view(view_of(options), out.buffer(), style, summary.devices());
    std::vector<Sink*> sinks{&summary, &findings};
    if (view) sinks.push_back(view.get());
    sinks.push_back(&flusher);
    for (const auto& file : *files) file->add_to(sinks);

    const auto notes = replay(std::move(*recording), sinks);
    if (!notes) return say_error(notes.error());
    const bool of_sends = options.csv || !options.timeline.empty() || !options.flame.empty() || !options.folded.empty();
    if (const auto frames = findings.untraced_frames(); frames && of_sends) {
        for (const std::string& words : notes->words) say(words);
        return say_error(no_sends_traced(options.files.front(), *frames));
    }
    if (options.json) {
        append_findings_json(out.buffer(), findings.result());
        if (summary.is_traced()) append_looked_at_json(out.buffer(), findings.looked());
    }
    if (text) {
        if (summary.is_traced()) {
            out.buffer().push_back('\n');
            append_findings_text(out.buffer(), findings, style);
        }
        summary.append_text(out.buffer(), style);
    }
    out.flush();
    for (const std::string& words : notes->words) say(words);
    bool written = !say_output_error(out);
    for (const auto& file : *files) written = file->finish() && written;
    return written ? exit_done : exit_failed;
}

void add_report(CLI::App& app, Action& action) {
    const auto options = std::make_shared<ReportOptions>();
    CLI::App& verb = *app.add_subcommand("report", "what a recording tells: as text, JSON, pictures");
    add_recording_files(verb, options->files);
    CLI::Option* json =
        verb.add_flag("--json", options->json, "plan, sockets, sends, summary and findings, one JSON object each");
    CLI::Option* csv = verb.add_flag("--csv", options->csv, "a row a send, with the times of each stage");
    CLI::Option* lines = verb.add_flag("--lines", options->lines, "each send as a line, as trace shows it");
    CLI::Option* tree = verb.add_flag("--tree", options->tree, "each send as a tree of stages with their times");
    add_without_hooks_option(verb, options->without_hooks)->excludes(json)->excludes(csv);
    json->excludes(csv)->excludes(lines)->excludes(tree);
    csv->excludes(lines)->excludes(tree);
    lines->excludes(tree);
    const char* group = "Into files (then no text, unless it is asked for); - is standard output, for one";
    add_text(verb, "--html", options->html, "one page with pictures, that needs nothing but a browser")
        ->type_name("OUT")
        ->group(group);
    add_text(verb, "--timeline", options->timeline,
             "sends on a time line, by thread and device: for ui.perfetto.dev\n(.pftrace), or as Chrome's trace events "
             "where OUT ends in .json")
        ->type_name("OUT")
        ->group(group);
    add_text(verb, "--flame", options->flame, "a flame graph of the chain, as SVG")->type_name("OUT")->group(group);
    add_text(verb, "--folded", options->folded, "folded stacks of the chain, for any flame graph tool")
        ->type_name("OUT")
        ->group(group);
    verb.footer(report_footer);
    verb.callback([options, &action] { action = [options] { return report(*options); }; });
}

}  // namespace sockray
