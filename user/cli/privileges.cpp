#include "user/cli/privileges.h"

#include <cap-ng.h>
#include <sys/prctl.h>

namespace sockray {

void drop_privileges(Needs needs) {
    capng_get_caps_process();
    const auto keeps = [](bool needed, unsigned capability) {
        return needed && capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
    };
    const bool net_raw = keeps(needs.net_raw, CAP_NET_RAW);
    const bool kill = keeps(needs.kill, CAP_KILL);
    const bool new_files = keeps(needs.new_files, CAP_DAC_OVERRIDE);
    capng_clear(CAPNG_SELECT_CAPS);
    const auto usable = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
    if (net_raw) capng_update(CAPNG_ADD, usable, CAP_NET_RAW);
    if (kill) capng_update(CAPNG_ADD, usable, CAP_KILL);
    if (new_files) capng_update(CAPNG_ADD, usable, CAP_DAC_OVERRIDE);
    capng_apply(CAPNG_SELECT_CAPS);  // giving up is always allowed
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace sockray
