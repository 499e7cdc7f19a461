// sockray ops: the kernel's own tables of AF_PACKET.
#include "user/probe/ops.h"

#include <unistd.h>

#include <memory>

#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/verbs.h"
#include "user/probe/live_kernel.h"
#include "user/report/ops_text.h"

namespace sockray {

int ops(const OpsOptions& options) {
    auto kernel = LiveKernel::open(Purpose::reading, options.btf);
    if (!kernel) return say_error(kernel.error());
    const auto tables = read_packet_tables(**kernel);
    if (!tables) return say_error(tables.error());
    Output out(STDOUT_FILENO);
    if (options.json)
        append_ops_json(out.buffer(), *tables);
    else
        append_ops_text(out.buffer(), *tables, style_of(STDOUT_FILENO));
    out.flush();
    return say_output_error(out) ? exit_failed : exit_done;
}

void add_ops(CLI::App& app, Action& action) {
    const auto options = std::make_shared<OpsOptions>();
    CLI::App& verb = *app.add_subcommand("ops", "net_families[AF_PACKET] and the live packet_ops tables, by name");
    verb.add_flag("--json", options->json, "one JSON object a table");
    add_btf_option(verb, options->btf);
    verb.footer(ops_footer);
    verb.callback([options, &action] { action = [options] { return ops(*options); }; });
}

}  // namespace sockray
