#include "user/cli/priority.h"

#include <sys/resource.h>

namespace sockray {

void go_before_others() {
    constexpr int before_others = -5;
    ::setpriority(PRIO_PROCESS, 0, before_others);  // setpriority(2): Linux takes 0 for the calling thread
}

}  // namespace sockray
