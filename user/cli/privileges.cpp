#include "user/cli/privileges.h"

#include <cap-ng.h>

namespace sockray {

void drop_privileges(bool keep_net_raw) {
    capng_get_caps_process();
    const bool had_net_raw = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) == 1;
    capng_clear(CAPNG_SELECT_CAPS);
    if (keep_net_raw && had_net_raw)
        capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_RAW);
    capng_apply(CAPNG_SELECT_CAPS);  // giving up is always allowed
}

}  // namespace sockray
