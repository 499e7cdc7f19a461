// sockray ops: the kernel's own tables of AF_PACKET.
#include "user/probe/ops.h"

#include <unistd.h>

#include "user/base/terminal.h"
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

}  // namespace sockray
