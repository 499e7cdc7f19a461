// Lets what reads go before what it watches.
#pragma once

namespace sockray {

// Of this thread and of those it starts later: three times the weight of a sender (nice -5). Where senders take all
// CPUs the reader would get a share as one of them, and the ring would overflow; with more weight than it needs it
// would take a CPU from them (nice -20 did). It needs CAP_SYS_NICE, so it comes before drop_privileges(); and it comes
// behind the start of a COMMAND, which would inherit it. Without that capability nothing changes. Weights count within
// a scheduling group: against senders of another session (sched(7), autogroup) or control group it is that group's
// share that counts.
void go_before_others();

}  // namespace sockray
