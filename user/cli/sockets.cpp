// sockray sockets: every packet socket of the system.
#include <unistd.h>

#include <memory>

#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/verbs.h"
#include "user/probe/live_kernel.h"
#include "user/probe/packet_sockets.h"
#include "user/report/sockets_json.h"
#include "user/report/sockets_text.h"

namespace sockray {

int sockets(const SocketsOptions& options) {
    auto kernel = LiveKernel::open(Purpose::reading);
    if (!kernel) return say_error(kernel.error());
    const auto found = read_packet_sockets(**kernel);
    drop_privileges();
    if (!found) return say_error(found.error());
    Output out(STDOUT_FILENO);
    if (options.json)
        append_sockets_json(out.buffer(), *found);
    else
        append_sockets_text(out.buffer(), *found, style_of(STDOUT_FILENO));
    out.flush();
    return say_output_error(out) ? exit_failed : exit_done;
}

void add_sockets(CLI::App& app, Action& action) {
    const auto options = std::make_shared<SocketsOptions>();
    CLI::App& verb = *app.add_subcommand("sockets", "every packet socket of the system, whoever opened it");
    verb.add_flag("--json", options->json, "one JSON object a socket");
    verb.footer(sockets_footer);
    verb.callback([options, &action] { action = [options] { return sockets(*options); }; });
}

}  // namespace sockray
