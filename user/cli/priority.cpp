#include "user/cli/priority.h"

#include <sys/resource.h>

namespace sockray {

void go_before_others() {
    constexpr int first = -20;
    ::setpriority(PRIO_PROCESS, 0, first);  // setpriority(2): Linux takes 0 for the calling thread
}

}  // namespace sockray
