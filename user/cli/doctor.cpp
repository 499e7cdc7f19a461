// sockray doctor: the plan for this kernel, and what of this machine helps or hinders.
#include <unistd.h>

#include <memory>

#include "user/base/format.h"
#include "user/base/json.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/verbs.h"
#include "user/live/json_lines.h"
#include "user/probe/environment.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"
#include "user/report/machine_text.h"
#include "user/report/plan_text.h"

namespace sockray {
namespace {

struct Diagnosis {
    std::unique_ptr<LiveKernel> kernel;
    Plan plan;
};

// Nothing is attached any more when it returns: writing may take as long as the reader likes.
Result<Diagnosis> examine(const std::string& btf_file) {
    auto kernel = LiveKernel::open(Purpose::tracing, btf_file);
    if (!kernel) return tl::unexpected(kernel.error());
    TraceOptions options;
    options.ring_bytes = default_ring_bytes;
    options.stages = full_stages;
    options.try_alternatives = true;
    const auto tracer = Tracer::start(**kernel, options);  // never armed
    if (!tracer) return tl::unexpected(tracer.error());
    return Diagnosis{std::move(*kernel), tracer->plan()};
}

// In place of a plan.
void append_obstacle(fmt::memory_buffer& out, const Error& error) {
    {
        JsonObject object(out);
        object.text("type", "obstacle");
        object.text("reason", error.what);
        object.text("remedy", error.remedy);
    }
    out.push_back('\n');
}

}  // namespace

int doctor(const DoctorOptions& options) {
    Output out(STDOUT_FILENO);
    const Style style = style_of(STDOUT_FILENO);
    const auto diagnosis = examine(options.btf);
    if (options.json) {
        if (diagnosis) {
            JsonLines(diagnosis->plan, *diagnosis->kernel).plan(out.buffer());
        } else {
            append_obstacle(out.buffer(), diagnosis.error());
            say_error(diagnosis.error());
        }
        out.flush();
        if (say_output_error(out)) return exit_failed;
        return diagnosis ? exit_done : exit_status(diagnosis.error());
    }
    append_machine_text(out.buffer(), inspect_environment("", options.btf),
                        diagnosis ? std::nullopt : std::optional(diagnosis.error()), style);
    if (diagnosis) append_plan_text(out.buffer(), diagnosis->plan, style);
    out.flush();
    if (say_output_error(out)) return exit_failed;
    return diagnosis ? exit_done : exit_status(diagnosis.error());
}

void add_doctor(CLI::App& app, Action& action) {
    const auto options = std::make_shared<DoctorOptions>();
    CLI::App& verb = *app.add_subcommand("doctor", "the plan for this kernel and what stands in the way");
    verb.add_flag("--json", options->json, "the lines of the plan, one JSON object each");
    add_btf_option(verb, options->btf);
    verb.footer(doctor_footer);
    verb.callback([options, &action] { action = [options] { return doctor(*options); }; });
}

}  // namespace sockray
