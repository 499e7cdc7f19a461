// Gives privileges up as soon as they are not needed.
#pragma once

namespace sockray {

// What may still be needed behind that.
struct Needs {
    bool net_raw = false;    // CAP_NET_RAW: to open packet sockets
    bool kill = false;       // CAP_KILL: to end a COMMAND that has become another user
    bool new_files = false;  // CAP_DAC_OVERRIDE: -C and -G make files, where another user may own the directory
};

// After everything is attached: what reads and prints needs no capability, and gets none back by executing a program
// (no_new_privs), for which COMMAND must have been started before. Of this thread and of those it starts later; other
// threads keep what they have.
void drop_privileges(Needs needs = {});

}  // namespace sockray
