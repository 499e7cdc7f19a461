// Gives privileges up as soon as they are not needed.
#pragma once

namespace sockray {

// After everything is attached: what reads and prints needs no capability. Of this thread and those it starts later;
// with `keep_net_raw` all but the right to open packet sockets.
void drop_privileges(bool keep_net_raw);

}  // namespace sockray
